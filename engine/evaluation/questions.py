"""What a checkpoint is asked: a workspace's held-out questions, or a file's in VSI-Bench's format.

Both are asked through a :class:`engine.round_work.Round`, as the loop asks: the same pictures, the
same words. The round is made up for the occasion and never stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine import tables
from engine.config import Config
from engine.errors import InputError
from engine.progress import Reporter
from engine.publishing.vsi_bench_files import VsiQuestion, read_vsi_bench
from engine.records import Sample, SceneFacts
from engine.round_plan import Role, RoundPlan
from engine.round_work import Round, asked_frames
from engine.scenes.catalog import Catalog
from engine.seeds import derive_seed
from engine.workspace import Workspace

# Scenes named in a message.
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """Samples, and the work that shows their scenes; ``source`` says for people what they are.

    ``trained_rooms`` of its rooms are among those this workspace trains on.
    """

    samples: tuple[Sample, ...]
    work: Round
    source: str
    trained_rooms: int


def held_out_exam(
    workspace: Workspace, config: Config, *, limit: int | None, reporter: Reporter
) -> Exam:
    """The held-out questions. Raises InputError where the workspace has none."""
    samples = tables.from_frame("samples", tables.read_table(workspace.tables, "samples", [0]))
    if not samples:
        raise InputError(
            f"{workspace.root}: there are no held-out questions to ask; make some with "
            "`ouroboros run` (loop.held_out must not be 0), or name a file with --on"
        )
    chosen = _some(samples, limit, config.seed)
    work = _work(workspace, config, {each.scene_id for each in chosen}, reporter)
    return _exam(chosen, work, f"the held-out questions of {workspace.root}")


def file_exam(
    workspace: Workspace, path: Path, config: Config, *, limit: int | None, reporter: Reporter
) -> Exam:
    """A file's questions, on the catalog's scenes.

    Raises InputError for a file that is not in VSI-Bench's format and for scenes that the catalog
    does not hold.
    """
    questions = read_vsi_bench(path)
    _require_scenes(workspace, path, questions)
    by_id = {each.question_id: each for each in questions}
    chosen = [by_id[name] for name in _chosen(list(by_id), limit, config.seed)]
    work = _work(workspace, config, {each.scene_name for each in chosen}, reporter)
    samples = [
        _sample(each, work.facts[each.scene_name], config.frames.per_scene) for each in chosen
    ]
    return _exam(samples, work, str(path))


def _exam(samples: Sequence[Sample], work: Round, source: str) -> Exam:
    columns = ("room_key", "split")
    made = tables.read_table(work.workspace.tables, "samples", columns=columns)
    trained = {room for room, split in made.unique().iter_rows() if split == str(Role.TRAIN)}
    rooms = {each.room_key for each in samples}
    return Exam(
        samples=tuple(samples), work=work, source=source, trained_rooms=len(rooms & trained)
    )


def _require_scenes(workspace: Workspace, path: Path, questions: Sequence[VsiQuestion]) -> None:
    with Catalog.open(workspace.catalog, read_only=True) as catalog:
        known = set(catalog.scene_ids())
    asked = sorted({each.scene_name for each in questions})
    missing = [scene for scene in asked if scene not in known]
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise InputError(
            f"{path}: {len(missing)} of its {len(asked)} scenes are not in {workspace.catalog}: "
            f"{', '.join(missing[:_NAMED])}{more}; add them with `ouroboros ingest`"
        )


def _some(samples: Sequence[Sample], limit: int | None, seed: int) -> list[Sample]:
    by_id = {each.sample_id: each for each in samples}
    return [by_id[name] for name in _chosen(list(by_id), limit, seed)]


def _chosen(names: Sequence[str], limit: int | None, seed: int) -> list[str]:
    """``limit`` of ``names``, drawn by each one's own key, in their order."""
    if limit is None or limit >= len(names):
        return list(names)
    drawn = sorted(names, key=lambda name: (derive_seed(seed, "eval", name), name))
    kept = set(drawn[:limit])
    return [name for name in names if name in kept]


def _work(workspace: Workspace, config: Config, scenes: set[str], reporter: Reporter) -> Round:
    plan = RoundPlan(
        round=0,
        config=config,
        roles=dict.fromkeys(sorted(scenes), Role.HELD_OUT),
        content_hashes={},
        benchmark=frozenset(),
    )
    return Round(workspace, plan, reporter)


def _sample(question: VsiQuestion, scene: SceneFacts, frames: int) -> Sample:
    """A file's question as the solver meets it; what only our own samples have is left empty."""
    return Sample(
        sample_id=question.question_id,
        proposal_id="",
        round=0,
        scene_id=question.scene_name,
        dataset=scene.dataset,
        room_key=scene.room_key,
        split=str(Role.HELD_OUT),
        question=question.question,
        question_type=question.question_type,
        program="",
        answer_kind=question.answer_kind,
        unit=question.unit,
        decimals=None,
        options=question.options,
        answer=question.answer,
        object_ids=(),
        frame_ids=question.frame_ids or asked_frames(scene, frames),
        margin=None,
        benchmark=False,
    )
