"""What the grammar and the phrasebook ask of a scene, and the same with one fault put in."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from engine.config import JudgeSettings, MarginSettings
from engine.judging.case import Case
from engine.judging.duplicates import Seen
from engine.programs.execution import check_kind, run_program
from engine.proposing.base import ProposalRequest
from engine.proposing.grammar import write_proposals
from engine.proposing.inventory import Draws
from engine.proposing.parse import parse_reply
from engine.proposing.phrasebook import Dealer, read
from engine.proposing.phrasebook.lattice import Lattice, OneOf, Row, Text
from engine.proposing.wording import name, plural
from engine.records import Outcome, Proposal, Reply, SceneFacts
from engine.scenes.complete import complete
from engine.scenes.facts import facts_from_record
from scene_adapters.scan import Scan
from scene_adapters.synthetic.scenes import generate_scene
from scene_adapters.vsi_meta import VsiMetaAdapter

T = TypeVar("T")

MARGINS = MarginSettings()
_SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "vsi_bench_meta"
_REACHES = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)


@functools.cache
def filmed(count: int) -> tuple[SceneFacts, ...]:
    """Generated rooms with cameras, what they see, and a navigation grid."""
    return tuple(complete(Scan(record=generate_scene(5, index))).facts for index in range(count))


@functools.cache
def measured(count: int) -> tuple[SceneFacts, ...]:
    """Real rooms, half of them ScanNet's: boxes only."""
    adapter = VsiMetaAdapter()
    found: list[SceneFacts] = []
    for dataset, share in (("scannet", count // 2), ("arkitscenes", count - count // 2)):
        file = _SHARED / f"{dataset}_meta_info_val.json"
        if not file.exists():
            pytest.skip(f"{file} is not here: VSI-Bench's scene metadata is needed")
        sources = adapter.sources(file)[:share]
        found += [facts_from_record(adapter.read(source).record) for source in sources]  # type: ignore[arg-type]
    return tuple(found)


def written(scene: SceneFacts, seed: int, *, grammar: int, each: int) -> list[Proposal]:
    """Proposals of the grammar, and ``each`` of every type of the phrasebook in random words."""
    request = ProposalRequest(scene=scene, wanted=grammar, round=1, seed=seed)
    lines = write_proposals(request)
    dealer, chance = Dealer(scene), Draws(np.random.default_rng(seed), {})
    for kind in dealer.feasible_types():
        for _ in range(each):
            target = dealer.deal(kind, chance)
            assert target is not None
            found = read(_walked(target.programs, chance), target)
            assert found is not None
            lines.append(json.dumps(found.proposal(_walked(found.wordings, chance))))
    reply = Reply(
        scene_id=scene.scene_id, text="\n".join(lines), prompt_hash="", tokens=0, seconds=0.0
    )
    return list(parse_reply(reply, round=1, proposer="test"))


def _walked(lattice: Lattice, chance: Draws) -> str:
    match lattice:
        case Text():
            return lattice.text
        case Row():
            return "".join(_walked(part, chance) for part in lattice.parts)
        case OneOf():
            return _walked(chance.pick(lattice.choices), chance)


def case_of(proposal: Proposal, scene: SceneFacts, outcome: Outcome | None = None) -> Case:
    """A proposal before its judges, its program run in this process."""
    return Case(
        proposal=proposal,
        outcome=run_program(proposal.program, scene, MARGINS) if outcome is None else outcome,
        scene=scene,
        judgement=None,
        seen=Seen(),
        forbidden_rooms=frozenset(),
        settings=JudgeSettings(),
    )


@dataclass(frozen=True, slots=True)
class Written:
    """A sound proposal with what it is made from, for :data:`FAULTS` to change."""

    proposal: Proposal
    scene: SceneFacts
    others: Sequence[Proposal]
    chance: np.random.Generator

    @property
    def counts(self) -> Counter[str]:
        return Counter(thing.label for thing in self.scene.objects)

    @property
    def labels(self) -> list[str]:
        """Labels that the program names, in its order."""
        texts = re.findall(r"'([^']*)'", self.proposal.program)
        return list(dict.fromkeys(text for text in texts if text in self.counts))

    def stranger(self, like: str) -> str | None:
        """A label the program does not name, of as many instances as ``like`` has (one, or more).

        None that reads like a part of another, so that the question still names what it named.
        """
        counts = self.counts
        words = name(" ".join(self.labels))
        pool = [
            label
            for label in sorted(counts)
            if (counts[label] == 1) == (counts[like] == 1)
            and not any(word in words for word in name(label).split())
            and not any(word in name(label) for word in words.split())
        ]
        return self.pick(pool) if pool else None

    def pick(self, pool: Sequence[T]) -> T:
        """One of several."""
        return pool[int(self.chance.integers(len(pool)))]

    def program(self, old: str, new: str) -> Proposal:
        return replace(self.proposal, program=self.proposal.program.replace(old, new))

    def question(self, old: str, new: str) -> Proposal:
        return replace(self.proposal, question=self.proposal.question.replace(old, new))


def faulty(one: Written) -> Iterator[tuple[str, Proposal, Outcome]]:
    """The proposal with each fault that can be put in, where the program still answers in kind."""
    for kind, fault in FAULTS.items():
        changed = fault(one)
        if changed is None or changed == one.proposal:
            continue
        outcome = run_program(changed.program, one.scene, MARGINS)
        answer = outcome.answer
        if answer is None or changed.answer_kind is None:
            continue
        if check_kind(answer, changed.answer_kind) is not None:
            continue
        if changed.options and isinstance(answer, str) and answer not in changed.options:
            continue
        yield kind, changed, outcome


Fault = Callable[[Written], Proposal | None]


def _swapped(text: str, first: str, second: str) -> str:
    return text.replace(first, "\0").replace(second, first).replace("\0", second)


def _in_program(first: str, second: str) -> Fault:
    """Exchange two texts in the program."""

    def change(one: Written) -> Proposal:
        program = _swapped(one.proposal.program, first, second)
        return replace(one.proposal, program=program)

    return change


def _instead(old: str, new: str) -> Fault:
    """Write ``new`` in the program wherever ``old`` (a pattern) stands."""

    def change(one: Written) -> Proposal:
        return replace(one.proposal, program=re.sub(old, new, one.proposal.program))

    return change


def _label_of_question(one: Written) -> Proposal | None:
    if not one.labels:
        return None
    old = one.pick(one.labels)
    new = one.stranger(old)
    if new is None:
        return None
    question = one.proposal.question
    for before, after in ((plural(old), plural(new)), (name(old), name(new))):
        question = re.sub(rf"\b{re.escape(before)}\b", after, question)
    options = tuple(new if option == old else option for option in one.proposal.options or ())
    return replace(one.proposal, question=question, options=options or None)


def _label_of_program(one: Written) -> Proposal | None:
    if not one.labels:
        return None
    old = one.pick(one.labels)
    new = one.stranger(old)
    return None if new is None else one.program(repr(old), repr(new))


def _other_question(one: Written) -> Proposal | None:
    other = [each for each in one.others if each.program != one.proposal.program]
    if not other:
        return None
    return replace(one.proposal, question=one.pick(other).question)


def _other_program(one: Written) -> Proposal | None:
    mine = one.proposal
    same = [
        each
        for each in one.others
        if (each.question_type, each.answer_kind, each.unit)
        == (mine.question_type, mine.answer_kind, mine.unit)
        and sorted(each.program) != sorted(mine.program)  # not the same the other way round
    ]
    return replace(mine, program=one.pick(same).program) if same else None


def _question_extremes(one: Written) -> Proposal | None:
    if not re.search(r"nearest\(|farthest\(|min\(|max\(", one.proposal.program):
        return None
    question = _swapped(one.proposal.question, "nearest", "farthest")
    return replace(one.proposal, question=question)


def _unit(one: Written) -> Proposal | None:
    other = {"m": "cm", "cm": "m"}.get(one.proposal.unit or "")
    return None if other is None else replace(one.proposal, unit=other)


def _unit_asked(one: Written) -> Proposal | None:
    if one.proposal.unit not in ("m", "cm"):
        return None
    question = _swapped(one.proposal.question, " meters", " centimeters")
    return replace(one.proposal, question=question)


def _scale(one: Written) -> Proposal | None:
    if one.proposal.unit not in ("m", "cm"):
        return None
    program = one.proposal.program
    if " * 100" in program:
        return one.program(" * 100", "")
    return replace(one.proposal, program=program.replace("return ", "return 100 * (") + ")")


def _roles(order: tuple[int, int, int]) -> Fault:
    thing = r"(?:scene\.only\('[^']*'\)|(?:nearest|farthest)\(.*?\)\))"
    pattern = re.compile(
        rf"(?:quadrant|left_or_right|left_right_or_back|route)\(({thing}), ({thing}), ({thing})"
    )

    def change(one: Written) -> Proposal | None:
        found = pattern.search(one.proposal.program)
        if found is None:
            return None
        things = found.groups()
        return one.program(", ".join(things), ", ".join(things[place] for place in order))

    return change


_CANDIDATES = re.compile(r"(?:nearest|farthest)\(scene\.only\('([^']*)'\), \[([^\]]*)\]")


def _candidate_dropped(one: Written) -> Proposal | None:
    found = _CANDIDATES.search(one.proposal.program)
    if found is None or found[2].count(",") < 2:
        return None
    return one.program(found[2], found[2].partition(", ")[2])


def _candidate_added(one: Written) -> Proposal | None:
    found = _CANDIDATES.search(one.proposal.program)
    new = None if found is None else one.stranger(found[1])
    return None if found is None or new is None else one.program(found[2], f"{found[2]}, {new!r}")


def _anchor(one: Written) -> Proposal | None:
    found = _CANDIDATES.search(one.proposal.program)
    if found is None:
        return None
    first = found[2].split(", ")[0]
    return replace(one.proposal, program=_swapped(one.proposal.program, repr(found[1]), first))


def _reach(one: Written) -> Proposal | None:
    found = re.search(r"([<>]) (\d+\.\d+)", one.proposal.program)
    if found is None:
        return None
    other = one.pick([each for each in _REACHES if each != float(found[2])])
    return one.program(found[0], f"{found[1]} {other}")


def _than(one: Written) -> Proposal | None:
    program = one.proposal.program
    found = re.search(r"\[('[^']*'), ('[^']*')\]\) == ('[^']*')", program)
    if found:
        return one.program(f"== {found[3]}", f"== {found[1 if found[3] == found[2] else 2]}")
    return replace(one.proposal, program=_swapped(program, " < ", " > "))


def _turned_round(one: Written) -> Proposal | None:
    found = re.search(
        r"return \(?(.*) - ((?:scene|distance)[^\n]*?\)(?:\.\w+)?)(?:\) \* 100)?$",
        one.proposal.program,
    )
    if found is None:
        return None
    return one.program(f"{found[1]} - {found[2]}", f"{found[2]} - {found[1]}")


def _sum(one: Written) -> Proposal | None:
    program = one.proposal.program
    if " + " in program:
        return replace(one.proposal, program=program.replace(" + ", " - ", 1))
    return replace(one.proposal, program=program.replace(" - ", " + "))


def _same_twice(one: Written) -> Proposal | None:
    labels = one.labels
    return one.program(repr(labels[1]), repr(labels[0])) if len(labels) > 1 else None


def _ignored(one: Written) -> Proposal | None:
    labels, scale = one.labels, {"m": "1", "cm": "100"}.get(one.proposal.unit or "")
    if len(labels) < 2 or scale is None:
        return None
    program = (
        f"def answer(scene):\n    a = scene.objects({labels[0]!r})[0]\n"
        f"    b = scene.objects({labels[1]!r})[0]\n    return a.longest_side * {scale}"
    )
    return replace(one.proposal, program=program)


def _constant(one: Written) -> Proposal | None:
    answer = run_program(one.proposal.program, one.scene, MARGINS).answer
    if not one.labels or isinstance(answer, tuple):
        return None
    fetched = "".join(f"    scene.objects({label!r})\n" for label in one.labels)
    return replace(one.proposal, program=f"def answer(scene):\n{fetched}    return {answer!r}")


def _frame(one: Written) -> Proposal | None:
    found = re.search(r"frames\(\)\[(\d+)\]", one.proposal.program)
    if found is None:
        return None
    other = (int(found[1]) + int(one.chance.integers(1, 6))) % len(one.scene.frames)
    return one.program(found[0], f"frames()[{other}]")


def _frames_exchanged(one: Written) -> Proposal | None:
    found = re.search(r"camera_motion\((.*), (.*)\)", one.proposal.program)
    return (
        None if found is None else one.program(f"{found[1]}, {found[2]}", f"{found[2]}, {found[1]}")
    )


def _pair(one: Written) -> Proposal | None:
    thing = r"scene\.only\('[^']*'\)"
    found = re.search(
        rf"(?:left_right|up_down|near_far|on_top_of)\(.*?({thing}), ({thing})\)",
        one.proposal.program,
    )
    return (
        None if found is None else one.program(f"{found[1]}, {found[2]}", f"{found[2]}, {found[1]}")
    )


FAULTS: dict[str, Fault] = {
    "another label in the question": _label_of_question,
    "another label in the program": _label_of_program,
    "the question of another": _other_question,
    "the program of another, same type": _other_program,
    "nearest and farthest (program)": _in_program("nearest(", "farthest("),
    "nearest and farthest (question)": _question_extremes,
    "the least and the greatest": _in_program("max(", "min("),
    "unit": _unit,
    "unit in the question": _unit_asked,
    "scale": _scale,
    "standing and facing": _roles((1, 0, 2)),
    "facing and target": _roles((0, 2, 1)),
    "standing and target": _roles((2, 1, 0)),
    "a candidate dropped": _candidate_dropped,
    "a candidate added": _candidate_added,
    "anchor and candidate": _anchor,
    "another reach": _reach,
    "height for longest side": _instead(r"\.longest_side", ".height"),
    "longest side for height": _instead(r"\.height", ".longest_side"),
    "top for height": _instead(r"\.height", ".top"),
    "higher for larger": _instead(r"\blarger\(", "higher("),
    "larger for higher": _instead(r"\bhigher\(", "larger("),
    "closest points for centers": _instead(r"\bcenter_distance\(", "distance("),
    "comparison turned round": _than,
    "difference turned round": _turned_round,
    "sum and difference": _sum,
    "the same thing twice": _same_twice,
    "fetched and ignored": _ignored,
    "a constant": _constant,
    "another frame": _frame,
    "frames exchanged": _frames_exchanged,
    "a pair exchanged": _pair,
}
