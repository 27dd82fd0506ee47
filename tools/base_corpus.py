"""What the tiny solver's base checkpoint is trained on: generated scenes, pictures and questions.

Two sorts of questions. *Real* ones come from the grammar proposer, are answered by running their
programs and pass the judge's rules on answers, exactly as in the loop. *Look-ups* exist only here:
short questions about what is where, which teach seeing before reasoning. Both are asked about the
picture turned and mirrored at random; only left and right tell a mirror.
"""

from __future__ import annotations

import dataclasses
import json
import math
import pickle
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.config import MarginSettings
from engine.judging.validity import judge_answer
from engine.programs.execution import run_program
from engine.proposing.base import ProposalRequest
from engine.proposing.grammar import write_proposals
from engine.proposing.wording import WORDING
from engine.records import AnswerKind, SceneFacts
from engine.scenes.facts import facts_from_record
from engine.scenes.plan import PALETTE, RULER_SHARE, drawn_bounds, metres_per_pixel, plan_view
from engine.seeds import generator
from engine.solving.packing import CELL
from engine.solving.tiny import prompt_text
from scene_adapters.records import SceneRecord
from scene_adapters.synthetic.scenes import generate_scene

SIZE = 64
SHARD = 250
ALL_LABELS = tuple(PALETTE)


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the solver reads it; ``kind`` is its type, for open ones what they compute."""

    kind: str
    text: str
    answer: str
    answer_kind: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One scene: its plan, what the look-ups need, and the real questions.

    ``places`` are the centres in picture coordinates (pixels right and up from the middle).
    """

    scene_id: str
    picture: np.ndarray
    metres_per_pixel: float
    labels: tuple[str, ...]
    places: np.ndarray
    longest: np.ndarray
    questions: tuple[Question, ...]


def varied(record: SceneRecord, rng: np.random.Generator) -> SceneRecord:
    """The scene as another dataset might annotate it: no floor, fewer labels, tilted boxes."""
    objects = list(record.objects)
    if rng.random() < 0.35:
        labels = sorted({item.label for item in objects})
        kept = set(rng.permutation(labels)[: max(3, int(len(labels) * rng.uniform(0.3, 0.9)))])
        objects = [item for item in objects if item.label in kept]
    if rng.random() < 0.35:
        objects = [_tilted(item, rng) for item in objects]
    floor = record.floor_polygon if rng.random() < 0.55 else ()
    return dataclasses.replace(record, objects=tuple(objects), floor_polygon=floor)


def _tilted(item: object, rng: np.random.Generator) -> object:
    axis = rng.normal(size=3)
    axis /= np.linalg.norm(axis)
    angle = math.radians(rng.normal(0.0, 9.0))
    cross = np.array(
        [[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]], dtype=float
    )
    turn = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    rotation = turn @ np.array(item.rotation).reshape(3, 3)
    extent = np.array(item.extent) * rng.uniform(0.9, 1.15, size=3)
    return dataclasses.replace(
        item, rotation=tuple(rotation.ravel().tolist()), extent=tuple(extent.tolist())
    )


def real_questions(scene: SceneFacts, *, wanted: int, seed: int) -> tuple[Question, ...]:
    """Grammar proposals that survive running and judging, with their answers."""
    margins = MarginSettings()
    found = []
    for line in write_proposals(ProposalRequest(scene=scene, wanted=wanted, round=0, seed=seed)):
        proposal = json.loads(line)
        kind = AnswerKind(proposal["answer_kind"])
        options = tuple(proposal["options"]) if proposal["options"] else None
        judged = judge_answer(
            run_program(proposal["program"], scene, margins),
            answer_kind=kind,
            margins=margins,
            unit=proposal["unit"],
            decimals=proposal["decimals"],
            options=options,
            program=proposal["program"],
            open_world_labels=scene.open_world_labels,
        )
        if judged.ok:
            name = proposal["question_type"]
            text = prompt_text(proposal["question"], options)
            if name == "open":
                name = f"open {kind.value}"
            found.append(Question(name, text, judged.answer_text, kind.value))
    return tuple(found)


def entry_of(scene: SceneFacts, *, wanted: int, seed: int) -> Entry:
    """Picture and questions of one scene."""
    scale = metres_per_pixel(scene, SIZE)
    points = np.array([item.center[:2] for item in scene.objects])
    return Entry(
        scene_id=scene.scene_id,
        picture=plan_view(scene, SIZE),
        metres_per_pixel=scale,
        labels=tuple(item.label for item in scene.objects),
        places=(points - sum(drawn_bounds(scene)) / 2) / scale,
        longest=np.array([max(item.extent) for item in scene.objects]),
        questions=real_questions(scene, wanted=wanted, seed=seed),
    )


