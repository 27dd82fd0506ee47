"""Questions that do not match their program: the words stay, the program computes something else.

A change counts only where the changed program still lies within the contract and gives another
answer than the question has: nothing but the mismatch is wrong with it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from fault_answers import same, within_margins
from fault_clean import Clean
from fault_plans import Plan, Planted
from fault_proposals import rewritten

from engine.proposing.inventory import Draws
from engine.records import Proposal, Reason, SceneFacts
from engine.seeds import generator

_REACHES = ("0.5", "1.0", "1.5", "2.0", "2.5", "3.0", "4.0", "5.0")
_ONE = r"[a-z_0-9]+|scene\.only\('[^']+'\)"
_QUANTITIES = (
    (r"\bcenter_distance\(", "distance("),
    (r"(?<!_)\bdistance\(", "center_distance("),
    (r"\.longest_side", ".height"),
    (r"\.height", ".longest_side"),
    (r"\.top", ".height"),
    (r"\blarger\(", "higher("),
    (r"\bhigher\(", "larger("),
    (r"\bnear_far\(", "near_far("),
)
_EXTREMES = (
    (r"\bnearest\(", "farthest("),
    (r"\bfarthest\(", "nearest("),
    (r"\bmax\(", "min("),
    (r"\bmin\(", "max("),
)

Change = Callable[[Proposal, SceneFacts, Draws], Mapping[str, object] | None]


def mismatch(
    clean: Sequence[Clean], scenes: Mapping[str, SceneFacts], seed: int, *, apart: bool = False
) -> Plan:
    """One changed proposal for each clean one that can be changed, kinds of change in turn.

    ``apart`` says that these are worded by the second loose hand.
    """
    used: Counter[str] = Counter()
    planted = []
    for each in clean:
        proposal, facts = each.proposal, scenes[each.proposal.scene_id]
        draws = Draws(generator(seed, "mismatch", proposal.proposal_id), {})
        for name in sorted(_CHANGES, key=lambda name: (used[name], name)):
            fields = _CHANGES[name](proposal, facts, draws)
            if fields is None:
                continue
            changed = rewritten(proposal, **fields)
            if _differs(each, changed, facts, name):
                used[name] += 1
                planted.append(Planted(proposal=changed, variant=name))
                break
    return Plan(
        kind="mismatch, wordings kept apart" if apart else "mismatch",
        scenes=scenes,
        planted=planted,
        right=frozenset({Reason.MISMATCH, Reason.DEGENERATE}),
    )


def _differs(each: Clean, changed: Proposal, facts: SceneFacts, name: str) -> bool:
    if name == "unit words":
        return True  # the same number, said to be in another unit
    outcome = within_margins(changed.program, facts)
    if not outcome.ok or outcome.answer is None or same(each.right, outcome.answer):
        return False
    if changed.options is not None and outcome.answer not in changed.options:
        return False
    return not isinstance(outcome.answer, (int, float)) or outcome.answer > 0.2


def _swapped(program: str, rules: Sequence[tuple[str, str]]) -> Mapping[str, object] | None:
    for pattern, other in rules:
        changed = re.sub(pattern, other, program)
        if changed != program:
            return {"program": changed}
    return None


def _quantity(proposal: Proposal, _facts: SceneFacts, draws: Draws) -> Mapping[str, object] | None:
    start = int(draws.unit() * len(_QUANTITIES))
    return _swapped(proposal.program, (*_QUANTITIES[start:], *_QUANTITIES[:start]))


def _extreme(proposal: Proposal, _facts: SceneFacts, _draws: Draws) -> Mapping[str, object] | None:
    return _swapped(proposal.program, _EXTREMES)


def _roles(proposal: Proposal, _facts: SceneFacts, draws: Draws) -> Mapping[str, object] | None:
    """Two of a call's arguments, or a comparison's sides, change places."""
    program = proposal.program
    call = re.search(
        rf"\b(left_or_right|left_right_or_back|quadrant|left_right|up_down|near_far)"
        rf"\(((?:{_ONE}|scene\.frames\(\)\[\d+\])(?:, (?:{_ONE}))+)\)",
        program,
    )
    if call is not None:
        parts = re.split(r", (?![^(]*\))", call[2])
        pair = (-2, -1) if parts[0].startswith("scene.frames") else draws.pick(((0, 1), (1, 2)))
        parts[pair[0]], parts[pair[1]] = parts[pair[1]], parts[pair[0]]
        return {"program": program.replace(call[0], f"{call[1]}({', '.join(parts)})")}
    side = r"(?:scene\.count\('[^']+'\)|(?:scene\.only\('[^']+'\)|[a-z_0-9]+)\.\w+)"
    sides = re.search(rf"(?P<x>{side})(?P<op> [->] )(?P<y>{side})", program)
    if sides is not None:
        other = f"{sides['y']}{sides['op']}{sides['x']}"
        return {"program": program.replace(sides[0], other)}
    return None


def _label(proposal: Proposal, facts: SceneFacts, draws: Draws) -> Mapping[str, object] | None:
    """The program looks at something the question does not name."""
    counts = Counter(item.label for item in facts.objects)
    used = [a for a in re.findall(r"'([^']+)'", proposal.program) if a in counts]
    if not used:
        return None
    old = draws.pick(sorted(set(used)))
    words = proposal.question.casefold()
    others = [
        label
        for label in sorted(counts)
        if (counts[label] == 1) == (counts[old] == 1)
        and label not in used
        and label not in words
        and label not in (proposal.options or ())
    ]
    if not others or old in (proposal.options or ()):
        return None
    return {"program": proposal.program.replace(f"'{old}'", f"'{draws.pick(others)}'")}


def _threshold(proposal: Proposal, _facts: SceneFacts, draws: Draws) -> Mapping[str, object] | None:
    found = re.search(r"([<>]) (\d\.\d)\b", proposal.program)
    if found is None:
        return None
    other = draws.pick([reach for reach in _REACHES if reach != found[2]])
    return {"program": proposal.program.replace(found[0], f"{found[1]} {other}")}


def _sense(proposal: Proposal, _facts: SceneFacts, _draws: Draws) -> Mapping[str, object] | None:
    """Within becomes beyond."""
    found = re.search(r"([<>]) (?=\d\.\d\b)", proposal.program)
    if found is None:
        return None
    other = ">" if found[1] == "<" else "<"
    return {"program": proposal.program.replace(found[0], f"{other} ")}


def _frame(proposal: Proposal, facts: SceneFacts, draws: Draws) -> Mapping[str, object] | None:
    found = re.search(r"frames\(\)\[(\d+)\]", proposal.program)
    if found is None:
        return None
    other = int(draws.unit() * len(facts.frames))
    if f"frames()[{other}]" in proposal.program:
        return None
    return {"program": proposal.program.replace(found[0], f"frames()[{other}]")}


def _fewer(proposal: Proposal, _facts: SceneFacts, draws: Draws) -> Mapping[str, object] | None:
    """The program leaves out one of the things the question asks about."""
    program = proposal.program
    total = re.search(r"(?P<rest>\S.*\)) \+ [^+]+$", program)
    if total is not None and "return " in program:
        return {"program": program[: total.end("rest")] + "\n"}
    listed = re.search(r"\[('[^']+'(?:, '[^']+'){2,})\]", program)
    if listed is None:
        return None
    items = listed[1].split(", ")
    items.pop(int(draws.unit() * len(items)))
    return {"program": program.replace(listed[1], ", ".join(items))}


def _unit_words(
    proposal: Proposal, _facts: SceneFacts, _draws: Draws
) -> Mapping[str, object] | None:
    """The question asks for another unit than the answer is in."""
    for unit, pattern, other in (
        ("m", r"\b[Mm]et(?:er|re)s\b", "centimeters"),
        ("cm", r"\bcentimeters\b|\bcm\b", "meters"),
    ):
        if proposal.unit == unit:
            question = re.sub(pattern, other, proposal.question)
            return None if question == proposal.question else {"question": question}
    return None


def _scale(proposal: Proposal, _facts: SceneFacts, _draws: Draws) -> Mapping[str, object] | None:
    """The program stays in metres where centimetres are stated, or the reverse."""
    if proposal.unit == "cm" and " * 100" in proposal.program:
        return {"program": proposal.program.replace(" * 100", "")}
    if proposal.unit == "m" and proposal.program.rstrip().endswith(")"):
        return {"program": proposal.program.rstrip() + " * 100"}
    return None


_CHANGES: dict[str, Change] = {
    "other quantity": _quantity,
    "nearest for farthest": _extreme,
    "roles swapped": _roles,
    "other label": _label,
    "other threshold": _threshold,
    "beyond for within": _sense,
    "other frame": _frame,
    "fewer objects": _fewer,
    "unit words": _unit_words,
    "scale": _scale,
}
