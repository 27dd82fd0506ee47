"""The pool: order, isolation, limits, and whose fault it is when something dies."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from program_scenes import MARGINS, apart, scene

from engine.config import SandboxSettings
from engine.errors import SandboxFault
from engine.programs.sandbox import Job, Sandbox, enforced
from engine.programs.wire import outcome_to_wire
from engine.records import Outcome, Reason, SceneFacts

GAPS = {"near": 0.5, "mid": 1.0, "far": 2.0}
SCENES = {name: scene(*apart(gap)) for name, gap in GAPS.items()}
ASK = "def answer(scene):\n    return distance('sofa', 'stove')"
LOOP = "def answer(scene):\n    while True:\n        pass"
HOG = (
    "def answer(scene):\n    x = []\n    while True:\n        x.append('a' * 999999 + str(len(x)))"
)
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def settings(**changes) -> SandboxSettings:
    return SandboxSettings(**{"workers": 1, "wall_seconds": 0.4, "memory_mb": 192, **changes})


def facts_of(scene_id: str) -> SceneFacts:
    return SCENES[scene_id]


def job(key: object, program: str = ASK, scene_id: str = "near") -> Job:
    return Job(key=str(key), scene_id=scene_id, program=program)


def results(jobs: list[Job], worker_command=None, **changes) -> list[tuple[str, Outcome]]:
    with Sandbox(settings(**changes), MARGINS, worker_command=worker_command) as sandbox:
        return list(sandbox.run(jobs, facts_of))


def same(outcome: Outcome) -> Outcome:
    """Without its duration, the one thing that may differ from run to run."""
    return dataclasses.replace(outcome, ms=0.0)


def test_results_come_in_input_order_whatever_the_scene():
    jobs = [job(k, scene_id=list(GAPS)[k % 3]) for k in range(200)]
    answered = results(jobs, workers=2)
    assert [key for key, _ in answered] == [str(k) for k in range(200)]
    for k, (_, outcome) in enumerate(answered):
        assert outcome.answer == pytest.approx(list(GAPS.values())[k % 3])


def test_no_jobs_no_results_no_workers():
    with Sandbox(settings(), MARGINS) as sandbox:
        assert list(sandbox.run([], facts_of)) == []
        assert sandbox._workers.alive == []


def test_facts_are_asked_once_a_scene_and_progress_counts_up():
    asked, counts = [], []

    def facts(scene_id: str) -> SceneFacts:
        asked.append(scene_id)
        return facts_of(scene_id)

    jobs = [job(k, scene_id=list(GAPS)[k % 3]) for k in range(90)]
    with Sandbox(settings(workers=2), MARGINS) as sandbox:
        for _ in sandbox.run(jobs, facts, on_done=counts.append):
            pass
    assert sorted(asked) == sorted(GAPS)
    assert counts == sorted(set(counts))
    assert counts[-1] == 90


def test_a_second_call_sees_its_own_facts_of_the_same_scene():
    with Sandbox(settings(), MARGINS) as sandbox:
        ((_, first),) = sandbox.run([job(1)], lambda _: SCENES["near"])
        ((_, second),) = sandbox.run([job(1)], lambda _: SCENES["far"])
    assert (first.answer, second.answer) == (pytest.approx(0.5), pytest.approx(2.0))


MIXED = [
    ASK,
    "def answer(scene):\n    return list({'b', 'a', 'sofa', 'stove', 'x', 'yy', 'zzz'})",
    "def answer(scene):\n    return [o.label for o in set(scene.objects())]",
    "def answer(scene):\n    return 1 / 0",
    "def answer(scene):\n    return scene.only('soffa')",
    "def answer(scene):\n    return 'a' * 10 ** 9",
    "import os",
    "def answer(",
]


def test_one_worker_and_three_give_the_same():
    jobs = [job(k, MIXED[k % len(MIXED)], list(GAPS)[k % 3]) for k in range(120)]
    jobs.insert(30, job("hog", HOG))
    one = [(key, same(outcome)) for key, outcome in results(jobs, workers=1, wall_seconds=5.0)]
    three = [(key, same(outcome)) for key, outcome in results(jobs, workers=3, wall_seconds=5.0)]
    assert one == three
    assert dict(one)["hog"].reason is Reason.MEMORY


@pytest.mark.parametrize("seed", ["1", "77"])
def test_the_parents_hash_seed_does_not_matter(seed, tmp_path):
    script = tmp_path / "ask.py"
    script.write_text(
        f"import json, sys\nsys.path[:0] = {[str(Path(__file__).parent)]!r}\n"
        "from test_sandbox import MIXED, job, results, same\n"
        "from engine.programs.wire import outcome_to_wire\n"
        "rows = results([job(k, p) for k, p in enumerate(MIXED)])\n"
        "print(json.dumps([outcome_to_wire(same(o)) for _, o in rows]))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    here = [outcome_to_wire(same(o)) for _, o in results([job(k, p) for k, p in enumerate(MIXED)])]
    assert json.loads(done.stdout) == json.loads(json.dumps(here))


def test_a_program_over_the_wall_limit_is_a_timeout_and_its_neighbours_are_not():
    start = time.perf_counter()
    rows = dict(results([job("a"), job("loop", LOOP), job("b"), job("c", scene_id="far")]))
    assert time.perf_counter() - start < 10.0
    assert rows["loop"].reason is Reason.TIMEOUT
    assert "0.4 s" in rows["loop"].message
    assert [rows[key].answer for key in "abc"] == [pytest.approx(x) for x in (0.5, 0.5, 2.0)]


def test_a_program_out_of_memory_does_not_blame_its_neighbours():
    rows = dict(results([job("a"), job("hog", HOG), job("b")], wall_seconds=5.0))
    assert rows["hog"].reason is Reason.MEMORY
    assert rows["a"].ok
    assert rows["b"].ok


def test_a_worker_fits_the_smallest_memory_the_configuration_allows():
    assert results([job(1)], memory_mb=128)[0][1].ok


def test_a_slow_reader_of_results_times_nothing_out():
    with Sandbox(settings(wall_seconds=0.2), MARGINS) as sandbox:
        jobs = [job(k, scene_id=list(GAPS)[k // 100]) for k in range(300)]
        for number, (_, outcome) in enumerate(sandbox.run(jobs, facts_of)):
            assert outcome.ok
            if number in (0, 150):
                time.sleep(0.5)


@linux
def test_a_worker_stopped_by_the_machine_is_no_timeout():
    with Sandbox(settings(), MARGINS) as sandbox:
        sandbox.enforced()
        pid = sandbox._workers.alive[0].pid
        os.kill(pid, signal.SIGSTOP)
        waker = subprocess.Popen(["sh", "-c", f"sleep 1; kill -CONT {pid}"])
        ((_, outcome),) = sandbox.run([job(1)], facts_of)
        waker.wait()
    assert outcome.ok, outcome.message


def test_workers_are_replaced_after_their_share_of_programs(monkeypatch):
    with Sandbox(settings(recycle_after=40), MARGINS) as sandbox:
        pids = set()
        start = sandbox._workers.start

        def counted():
            worker = start()
            pids.add(worker.pid)
            return worker

        monkeypatch.setattr(sandbox._workers, "start", counted)
        rows = list(sandbox.run([job(k) for k in range(200)], facts_of))
    assert all(outcome.ok for _, outcome in rows)
    assert len(pids) >= 2


def test_a_killed_worker_costs_no_result():
    with Sandbox(settings(workers=2), MARGINS) as sandbox:
        killed = []

        def kill_one(done: int) -> None:
            if not killed:
                killed.append(done)
                os.kill(sandbox._workers.alive[0].pid, signal.SIGKILL)

        rows = list(sandbox.run([job(k) for k in range(300)], facts_of, on_done=kill_one))
        assert killed
        assert [key for key, _ in rows] == [str(k) for k in range(300)]
        assert all(outcome.ok for _, outcome in rows)
        # And between calls.
        for worker in sandbox._workers.alive:
            os.kill(worker.pid, signal.SIGKILL)
        assert all(outcome.ok for _, outcome in sandbox.run([job(k) for k in range(9)], facts_of))


def command(code: str) -> list[str]:
    """A worker whose ``attempt`` is wrapped: ``code`` runs before each program."""
    script = f"""
        import os
        import engine.programs.worker as worker
        run, served = worker.attempt, []

        def wrapped(source, *args, **kwargs):
            {code}
            served.append(source)
            return run(source, *args, **kwargs)

        worker.attempt = wrapped
        worker.main()
    """
    return [sys.executable, "-S", "-P", "-s", "-c", textwrap.dedent(script)]


def test_a_program_that_kills_its_worker_twice_is_a_crash():
    dies = command("'die' in source and os.abort()")
    jobs = [job("a"), job("b", ASK + "  # die"), job("c")]
    rows = dict(results(jobs, dies))
    assert rows["b"].reason is Reason.CRASH
    assert "SIGABRT" in rows["b"].message
    assert rows["a"].ok
    assert rows["c"].ok


def test_a_program_that_dies_of_its_neighbour_is_not_a_crash():
    fragile = command("'die' in source and served and os.abort()")
    rows = dict(results([job("a"), job("b", ASK + "  # die"), job("c")], fragile))
    assert all(outcome.ok for outcome in rows.values())


def test_a_program_that_finds_memory_full_of_its_neighbours_is_run_alone():
    full = command(
        "\n            if 'big' in source and served:\n                raise MemoryError"
    )
    rows = dict(results([job("a"), job("b", ASK + "  # big"), job("c")], full))
    assert all(outcome.ok for outcome in rows.values())


def test_workers_that_die_of_anything_stop_the_run():
    with pytest.raises(SandboxFault, match="simplest program"):
        results([job("a")], command("os._exit(7)"))


def test_a_worker_that_talks_nonsense_stops_the_run():
    with pytest.raises(SandboxFault, match="simplest program"):
        results([job("a")], command("os.write(4, b'x' * 99)"))


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ([sys.executable, "-c", "raise SystemExit('no such library')"], "no such library"),
        ([sys.executable, "-c", "import os; os.abort()"], "SIGABRT"),
        (["/nowhere/python"], "cannot be started"),
    ],
)
def test_a_worker_that_cannot_start_is_a_sandbox_fault_never_a_rejection(broken, says):
    with pytest.raises(SandboxFault, match=says) as caught:
        results([job("a")], broken)
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)


def test_a_closed_sandbox_says_so():
    with Sandbox(settings(), MARGINS) as sandbox:
        pass
    with pytest.raises(SandboxFault, match="closed"):
        list(sandbox.run([job(1)], facts_of))


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie that nobody reaps has, too)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@linux
def test_closing_the_iterator_or_the_sandbox_leaves_no_process():
    with Sandbox(settings(workers=2, wall_seconds=30.0), MARGINS) as sandbox:
        rows = sandbox.run([job(1), *(job(k, LOOP) for k in range(2, 9))], facts_of)
        next(rows)
        busy = [worker.pid for worker in sandbox._workers.alive]
        rows.close()
        assert all(map(gone, busy))
        assert next(iter(sandbox.run([job(1)], facts_of)))[1].ok
        idle = [worker.pid for worker in sandbox._workers.alive]
        assert idle
    assert all(map(gone, idle))


@linux
def test_workers_die_with_a_parent_that_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        f"import sys\nsys.path[:0] = {[str(Path(__file__).parent)]!r}\n"
        "from test_sandbox import *\n"
        "sandbox = Sandbox(settings(wall_seconds=60.0), MARGINS)\n"
        "sandbox.enforced()\n"
        "print(sandbox._workers.alive[0].pid, flush=True)\n"
        "list(sandbox.run([job(1, LOOP)], facts_of))\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.3)
        assert not gone(pid)
        parent.kill()
    deadline = time.perf_counter() + 10.0
    while not gone(pid) and time.perf_counter() < deadline:
        time.sleep(0.02)
    assert gone(pid)


@linux
def test_a_worker_holds_an_empty_environment_and_its_limits():
    with Sandbox(settings(memory_mb=192), MARGINS) as sandbox:
        names = sandbox.enforced()
        proc = Path(f"/proc/{sandbox._workers.alive[0].pid}")
        try:
            environment = proc.joinpath("environ").read_bytes().split(b"\0")
        except PermissionError:
            assert os.getuid() != 0  # not dumpable: closed to its own user, open to root
            environment = None
        limits = proc.joinpath("limits").read_text()
        status = proc.joinpath("status").read_text()
    assert environment is None or {e.split(b"=")[0] for e in environment if e} == {
        b"PYTHONPATH",
        b"PYTHONHASHSEED",
        b"PYTHONUTF8",
    }
    soft = {line[:25].strip(): line[25:].split()[0] for line in limits.splitlines()}
    assert soft["Max address space"] == str(192 * 1024 * 1024)
    assert soft["Max file size"] == soft["Max core file size"] == soft["Max processes"] == "0"
    assert soft["Max open files"] == "0"
    assert "NoNewPrivs:\t1" in status
    assert {"RLIMIT_AS", "RLIMIT_FSIZE", "no_new_privs", "dies_with_parent"} <= set(names)


def test_enforced_needs_no_sandbox_at_hand():
    assert "RLIMIT_AS" in enforced()