def generated_entry(seed: int, index: int, *, wanted: int) -> Entry:
    """Entry ``index`` of the training series ``seed``."""
    record = varied(generate_scene(seed, index, frames=False), generator(seed, "varied", index))
    return entry_of(facts_from_record(record), wanted=wanted, seed=seed)


def write_shard(folder: Path, seed: int, shard: int, wanted: int) -> Path:
    """Entries ``shard * SHARD ...`` as one pickle in the scratch cache; kept if already there."""
    path = folder / f"shard_{seed}_{shard:05d}.pickle"
    if not path.exists():
        entries = [
            generated_entry(seed, index, wanted=wanted)
            for index in range(shard * SHARD, (shard + 1) * SHARD)
        ]
        partial = path.with_suffix(".part")
        partial.write_bytes(pickle.dumps(entries, protocol=5))
        partial.rename(path)
    return path


# the picture turned and mirrored


def turned(entry: Entry, quarter: int, mirror: bool) -> Entry:
    """The entry with its picture turned counter-clockwise by quarters, then mirrored."""
    border = max(1, round(SIZE * RULER_SHARE))
    picture = entry.picture.copy()
    inside = picture[border:-border, border:-border]
    inside = np.rot90(inside, quarter)
    places = entry.places
    for _ in range(quarter):
        places = np.stack([-places[:, 1], places[:, 0]], axis=1)
    questions = entry.questions
    if mirror:
        inside = inside[:, ::-1]
        places = places * np.array([-1.0, 1.0])
        questions = tuple(
            dataclasses.replace(q, answer=_mirrored(q.answer)) if "direction" in q.kind else q
            for q in questions
        )
    picture[border:-border, border:-border] = inside
    return dataclasses.replace(entry, picture=picture, places=places, questions=questions)


def _mirrored(answer: str) -> str:
    return answer.replace("left", "\0").replace("right", "left").replace("\0", "right")


# look-ups


def _number(value: float) -> str:
    return f"{min(max(round(value), 0), 99):02d}"


def _signed(value: float) -> str:
    return f"{'-' if value < 0 else '+'}{_number(abs(value))}"


def _heading(vector: np.ndarray) -> float:
    return math.degrees(math.atan2(vector[1], vector[0])) % 360


def _sector(angle: float) -> str:
    return f"{int(angle % 360 // 15):02d}"


_DIRECTIONS = [
    sentence
    for kind in ("left_or_right", "left_right_or_back", "quadrant")
    for sentence in WORDING[kind]
]
Drawn = tuple[str, str] | None
Single = list[int]


def _where(entry: Entry, single: Single, rng: np.random.Generator) -> Drawn:
    if not single:
        return None
    index = rng.choice(single)
    x, y = entry.places[index] + SIZE / 2
    return f"where is the {entry.labels[index]}", f"{_number(x)},{_number(y)}"


def _what(entry: Entry, _single: Single, rng: np.random.Generator) -> Drawn:
    index = int(rng.integers(len(entry.labels)))
    point = entry.places[index]
    gaps = np.linalg.norm(entry.places - point, axis=1)
    if any(gaps[i] < 3 and entry.labels[i] != entry.labels[index] for i in range(len(gaps))):
        return None
    x, y = point + SIZE / 2
    return f"what is at {_number(x)},{_number(y)}", entry.labels[index]


