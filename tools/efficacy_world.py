"""The world of the efficacy experiment: a weak solver, generated rooms, and a pool like real pools.

What real pools contain is planted, in shares that are stated and measured:

- *trivial* questions: left or right, which the base solver was taught beforehand
  (:func:`make_base`); the proposer writes them most of the time;
- *hopeless* ones: which object appears first, asked about a plan, which does not show time;
- *noisy* ones: a share of the training rooms has its labels exchanged (a chair annotated as a
  table), so that programs compute answers which the picture contradicts. Pictures are drawn from
  the rooms as they are, answers from the rooms as they are annotated;
- *useful* ones: everything else, in clean rooms.

Held-out rooms are clean and are asked every question type equally often.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from engine import round_work, rounds, stage_propose
from engine.config import Config
from engine.progress import QuietReporter
from engine.proposing.base import ProposalRequest
from engine.proposing.grammar import GrammarProposer
from engine.proposing.kinds import KINDS, Kind
from engine.records import Reply, SceneFacts
from engine.round_plan import Role
from engine.scenes.facts import facts_from_record
from engine.scenes.ingest import ingest
from engine.scenes.plan import plan_view
from engine.seeds import derive_seed, generator
from engine.solving.network import random_model
from engine.solving.tiny import TinySolver, save_base
from engine.workspace import Workspace, write_atomic
from scene_adapters.records import SceneRecord
from scene_adapters.synthetic.files import encode
from scene_adapters.synthetic.scenes import generate_scene
from scene_adapters.table import load_adapter

TAUGHT = ("left_or_right", "left_right_or_back")
TRIVIAL = ("left_or_right",)
HOPELESS = ("appearance_order",)
TRIVIAL_TYPES = ("object_rel_direction_easy", "object_rel_direction_medium")
HOPELESS_TYPES = ("obj_appearance_order",)
# Decoder layers of the shipped base that start again from random weights, so that there is
# something to learn: with none of them reset, 25 to 150 steps change the held-out score by nothing.
LAYERS_RESET = 2
# Rooms of the base's own training, which no arm sees.
_BASE_ROOMS = 900_000


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How large the experiment is, and what its pool is made of.

    ``trivial`` and ``hopeless`` are the shares of what the proposer writes without feedback,
    ``mislabelled`` the share of training rooms whose labels are exchanged.
    """

    rooms: int = 143
    held_out: float = 0.16
    held_out_per_scene: int = 32
    rounds: int = 8
    steps: int = 12
    batch_size: int = 32
    per_scene: int = 10
    learning_rate: float = 3e-4
    base_steps: int = 120
    trivial: float = 0.75
    hopeless: float = 0.19
    mislabelled: float = 0.25

    @property
    def samples(self) -> int:
        """Training samples of one arm, repetitions counted."""
        return self.rounds * self.steps * self.batch_size


def skewed_kinds(world: World) -> tuple[Kind, ...]:
    """The grammar's kinds, weighted so that trivial and hopeless ones take their shares."""
    wanted = {**dict.fromkeys(TRIVIAL, world.trivial), **dict.fromkeys(HOPELESS, world.hopeless)}
    groups = (TRIVIAL, HOPELESS)
    useful = 1 - world.trivial - world.hopeless
    rest = sum(kind.weight for kind in KINDS if kind.name not in wanted)
    totals = {g: sum(k.weight for k in KINDS if k.name in g) for g in groups}
    kinds = []
    for kind in KINDS:
        group = next((g for g in groups if kind.name in g), None)
        factor = useful / rest if group is None else wanted[kind.name] / totals[group]
        kinds.append(replace(kind, weight=kind.weight * factor))
    return tuple(kinds)


def even_kinds() -> tuple[Kind, ...]:
    """The grammar's kinds, weighted so that every question type is drawn equally often."""
    totals = Counter()
    for kind in KINDS:
        totals[kind.question_type] += kind.weight
    return tuple(replace(kind, weight=kind.weight / totals[kind.question_type]) for kind in KINDS)


class PoolProposer:
    """The grammar, skewed from round 1 on; ``up_front`` writes all rounds' proposals in round 1."""

    name = "grammar"

    def __init__(self, world: World, *, up_front: bool) -> None:
        self._world = world
        self._even = GrammarProposer(Config().proposer, even_kinds())
        self._skewed = GrammarProposer(Config().proposer, skewed_kinds(world))
        self._up_front = up_front

    def propose(self, requests: Sequence[ProposalRequest]) -> Iterator[Reply]:
        for request in requests:
            if request.round == 0:
                yield from self._even.propose([request])
            elif not self._up_front:
                yield from self._skewed.propose([request])
            elif request.round == 1:
                everything = replace(request, wanted=request.wanted * self._world.rounds)
                yield from self._skewed.propose([everything])


class _Only:
    """The grammar with some kinds only: what the base is taught."""

    name = "grammar"

    def __init__(self, names: Sequence[str]) -> None:
        kinds = [kind for kind in KINDS if kind.name in names]
        self.propose = GrammarProposer(Config().proposer, kinds).propose


@contextmanager
def loop_with(
    proposer: object, picture: Callable[[SceneFacts], object] = plan_view
) -> Iterator[None]:
    """The loop as shipped, but for who proposes and what a scene looks like."""
    with (
        patch.object(stage_propose, "load_proposer", lambda _settings: proposer),
        patch.object(round_work, "plan_view", picture),
    ):
        yield


# The rooms.


