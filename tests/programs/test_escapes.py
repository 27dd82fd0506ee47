"""Programs that try to get out, or to take the machine with them: each contained, pool unharmed."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

import pytest
from escape_corpus import Attempt, corpus
from program_scenes import MARGINS, apart, run, scene

from engine.config import SandboxSettings
from engine.programs.execution import MAX_MESSAGE
from engine.programs.sandbox import Job, Sandbox
from engine.programs.wire import outcome_to_wire
from engine.records import Outcome, Reason

FACTS = scene(*apart(1.0))
SECRET = "the-canary-is-alive"
CORPUS = {attempt.name: attempt for attempt in corpus()}
HEAVY = {Reason.TIMEOUT, Reason.MEMORY}
# Time and memory bombs need the sandbox; everything else is also contained in process.
HARMLESS = [attempt for attempt in CORPUS.values() if not attempt.may & HEAVY]
SETTINGS = SandboxSettings(workers=2, wall_seconds=0.4, memory_mb=192)
BATCH = 64

# What honest proposers write; each leans on something an attempt tries to change.
INNOCENT = [
    "def answer(scene):\n    return distance('sofa', 'stove')",
    "def answer(scene):\n    return scene.labels()",
    "def answer(scene):\n    return len([o for o in scene.objects() if o.height > 0.5])",
    "def answer(scene):\n    return math.sqrt(2) + math.pi + sum(sorted([3, 1, 2]))",
    "def f(x=[]):\n    x.append(1)\n    return len(x)\ndef answer(scene):\n    return f() + f()",
    "def answer(scene):\n    return [x for x in {'sofa', 'stove', 'bed', 'tv', 'a', 'b'}]",
    "def answer(scene):\n    return scene.only('sofaa').height",
    "def answer(scene):\n    return f'{scene.only(\"sofa\").longest_side:.2f}'",
]


def as_bytes(outcome: Outcome) -> bytes:
    """All of an outcome but its duration."""
    return json.dumps(outcome_to_wire(dataclasses.replace(outcome, ms=0.0))).encode()


def run_all(programs: Iterable[str], settings: SandboxSettings = SETTINGS, **more) -> list[Outcome]:
    jobs = [Job(key=str(k), scene_id="s", program=p) for k, p in enumerate(programs)]
    with Sandbox(settings, MARGINS, **more) as sandbox:
        return [outcome for _, outcome in sandbox.run(jobs, lambda _: FACTS)]


def test_the_corpus_is_as_large_as_promised_and_nothing_is_in_it_twice():
    attempts = corpus()
    assert len(attempts) >= 200
    assert len({attempt.source for attempt in attempts}) == len(attempts)
    assert len({attempt.name for attempt in attempts}) == len(attempts)


@pytest.mark.parametrize("category", dict.fromkeys(a.category for a in HARMLESS))
def test_escapes_are_contained_by_the_language_alone(category):
    wrong = {}
    for attempt in HARMLESS:
        if attempt.category == category:
            outcome = run(attempt.source, FACTS)
            if outcome.reason not in attempt.may:
                wrong[attempt.name] = (outcome.reason, outcome.message, outcome.answer)
    assert not wrong


def peak_mb(pid: int) -> float:
    """The most address space a process ever had."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmPeak")]
    return int(peaks[0]) / 1024 if peaks else 0.0


def wrong_with(attempt: Attempt, outcome: Outcome) -> str | None:
    """How an attempt got past its limits; None where it is contained."""
    text = as_bytes(outcome).decode()
    if outcome.reason not in attempt.may:
        return f"{outcome.reason}: {outcome.message} {outcome.answer!r}"
    if SECRET in text or "root:x:0" in text:
        return "it read what it must not"
    if len(json.dumps(outcome.answer)) > SETTINGS.output_bytes + 100:
        return "its answer is too long"
    if len(outcome.message) > MAX_MESSAGE:
        return "its message is too long"
    # A worker the machine starves is given up to 20 times the limit.
    if outcome.ms > 20_000 * SETTINGS.wall_seconds + 1000:
        return f"it ran for {outcome.ms} ms"
    return None


