"""The jail by itself: what the kernel refuses once the language is out of the way."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from program_scenes import MARGINS, apart, scene

from engine.config import ConfigError, SandboxSettings, from_mapping
from engine.doctor import examine
from engine.errors import EnvironmentFault
from engine.programs import jail, landlock, seccomp
from engine.programs.sandbox import Job, Sandbox
from engine.records import Reason

FACTS = scene(*apart(1.0))
needs_seccomp = pytest.mark.skipif(not seccomp.available(), reason="no seccomp on this machine")
needs_landlock = pytest.mark.skipif(not landlock.abi(), reason="no Landlock on this machine")


def worker(code: str) -> list[str]:
    """A worker command; ``code`` runs before the worker starts, with it as ``w``."""
    script = f"import engine.programs.worker as w\n{textwrap.dedent(code)}\nw.main()\n"
    return [sys.executable, "-S", "-P", "-s", "-c", script]


# Stands in for a language that is broken altogether: programs are plain Python, answers are JSON.
BROKEN = """
    import ctypes, errno, json, mmap, os, resource, signal, socket, subprocess, sys, threading
    from engine.records import Outcome, Trace

    libc = ctypes.CDLL(None, use_errno=True)

    def call(*arguments):
        result = libc.syscall(*[ctypes.c_long(a) if type(a) is int else a for a in arguments])
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result

    def attempt(source, facts, margins, *, output_bytes):
        names = dict(globals())
        try:
            exec(source, names)
            answer = {"did": str(names.get("did"))}
        except OSError as error:
            answer = {"refused": errno.errorcode.get(error.errno, str(error.errno))}
        except Exception as error:
            answer = {"failed": repr(error)}
        return Outcome(ok=True, answer=json.dumps(answer), reason=None, message="", margin=None,
                       ms=0.0, trace=Trace())

    w.attempt = attempt