def mislabelled(record: SceneRecord, seed: int) -> SceneRecord:
    """The room with its labels exchanged: each stands for another of them, none for itself."""
    labels = sorted({item.label for item in record.objects})
    order = generator(seed, "labels", record.scene_id).permutation(len(labels))
    # A cycle through all labels in a random order leaves none where it was.
    now = {labels[order[i]]: labels[order[i - 1]] for i in range(len(labels))}
    objects = tuple(
        replace(item, label=now[item.label], label_raw=now[item.label]) for item in record.objects
    )
    return replace(record, objects=objects)


def rooms_of(seed: int, count: int) -> list[SceneRecord]:
    return [generate_scene(seed, index) for index in range(count)]


def write_rooms(folder: Path, records: Sequence[SceneRecord]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for index, record in enumerate(records):
        (folder / f"room_{index:06d}.json").write_bytes(encode(record))


def pictures_of(records: Sequence[SceneRecord]) -> Callable[[SceneFacts], object]:
    """What each room looks like, whatever its annotation says."""
    drawn = {record.scene_id: plan_view(facts_from_record(record)) for record in records}
    return lambda scene: drawn[scene.scene_id]


def room_seed(seed: int) -> int:
    return derive_seed(seed, "efficacy rooms") % 1_000_000


def prepare(folder: Path, world: World, seed: int, base: Path) -> list[SceneRecord]:
    """A workspace after round 0 whose training rooms are annotated as badly as the world says.

    Returns the rooms as they are. A folder that is whole already is left as it is.
    """
    records = rooms_of(room_seed(seed), world.rooms)
    if (folder / "prepared").exists():
        return records
    shutil.rmtree(folder, ignore_errors=True)
    workspace = Workspace.create(folder)
    write_atomic(workspace.config_path, config_text(world, seed, base, {}))
    write_rooms(folder / "rooms", records)
    ingest(load_adapter("synthetic"), folder / "rooms", workspace.catalog)
    with loop_with(PoolProposer(world, up_front=False)):
        rounds.run(workspace, rounds=0, allow_benchmark=False, reporter=QuietReporter())
    roles = (workspace.plan(0) or {})["inputs"]["scenes"]
    training = sorted(
        {r.room_key for r in records if roles[r.scene_id]["role"] == Role.TRAIN.value}
    )
    luck = generator(seed, "mislabelled").permutation(len(training))
    bad = {training[i] for i in luck[: round(world.mislabelled * len(training))]}
    annotated = [mislabelled(r, seed) if r.room_key in bad else r for r in records]
    write_rooms(folder / "rooms", annotated)
    ingest(load_adapter("synthetic"), folder / "rooms", workspace.catalog)
    write_atomic(folder / "mislabelled.txt", "".join(f"{room}\n" for room in sorted(bad)))
    write_atomic(folder / "prepared", "")
    return records


def config_text(world: World, seed: int, base: Path, changes: dict[str, dict[str, object]]) -> str:
    """The workspace's configuration: the world's, then an arm's ``changes`` by section."""
    sections: dict[str, dict[str, object]] = {
        "loop": {
            "rounds": world.rounds,
            "steps": world.steps,
            "batch_size": world.batch_size,
            "held_out": world.held_out,
            "held_out_per_scene": world.held_out_per_scene,
            "blind_held_out": False,
        },
        "proposer": {"per_scene": world.per_scene},
        # The skew is what is studied: a scene may be asked the same kind over and over.
        "judge": {"same_shape": 1000},
        "solver": {
            "model": str(base),
            "learning_rate": world.learning_rate,
            "threads": 1,
            "save_every": 0,
        },
        "curriculum": {"probe_samples": 0},
        "sandbox": {"workers": 1},
    }
    for section, values in changes.items():
        sections.setdefault(section, {}).update(values)
    lines = [f"seed = {seed}"]
    for section, values in sections.items():
        lines += ["", f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


# The base.


def make_base(folder: Path, world: World) -> Path:
    """A solver that sees and reads but knows only the trivial questions; made once.

    The shipped base with its last decoder layers at random, trained through the loop itself on
    trivial questions about rooms that no arm sees.
    """
    finished = folder / "base"
    if (finished / "training.json").exists():
        return finished
    raw = folder / "base-raw"
    _reset(raw)
    workspace = Workspace.create(folder / "base-training")
    lesson = replace(world, rounds=1, steps=world.base_steps, held_out=0.1)
    write_atomic(
        workspace.config_path,
        config_text(lesson, 0, raw, {"proposer": {"per_scene": 2 * world.base_steps}}),
    )
    write_rooms(workspace.root / "rooms", rooms_of(_BASE_ROOMS, 50))
    ingest(load_adapter("synthetic"), workspace.root / "rooms", workspace.catalog)
    with loop_with(_Only(TAUGHT)):
        rounds.run(workspace, rounds=1, allow_benchmark=False, reporter=QuietReporter())
    solver = TinySolver(workspace.config().solver)
    solver.load(workspace.checkpoint(1))
    facts = {"taught": list(TAUGHT), "layers_reset": LAYERS_RESET, "steps": world.base_steps}
    save_base(finished, solver.model, solver.tokenizer, facts)
    return finished


def _reset(folder: Path) -> None:
    solver = TinySolver(Config().solver)
    fresh = random_model(solver.model.config, seed=0).model.language_model.layers
    layers = solver.model.model.language_model.layers
    for index in range(len(layers) - LAYERS_RESET, len(layers)):
        layers[index].load_state_dict(fresh[index].state_dict())
    save_base(folder, solver.model, solver.tokenizer, {"layers_reset": LAYERS_RESET})