def test_nothing_escapes_and_innocent_neighbours_notice_nothing(tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    canary.write_text(SECRET)
    canary.chmod(0o644)
    tmp_path.chmod(0o777)
    monkeypatch.setenv("HOME", SECRET)
    alone = [as_bytes(run_all([program])[0]) for program in INNOCENT]
    wrong: dict[str, str] = {}
    changed: list[str] = []
    peaks: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as listener, Sandbox(SETTINGS, MARGINS) as sandbox:
        listener.setblocking(False)
        attempts = corpus(str(canary), listener.getsockname()[1])
        for start in range(0, len(attempts), BATCH):
            batch = attempts[start : start + BATCH]
            programs = [
                program
                for k, attempt in enumerate(batch)
                for program in (attempt.source, INNOCENT[k % len(INNOCENT)])
            ]
            jobs = [Job(key=str(k), scene_id="s", program=p) for k, p in enumerate(programs)]
            rows = sandbox.run(
                jobs,
                lambda _: FACTS,
                on_done=lambda _: peaks.extend(peak_mb(w.pid) for w in sandbox._workers.alive),
            )
            for key, outcome in rows:
                attempt = batch[int(key) // 2]
                if int(key) % 2 == 0:
                    if (problem := wrong_with(attempt, outcome)) is not None:
                        wrong[attempt.name] = problem
                elif as_bytes(outcome) != alone[(int(key) // 2) % len(INNOCENT)]:
                    changed.append(attempt.name)
            # The pool is healthy: every innocent program again, on whatever workers are left.
            again = sandbox.run(
                [Job(key=str(k), scene_id="s", program=p) for k, p in enumerate(INNOCENT)],
                lambda _: FACTS,
            )
            assert [as_bytes(outcome) for _, outcome in again] == alone
            assert len(sandbox._workers.alive) <= 2
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert not wrong
    assert not changed
    # DuckDB's own memory, where a program asks for scene.rows, comes on top.
    assert max(peaks, default=0.0) <= SETTINGS.memory_mb + 100.0
    assert [path.name for path in tmp_path.iterdir()] == ["canary"]
    assert canary.read_text() == SECRET


def test_nothing_is_imported_once_programs_run():
    """In the jail an import fails: whatever parsing, faults and messages need is there before."""
    script = """
        import os, sys
        import engine.programs.worker as worker
        attempt, modules = worker.attempt, None

        def watched(*args, **kwargs):
            global modules
            if modules is None:
                modules = set(sys.modules)
            outcome = attempt(*args, **kwargs)
            if set(sys.modules) != modules:
                print(set(sys.modules) - modules, file=sys.stderr, flush=True)
                os.abort()
            return outcome

        worker.attempt = watched
        worker.main()
    """
    command = [sys.executable, "-S", "-P", "-s", "-c", textwrap.dedent(script)]
    outcomes = run_all([a.source for a in HARMLESS] + INNOCENT, worker_command=command)
    assert [o.message for o in outcomes if o.reason is Reason.CRASH] == []


# Only these and the honest programs have answers that something could change.
ANSWERING = [a.source for a in CORPUS.values() if a.may == {None}] + INNOCENT


def test_answers_depend_on_nothing_but_program_and_scene():
    roomy = dataclasses.replace(SETTINGS, wall_seconds=5.0)
    first = [as_bytes(o) for o in run_all(ANSWERING, dataclasses.replace(roomy, workers=1))]
    assert first == [as_bytes(o) for o in run_all(ANSWERING, dataclasses.replace(roomy, workers=3))]
    backwards = run_all(reversed(ANSWERING), dataclasses.replace(roomy, recycle_after=10))
    assert first == [as_bytes(o) for o in reversed(backwards)]


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_answers_do_not_depend_on_the_hash_seed_around_the_sandbox(seed, tmp_path):
    script = tmp_path / "ask.py"
    script.write_text(
        f"import sys\nsys.path[:0] = {[str(Path(__file__).parent)]!r}\n"
        "from test_escapes import ANSWERING, as_bytes, run_all\n"
        "sys.stdout.buffer.write(b'\\n'.join(as_bytes(o) for o in run_all(ANSWERING)))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split(b"\n") == [as_bytes(o) for o in run_all(ANSWERING)]