"""


def unguarded(programs: list[str], before: str = "", **changes) -> list[dict[str, str]]:
    """What plain Python programs come to inside the jail."""
    settings = SandboxSettings(workers=1, **changes)
    command = worker(textwrap.dedent(BROKEN) + textwrap.dedent(before))
    jobs = [Job(key=str(k), scene_id="s", program=p) for k, p in enumerate(programs)]
    with Sandbox(settings, MARGINS, worker_command=command) as sandbox:
        outcomes = [outcome for _, outcome in sandbox.run(jobs, lambda _: FACTS)]
    return [
        json.loads(o.answer) if isinstance(o.answer, str) else {"ended": o.message}
        for o in outcomes
    ]


# What a program that escaped the language would try -> the same with CANARY a file, PARENT a pid.
ATTACKS = {
    "read a file": "did = open(CANARY).read()",
    "read the passwords": "did = os.open('/etc/passwd', os.O_RDONLY)",
    "read its own memory map": "did = open('/proc/self/maps').read()",
    "read the parent's environment": "did = open(f'/proc/{PARENT}/environ', 'rb').read()",
    "create a file": "did = open(CANARY + '.new', 'w')",
    "create a file in memory": "did = os.memfd_create('x')",
    "make a folder": "os.mkdir(CANARY + '.dir'); did = 1",
    "remove a file": "os.remove(CANARY); did = 1",
    "rename a file": "os.rename(CANARY, CANARY + '.x'); did = 1",
    "link a file": "os.link(CANARY, CANARY + '.x'); did = 1",
    "truncate a file": "os.truncate(CANARY, 0); did = 1",
    "change a mode": "os.chmod(CANARY, 0o777); did = 1",
    "look at a file": "did = os.stat(CANARY)",
    "list a folder": "did = os.listdir('/')",
    "go to a folder": "os.chdir('/tmp'); did = 1",
    "make a pipe": "did = os.pipe()",
    "duplicate the channel": "did = os.dup(4)",
    "read what is not the channel": "did = os.read(2, 1)",
    "write to standard output": "did = os.write(1, b'x')",
    "internet socket": "did = socket.socket()",
    "internet socket by number": (
        "did = call(41 if os.uname().machine == 'x86_64' else 198, 2, 1, 0)"
    ),
    "datagram socket": "did = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "unix socket": "did = socket.socket(socket.AF_UNIX)",
    "socket pair": "did = socket.socketpair()",
    "netlink socket": "did = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "fork": "did = os.fork()",
    "fork and run": "did = subprocess.run(['/bin/true'])",
    "spawn": "did = os.posix_spawn('/bin/true', ['true'], {})",
    "become another program": "os.execv('/bin/true', ['true'])",
    "shell": "did = os.system('true') and libc.system(b'true') and os.listdir('/')",
    "kill the parent": "os.kill(PARENT, 9); did = 1",
    "kill everybody": "os.kill(-1, 9); did = 1",
    "signal the parent's thread": (
        "did = call(234 if os.uname().machine == 'x86_64' else 131, PARENT, PARENT, 9)"
    ),
    "trace the parent": (
        "did = call(101 if os.uname().machine == 'x86_64' else 117, 16, PARENT, 0, 0)"
    ),
    "read the parent's memory": (
        "did = call(310 if os.uname().machine == 'x86_64' else 270, PARENT, None, 0, None, 0, 0)"
    ),
    "limits of the parent": "did = resource.prlimit(PARENT, resource.RLIMIT_CPU, (1, 1))",
    "more memory": "did = resource.prlimit(0, resource.RLIMIT_AS, (-1, -1))",
    "more files": "did = resource.prlimit(0, resource.RLIMIT_NOFILE, (9, 9))",
    "become root": "os.setuid(0); did = 1",
    "dumpable again": "did = call(157 if os.uname().machine == 'x86_64' else 167, 4, 1, 0, 0, 0)",
    "io_uring": "did = call(425, 1, ctypes.create_string_buffer(120))",
    "bpf": "did = call(321 if os.uname().machine == 'x86_64' else 280, 0, None, 0)",
    "new namespaces": "did = call(272 if os.uname().machine == 'x86_64' else 97, 0x10000000)",
    "executable memory": "did = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)",
    "memory made executable": (
        "page = mmap.mmap(-1, 4096)\n"
        "at = ctypes.addressof(ctypes.c_char.from_buffer(page))\n"
        "did = call(10 if os.uname().machine == 'x86_64' else 226, at, 4096, 5)"
    ),
    "a call of no table": "did = call(5000)",
    "import what is not loaded": "import wave as did",
}


@needs_seccomp
@needs_landlock
def test_an_escaped_program_is_refused_by_the_kernel(tmp_path):
    canary = tmp_path / "canary"
    canary.write_text("secret")
    tmp_path.chmod(0o777)
    before = f"CANARY, PARENT = {str(canary)!r}, {os.getpid()}\nPARENT = os.getppid()"
    found = dict(zip(ATTACKS, unguarded(list(ATTACKS.values()), before), strict=True))
    open_doors = {name: said for name, said in found.items() if said.get("refused") != "EPERM"}
    assert set(open_doors) == {"import what is not loaded"}
    assert "ModuleNotFoundError" in open_doors["import what is not loaded"]["failed"]
    assert [path.name for path in tmp_path.iterdir()] == ["canary"]
    assert canary.read_text() == "secret"


@needs_seccomp
def test_an_escaped_program_finds_no_environment_no_descriptor_and_no_thread():
    environment, descriptors, thread = unguarded(
        [
            "did = dict(os.environ)",
            "did = [n for n in range(5, 100) if libc.close(n) == 0]",
            "threading.Thread(target=print).start()",
        ]
    )
    assert environment == {"did": "{}"}
    assert descriptors == {"did": "[]"}
    assert "can't start new thread" in thread["failed"]


@needs_seccomp
def test_calls_of_another_table_end_the_process():
    if os.uname().machine != "x86_64":
        pytest.skip("only x86_64 has a second table in the same process")
    (said,) = unguarded(["did = call(0x40000000 | 39)"])  # getpid of x32
    assert "SIGSYS" in said["ended"]


def test_without_landlock_and_seccomp_limits_alone_still_close_files_and_processes():
    """Simulated: the probes are told that the kernel has neither."""
    before = "w.jail.landlock.abi = lambda: 0\nw.jail.seccomp.available = lambda: False"
    attacks = ["did = open('/etc/passwd').read()", "did = socket.socket()", "did = os.fork()"]
    found = unguarded(attacks, before)
    assert found[0] == found[1] == {"refused": "EMFILE"}
    if os.getuid() != 0 or "unprivileged" in held(before):
        assert found[2] == {"refused": "EAGAIN"}


def held(before: str = "", **changes) -> tuple[str, ...]:
    settings = SandboxSettings(workers=1, **changes)
    with Sandbox(settings, MARGINS, worker_command=worker(before)) as sandbox:
        return sandbox.enforced()


@needs_seccomp
@needs_landlock
def test_this_machine_gives_the_full_jail():
    names = held(require="full")
    assert jail.missing(names) == ()
    assert f"landlock:{landlock.abi()}" in names


LESS = {
    "landlock": "w.jail.landlock.abi = lambda: 0",
    "seccomp": "w.jail.seccomp.available = lambda: False",
    "unprivileged": "w.jail._drop_capabilities = lambda: False",
}


@pytest.mark.parametrize("name", LESS)
def test_a_machine_that_enforces_less_is_refused_when_all_is_required(name):
    """Simulated: the worker's probe is told that the kernel lacks one layer."""
    program = "def answer(scene):\n    return 1"
    jobs = [Job(key="a", scene_id="s", program=program)]
    for require in ("full", "any"):
        settings = SandboxSettings(workers=1, require=require)
        with Sandbox(settings, MARGINS, worker_command=worker(LESS[name])) as sandbox:
            if require == "any":
                assert next(sandbox.run(jobs, lambda _: FACTS))[1].answer == 1
                assert name in {g.name for g in jail.missing(sandbox.enforced())}
                continue
            for attempt in (sandbox.enforced, lambda s=sandbox: list(s.run(jobs, lambda _: FACTS))):
                with pytest.raises(EnvironmentFault, match=name) as caught:
                    attempt()
                remedy = next(g.remedy for g in jail.GUARANTEES if g.name == name)
                assert remedy in str(caught.value)
                assert caught.value.exit_code == 3