def _cell(place: np.ndarray) -> str:
    """Column and row, 0 to 7 from the lower left: the visual token that covers the place."""
    column, row = (min(max(int((value + SIZE / 2) // CELL), 0), 7) for value in place)
    return f"{column}{row}"


def _cell_of(entry: Entry, single: Single, rng: np.random.Generator) -> Drawn:
    if not single:
        return None
    index = int(rng.choice(single))
    return f"cell of the {entry.labels[index]}", _cell(entry.places[index])


def _in_cell(entry: Entry, _single: Single, rng: np.random.Generator) -> Drawn:
    index = int(rng.integers(len(entry.labels)))
    cell = _cell(entry.places[index])
    found = {entry.labels[i] for i, place in enumerate(entry.places) if _cell(place) == cell}
    return (f"what is in cell {cell}", entry.labels[index]) if len(found) == 1 else None


def _is_there(entry: Entry, _single: Single, rng: np.random.Generator) -> Drawn:
    if rng.random() < 0.5:
        return f"is there a {rng.choice(entry.labels)}", "yes"
    label = str(rng.choice(ALL_LABELS))
    return f"is there a {label}", "yes" if label in entry.labels else "no"


def _count(entry: Entry, _single: Single, rng: np.random.Generator) -> Drawn:
    names = sorted(set(entry.labels))
    counts = np.array([entry.labels.count(name) for name in names], dtype=float)
    label = str(rng.choice(names, p=counts / counts.sum()))
    return f"count the {label}", str(entry.labels.count(label))


def _two(single: Single, rng: np.random.Generator) -> tuple[int, int] | None:
    if len(single) < 2:
        return None
    a, b = rng.choice(single, size=2, replace=False)
    return int(a), int(b)


def _vector(entry: Entry, single: Single, rng: np.random.Generator) -> Drawn:
    pair = _two(single, rng)
    if pair is None:
        return None
    dx, dy = entry.places[pair[1]] - entry.places[pair[0]]
    a, b = (entry.labels[i] for i in pair)
    return f"vector {a} to {b}", f"{_signed(dx)}{_signed(dy)}"


def _beside(entry: Entry, single: Single, rng: np.random.Generator) -> Drawn:
    pair = _two(single, rng)
    if pair is None:
        return None
    gap = entry.places[pair[1]] - entry.places[pair[0]]
    axis = int(rng.integers(2))
    if abs(gap[axis]) < 1.5:
        return None
    word = ("east", "north")[axis]
    a, b = (entry.labels[i] for i in pair)
    return f"is the {b} {word} of the {a}", "yes" if gap[axis] > 0 else "no"


def _heading_of(entry: Entry, single: Single, rng: np.random.Generator) -> Drawn:
    pair = _two(single, rng)
    if pair is None:
        return None
    gap = entry.places[pair[1]] - entry.places[pair[0]]
    if np.linalg.norm(gap) < 3:
        return None
    a, b = (entry.labels[i] for i in pair)
    return f"heading {a} to {b}", _sector(_heading(gap))


def _turn(entry: Entry, single: Single, rng: np.random.Generator, worded: bool = False) -> Drawn:
    if len(single) < 3:
        return None
    a, b, c = (int(i) for i in rng.choice(single, size=3, replace=False))
    ahead, aside = entry.places[b] - entry.places[a], entry.places[c] - entry.places[a]
    if min(np.linalg.norm(ahead), np.linalg.norm(aside)) < 4:
        return None
    names = [entry.labels[i] for i in (a, b, c)]
    angle = _sector(_heading(aside) - _heading(ahead))
    if not worded:
        return f"turn at the {names[0]} from the {names[1]} to the {names[2]}", angle
    sentence = str(rng.choice(_DIRECTIONS)).format(a=names[0], b=names[1], c=names[2])
    return f"{sentence} Which sector?", angle


def _turn_worded(entry: Entry, single: Single, rng: np.random.Generator) -> Drawn:
    """The same in the grammar's words: a bridge from 24 sectors to its two, three or four."""
    return _turn(entry, single, rng, worded=True)


def _apart(entry: Entry, single: Single, rng: np.random.Generator) -> Drawn:
    pair = _two(single, rng)
    if pair is None:
        return None
    gap = np.linalg.norm(entry.places[pair[1]] - entry.places[pair[0]]) * entry.metres_per_pixel
    a, b = (entry.labels[i] for i in pair)
    return f"meters {a} to {b}", f"{gap:.1f}"


def _nearer(entry: Entry, single: Single, rng: np.random.Generator) -> Drawn:
    if len(single) < 3:
        return None
    a, b, c = (int(i) for i in rng.choice(single, size=3, replace=False))
    first, second = (float(np.linalg.norm(entry.places[i] - entry.places[a])) for i in (b, c))
    if abs(first - second) < 2:
        return None
    names = [entry.labels[i] for i in (a, b, c)]
    text = f"nearer to the {names[0]}: {names[1]}, {names[2]}"
    return text, names[1] if first < second else names[2]


LOOKUPS: dict[str, Callable[[Entry, Single, np.random.Generator], Drawn]] = {
    "cell": _cell_of,
    "in cell": _in_cell,
    "where": _where,
    "what": _what,
    "is there": _is_there,
    "count": _count,
    "vector": _vector,
    "beside": _beside,
    "heading": _heading_of,
    "turn": _turn,
    "turn worded": _turn_worded,
    "apart": _apart,
    "nearer": _nearer,
}


def look_up(entry: Entry, name: str, rng: np.random.Generator) -> Question | None:
    """One look-up of the given name about the entry, or None where it has no clear answer."""
    single = [i for i, label in enumerate(entry.labels) if entry.labels.count(label) == 1]
    drawn = LOOKUPS[name](entry, single, rng)
    return None if drawn is None else Question(f"look-up {name}", drawn[0], drawn[1], "choice")


def texts_of(entries: Iterable[Entry], rng: np.random.Generator) -> list[str]:
    """What the tokenizer is trained on."""
    texts = ["user\n", "assistant\n"] * 50
    for entry in entries:
        texts += [q.text for q in entry.questions] + [f" {q.answer}" for q in entry.questions]
        for name in LOOKUPS:
            question = look_up(entry, name, rng)
            if question is not None:
                texts.append(question.text)
    return texts
