"""One question asked again: in other words, by a program written otherwise, in a later round."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from fault_answers import answer
from fault_clean import Clean
from fault_plans import Plan, Planted
from fault_proposals import rewritten
from fault_wordings import expression_of, long_way, other_words, sentences_for

from engine.proposing.inventory import Draws
from engine.records import Proposal, Reason, SceneFacts
from engine.seeds import generator

_THING = r"(?:scene\.only\('[^']+'\)|scene\.objects\('[^']+'\))"


def duplicates(
    clean: Sequence[Clean], scenes: Mapping[str, SceneFacts], seed: int, *, later: bool
) -> Plan:
    """Clean questions and, after each of them was judged, one repetition of each."""
    planted = []
    names = sorted(_AGAIN)
    for place, each in enumerate(clean):
        draws = Draws(generator(seed, "again", each.proposal.proposal_id), {})
        for turn in range(len(names)):
            name = names[(place + turn) % len(names)]
            fields = _AGAIN[name](each.proposal, scenes[each.proposal.scene_id], draws)
            if fields is not None:
                again = rewritten(
                    each.proposal, proposer="again", round=2 if later else 1, **fields
                )
                if answer(again.program, scenes[again.scene_id]) != each.right:
                    continue  # not the same question after all
                planted.append(
                    Planted(proposal=again, variant=name, original=each.proposal.proposal_id)
                )
                break
    originals = [each.proposal for each in clean]
    return Plan(
        kind="duplicate, later round" if later else "duplicate",
        scenes=scenes,
        planted=planted,
        right=frozenset({Reason.DUPLICATE}),
        context=() if later else originals,
        earlier=originals if later else (),
    )


def _reworded(proposal: Proposal, facts: SceneFacts, draws: Draws) -> Mapping[str, object] | None:
    """Other words, the same program."""
    choices = {*sentences_for(proposal.program), *other_words(proposal, facts, draws)}
    others = sorted(choices - {proposal.question})
    return {"question": draws.pick(others)} if others else None


def _cosmetic(proposal: Proposal, _facts: SceneFacts, draws: Draws) -> Mapping[str, object] | None:
    """The same words but for case, spacing and politeness; the same program, laid out otherwise."""
    question = proposal.question.rstrip("?.")
    question = draws.pick((question.lower(), f"{question} ?", question.upper()))
    program = proposal.program.replace(", ", ",  ").rstrip() + "  # the answer\n"
    return {"question": question, "program": program.replace("    return", "        return")
            if program.count("\n") <= 2 else program}  # fmt: skip


def _longer(proposal: Proposal, facts: SceneFacts, draws: Draws) -> Mapping[str, object] | None:
    """Other words, and a program that gives its objects names first."""
    program = long_way(proposal.program, draws)
    if program.rstrip() == proposal.program.rstrip():
        return None
    return {**(_reworded(proposal, facts, draws) or {}), "program": program}


def _symmetric(proposal: Proposal, facts: SceneFacts, draws: Draws) -> Mapping[str, object] | None:
    """Arguments that may change places do; lists come in another order."""
    program, expression = proposal.program, expression_of(proposal.program)
    if expression is None:
        return None
    found = re.search(rf"\b((?:center_)?distance|larger|higher)\(({_THING}), ({_THING})\)", program)
    if found is not None:
        changed = program.replace(found[0], f"{found[1]}({found[3]}, {found[2]})")
    elif (found := re.search(r"\[('[^']+'(?:, '[^']+')+)\]", program)) is not None:
        items = found[1].split(", ")
        changed = program.replace(found[1], ", ".join([*items[1:], items[0]]))
    elif (found := re.fullmatch(r"(scene\.\S+(?: \S+)?) > (scene\..+)", expression)) is not None:
        changed = program.replace(expression, f"{found[2]} < {found[1]}")
    elif found := re.fullmatch(r"(scene\.count\('[^']+'\)) \+ (scene\.count.+)", expression):
        changed = program.replace(expression, f"{found[2]} + {found[1]}")
    else:
        return None
    words = _reworded(proposal, facts, draws) or {}
    return {**words, "program": changed} if changed != program else None


def _equivalent(proposal: Proposal, facts: SceneFacts, draws: Draws) -> Mapping[str, object] | None:
    """Another way to compute the same."""
    program = proposal.program
    for pattern, other in (
        (r"return (scene\.count\('([^']+)'\))$", r"return len(scene.objects('\2'))"),
        (r"return (.+) \* 100$", r"return 100 * \1"),
        (r"return (.+) > (.+)$", r"return not (\1 <= \2)"),
        (r"len\(\[o for o in (.+) if (.+)\]\)", r"sum(1 for thing in \1 if \2)"),
        (r"scene\.only\(('[^']+')\)", r"scene.objects(\1)[0]"),
    ):
        changed = re.sub(pattern, other, program.rstrip(), count=1)
        if "thing in" in changed:
            changed = re.sub(r"\bo\b", "thing", changed)
        if changed != program.rstrip():
            return {**(_reworded(proposal, facts, draws) or {}), "program": changed}
    return None


def _reordered(proposal: Proposal, facts: SceneFacts, draws: Draws) -> Mapping[str, object] | None:
    """The options in another order."""
    if proposal.options is None:
        return None
    words = _reworded(proposal, facts, draws) or {}
    return {**words, "options": [*proposal.options[1:], proposal.options[0]]}


_AGAIN: dict[str, Callable[[Proposal, SceneFacts, Draws], Mapping[str, object] | None]] = {
    "reworded": _reworded,
    "case and layout": _cosmetic,
    "named variables": _longer,
    "symmetric arguments": _symmetric,
    "equivalent program": _equivalent,
    "options reordered": _reordered,
}