def test_requiring_something_else_is_a_config_error():
    with pytest.raises(ConfigError, match=r"sandbox\.require"):
        from_mapping({"sandbox": {"require": "some"}}, source="x")


def test_doctor_names_every_part_of_the_jail_and_what_it_stops():
    checks = {check.name.partition(":")[0]: check for check in examine()}
    for guarantee in jail.GUARANTEES:
        check = checks[guarantee.name]
        assert guarantee.stops in check.found
        assert check.ok or check.advice == guarantee.remedy


# Each layer by itself, in a process of its own, so that none leans on another.


def alone(code: str) -> dict[str, str]:
    script = (
        "import ctypes, errno, json, os, signal, socket, sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from engine.programs import landlock, seccomp\n"
        "assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0\n"
        "said = {}\n"
        "def attempt(name, act):\n"
        "    try:\n"
        "        said[name] = str(act())\n"
        "    except OSError as error:\n"
        "        said[name] = errno.errorcode[error.errno]\n"
        f"{textwrap.dedent(code)}\n"
        "os.write(1, json.dumps(said).encode())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_landlock
def test_landlock_alone_closes_the_file_system(tmp_path):
    canary = tmp_path / "canary"
    canary.write_text("secret")
    said = alone(
        f"""
        path = {str(canary)!r}
        assert landlock.restrict(landlock.abi())
        attempt("read", lambda: open(path).read())
        attempt("write", lambda: open(path, "a"))
        attempt("create", lambda: open(path + ".new", "x"))
        attempt("list", lambda: os.listdir("/"))
        attempt("remove", lambda: os.remove(path))
        attempt("run", lambda: os.execv("/bin/true", ["true"]))
        attempt("truncate", lambda: os.truncate(path, 0))
        """
    )
    assert set(said.values()) == {"EACCES"}
    assert canary.read_text() == "secret"


@pytest.mark.skipif(landlock.abi() < 4, reason="TCP came with Landlock ABI 4")
def test_landlock_alone_closes_tcp():
    said = alone(
        """
        assert landlock.restrict(landlock.abi())
        attempt("connect", lambda: socket.socket().connect(("127.0.0.1", 9)))
        attempt("bind", lambda: socket.socket().bind(("127.0.0.1", 0)))
        """
    )
    assert said == {"connect": "EACCES", "bind": "EACCES"}


@pytest.mark.skipif(landlock.abi() < 6, reason="scopes came with Landlock ABI 6")
def test_landlock_alone_keeps_signals_inside():
    said = alone(
        """
        assert landlock.restrict(landlock.abi())
        attempt("signal", lambda: os.kill(os.getppid(), 0))
        """
    )
    assert said == {"signal": "EPERM"}


@needs_seccomp
def test_seccomp_alone_leaves_memory_and_clocks_and_nothing_else():
    said = alone(
        """
        assert seccomp.restrict(0, 1, 2)
        attempt("open", lambda: os.open("/etc/passwd", os.O_RDONLY))
        attempt("stat", lambda: os.stat("/"))
        attempt("socket", socket.socket)
        attempt("fork", os.fork)
        attempt("kill", lambda: os.kill(os.getppid(), 0))
        attempt("memory", lambda: len(bytearray(50_000_000)))
        """
    )
    assert said.pop("memory") == "50000000"
    assert set(said.values()) == {"EPERM"}


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (1, ((1 << 13) - 1, 0, 0, 8)),
        (2, ((1 << 14) - 1, 0, 0, 8)),
        (3, ((1 << 15) - 1, 0, 0, 8)),
        (4, ((1 << 15) - 1, 3, 0, 16)),
        (5, ((1 << 16) - 1, 3, 0, 16)),
        (6, ((1 << 16) - 1, 3, 3, 24)),
        (7, ((1 << 16) - 1, 3, 3, 24)),
        (99, ((1 << 16) - 1, 3, 3, 24)),
    ],
)
def test_a_ruleset_handles_all_that_its_abi_knows(version, expected):
    assert landlock.handled(version) == expected


