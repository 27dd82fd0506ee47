"""`ouroboros execute`: a file of programs in, an outcome a line out, in the same order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from engine.config import Config
from engine.errors import InputError
from engine.judging.validity import judge_answer
from engine.programs.sandbox import Job, Sandbox
from engine.progress import Reporter
from engine.records import AnswerKind, Outcome, Reason, SceneFacts
from engine.scenes.catalog import Catalog
from engine.workspace import Workspace

# Scenes whose facts are kept at hand: a file usually goes through its scenes one after another.
_SCENES_AT_HAND = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteSummary:
    """What became of a file's lines; ``first_fault`` is what is wrong with the first bad one."""

    lines: int
    ok: int
    rejected: int
    unreadable: int
    first_fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    number: int
    scene_id: str = ""
    program: str = ""
    answer_kind: AnswerKind | None = None
    fault: str | None = None


def execute_file(
    workspace: Workspace, path: Path, out: IO[str], reporter: Reporter
) -> ExecuteSummary:
    """Run every program of a JSON-lines file and write one outcome a line to ``out``.

    A line that cannot be read becomes a rejection (``unparsable``) in its place; the others are
    executed all the same. Raises InputError when the file itself cannot be read.
    """
    config = workspace.config()
    if not workspace.catalog.exists():
        raise InputError(f"{workspace.root}: the catalog holds no scenes; `ouroboros ingest` first")
    with Catalog.open(workspace.catalog, read_only=True) as catalog:
        requests = list(_requests(path, frozenset(catalog.scene_ids())))
        facts = lru_cache(maxsize=_SCENES_AT_HAND)(catalog.facts)
        runnable = [r for r in requests if r.fault is None]
        jobs = [Job(key=str(r.number), scene_id=r.scene_id, program=r.program) for r in runnable]
        ok = 0
        with (
            reporter.stage("execute", len(jobs), "programs") as reached,
            Sandbox(config.sandbox, config.margins) as sandbox,
        ):
            outcomes = sandbox.run(jobs, facts, on_done=reached)
            for request in requests:
                if request.fault is not None:
                    row = _row(False, None, Reason.UNPARSABLE, None, request.fault, 0.0)
                else:
                    _, outcome = next(outcomes)
                    row = _judged(outcome, request, facts(request.scene_id), config)
                ok += row["status"] == "ok"
                out.write(json.dumps(row) + "\n")
    faults = [r for r in requests if r.fault is not None]
    return ExecuteSummary(
        lines=len(requests),
        ok=ok,
        rejected=len(requests) - ok,
        unreadable=len(faults),
        first_fault=faults[0].fault if faults else None,
    )


def _judged(
    outcome: Outcome, request: _Request, scene: SceneFacts, config: Config
) -> dict[str, Any]:
    if not outcome.ok or request.answer_kind is None:
        return _row(
            outcome.ok, outcome.answer, outcome.reason, outcome.margin, outcome.message, outcome.ms
        )
    judgement = judge_answer(
        outcome,
        answer_kind=request.answer_kind,
        unit=None,
        decimals=None,
        options=None,
        program=request.program,
        open_world_labels=scene.open_world_labels,
        margins=config.margins,
    )
    return _row(
        judgement.ok, outcome.answer, judgement.reason, judgement.margin, judgement.message,
        outcome.ms,
    )  # fmt: skip


def _row(
    ok: bool, answer: object, reason: Reason | None, margin: float | None, message: str, ms: float
) -> dict[str, Any]:
    return {
        "status": "ok" if ok else "rejected",
        "answer": answer if ok else None,
        "reason": None if reason is None else str(reason),
        "margin": margin,
        "message": message or None,
        "ms": round(ms, 3),
    }


def _requests(path: Path, known: frozenset[str]) -> Iterator[_Request]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); give a file with one JSON object a line"
        ) from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _request(number, line, known)


def _request(number: int, line: bytes, known: frozenset[str]) -> _Request:
    """One line as a request; what is wrong with it goes into ``fault``."""

    def fault(text: str) -> _Request:
        return _Request(number=number, fault=f"line {number}: {text}")

    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        return fault(f"not JSON ({error}); write one object a line")
    if not isinstance(data, dict):
        return fault(f"a JSON {type(data).__name__}; write an object with scene_id and program")
    for name in ("scene_id", "program"):
        if not isinstance(data.get(name), str):
            return fault(f"{name} = {data.get(name)!r}; it must be a string")
    if data["scene_id"] not in known:
        return fault(f"scene_id = {data['scene_id']!r} is not in the catalog; ingest it first")
    kind = data.get("answer_kind")
    if kind is not None and kind not in {str(k) for k in AnswerKind}:
        return fault(f"answer_kind = {kind!r}; choose one of {', '.join(AnswerKind)}")
    return _Request(
        number=number,
        scene_id=data["scene_id"],
        program=data["program"],
        answer_kind=None if kind is None else AnswerKind(kind),
    )