# The filter's program, run by an interpreter of our own: both architectures, on any machine.


def verdict(name: str, number: int, *args: int, audit: int | None = None) -> int:
    """What the filter says to a call."""
    code = seccomp.assemble(name, requests=3, writable=(4, 2), pid=1234)
    full = [*args, *[0] * (6 - len(args))]
    audit = seccomp.TABLES[name].audit if audit is None else audit
    data = struct.pack("=IIQ6Q", number, audit, 0, *(a & (1 << 64) - 1 for a in full))
    at = accumulator = 0
    while True:
        operation, true, false, k = code[at]
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, k)
        elif operation == 0x06:
            return k
        else:
            holds = {
                0x15: accumulator == k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)
            }[operation]  # fmt: skip
            at += true if holds else false


REFUSED = seccomp.ERRNO | seccomp.EPERM


@pytest.mark.parametrize("name", seccomp.TABLES)
def test_the_filter_reads_the_arguments_of_the_calls_it_lets_through(name):
    column = seccomp.TABLES[name].column

    def say(numbers: tuple[int, int], *args: int) -> int:
        return verdict(name, numbers[column], *args)

    assert say((0, 63), 3) == seccomp.ALLOW
    assert say((0, 63), 4) == say((0, 63), 0) == REFUSED
    assert say((1, 64), 4) == say((1, 64), 2) == seccomp.ALLOW
    assert say((1, 64), 1) == say((1, 64), 5) == REFUSED
    assert say((9, 222), 0, 4096, 3) == seccomp.ALLOW
    assert say((9, 222), 0, 4096, 7) == say((9, 222), 0, 4096, 4) == REFUSED
    assert say((10, 226), 0, 4096, 1) == seccomp.ALLOW
    assert say((10, 226), 0, 4096, 5) == REFUSED
    assert say((234, 131), 1234, 9, 6) == seccomp.ALLOW
    assert say((234, 131), 1, 9, 6) == say((234, 131), -1, 9, 6) == REFUSED
    assert say((302, 261), 0, 0) == seccomp.ALLOW
    assert say((302, 261), 0, 9) == say((302, 261), 1234, 0) == REFUSED


@pytest.mark.parametrize("name", seccomp.TABLES)
def test_the_filter_refuses_every_number_that_is_not_listed(name):
    column = seccomp.TABLES[name].column
    listed = {numbers[column] for numbers in seccomp._FREE.values()}
    conditional = {(n, m)[column] for n, m in ((0, 63), (1, 64), (9, 222), (10, 226))}
    allowed = {n for n in range(1024) if verdict(name, n, -1, -1, 4) == seccomp.ALLOW}
    assert allowed == listed
    assert not allowed & conditional
    # open, socket, clone, execve, ptrace, kill, io_uring, process memory, bpf, namespaces
    dangerous = [
        (2, 56), (257, 56), (41, 198), (56, 220), (435, 435), (57, 220), (59, 221), (322, 281),
        (101, 117), (62, 129), (425, 425), (310, 270), (321, 280), (272, 97), (157, 167),
    ]  # fmt: skip
    assert all(verdict(name, numbers[column]) == REFUSED for numbers in dangerous)


def test_the_filter_ends_a_process_that_calls_through_another_table():
    i386 = 0x40000003
    assert verdict("x86_64", 1, 4, audit=i386) == seccomp.KILL_PROCESS
    assert verdict("x86_64", 0x40000000 | 39) == seccomp.KILL_PROCESS
    assert verdict("aarch64", 64, 4, audit=0x40000028) == seccomp.KILL_PROCESS


def test_the_filter_is_as_the_kernel_wants_it():
    for name in seccomp.TABLES:
        code = seccomp.assemble(name, requests=3, writable=(4, 2), pid=1)
        assert len(code) < 4096
        assert len(seccomp.encode(code)) == 8 * len(code)
        for at, (operation, true, false, _) in enumerate(code):
            assert operation == 0x06 or at + 1 + max(true, false) < len(code)


ROWS = "def answer(scene):\n    return len(scene.rows('SELECT label FROM objects'))"


def test_what_rows_needs_is_loaded_where_a_program_may_ask_for_it_and_nowhere_else():
    loaded = "did = 'duckdb' in sys.modules"
    fullwidth = "# scene.\uff52\uff4f\uff57\uff53()"
    assert unguarded([loaded]) == [{"did": "False"}]
    assert unguarded([loaded, "did = 'rows'"])[0] == {"did": "True"}
    assert unguarded([loaded, fullwidth])[0] == {"did": "True"}


def test_sql_runs_in_the_full_jail_and_takes_no_memory_from_its_neighbours():
    hungry = "def answer(scene):\n    return len([[k] for k in range(400000)])"
    settings = SandboxSettings(workers=1, memory_mb=128)
    alone, together = [], []
    for programs, found in (([hungry], alone), ([ROWS, hungry], together)):
        jobs = [Job(key=str(k), scene_id="s", program=p) for k, p in enumerate(programs)]
        with Sandbox(settings, MARGINS) as sandbox:
            found += [outcome for _, outcome in sandbox.run(jobs, lambda _: FACTS)]
            if seccomp.available():
                assert "seccomp" in sandbox.enforced()
    assert together[0].reason is not Reason.CRASH, together[0].message
    if "rows" not in together[0].message:
        assert together[0].answer == 2
    assert (together[1].answer, together[1].reason) == (alone[0].answer, alone[0].reason)
