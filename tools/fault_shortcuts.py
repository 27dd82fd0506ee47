"""Questions that other rooms answer: one size for a label, a "yes" nearly always, option A."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fault_clean import Clean, shown_with_slack, sound
from fault_plans import Plan, Planted
from fault_proposals import rewritten
from fault_scenes import ingested, placed, renamed

from engine.proposing.inventory import Draws
from engine.records import AnswerKind, Reason, SceneFacts
from engine.seeds import generator
from scene_adapters.records import ObjectRecord, SceneRecord

# label -> (attribute, size in m), the same in every room up to 2 %.
_CONSTANTS = {"toilet": ("longest_side", 0.70), "floor lamp": ("height", 1.50)}
_SPREAD = 0.02
_YES = 9  # times as many "yes" as "no"
_SIZE_TYPES = {"longest_side": "object_size_estimation", "height": "open"}
_WORDS = {
    "longest_side": "How long is the longest side of the {}, in centimeters?",
    "height": "How tall is the {} from its lowest to its highest point, in centimeters?",
}


def constants(
    records: Sequence[SceneRecord],
    clean: Sequence[Clean],
    scenes: Mapping[str, SceneFacts],
    seed: int,
) -> Plan:
    """Sizes of labels that come in one size, among clean questions on sizes and all else."""
    changed = [_with_constants(record, seed) for record in records]
    seen = ingested(changed)
    planted = []
    for facts in seen.values():
        shown = {facts.objects[place].label for place in shown_with_slack(facts)}
        for label, (attribute, _) in _CONSTANTS.items():
            example = next((each.proposal for each in clean), None)
            if example is None or label not in shown:
                continue
            proposal = rewritten(
                example,
                scene_id=facts.scene_id,
                question=_WORDS[attribute].format(label),
                question_type=_SIZE_TYPES[attribute],
                program=f"def answer(scene):\n    return scene.only('{label}').{attribute} * 100",
                answer_kind="number", unit="cm", decimals=0, options=None,
            )  # fmt: skip
            if sound(proposal, facts) is not None:
                planted.append(Planted(proposal=proposal, variant=f"{label}s of one size"))
    return Plan(
        kind="shortcut: constant of a label",
        scenes={**scenes, **seen},
        planted=planted,
        right=frozenset({Reason.SHORTCUT}),
        context=[each.proposal for each in clean],
    )


def yes_men(
    pool: Sequence[Clean], clean: Sequence[Clean], scenes: Mapping[str, SceneFacts], seed: int
) -> Plan:
    """Yes/no questions nine in ten of which are answered yes; planted are those answered yes."""
    draws = Draws(generator(seed, "yes"), {})
    asked = [each for each in pool if each.proposal.answer_kind is AnswerKind.YES_NO]
    yes = [each for each in asked if each.right is True]
    no = [each for each in asked if each.right is False]
    few = max(1, len(yes) // _YES)
    while len(no) > few:
        no.pop(int(draws.unit() * len(no)))
    context = [c.proposal for c in clean if c.proposal.answer_kind is not AnswerKind.YES_NO]
    return Plan(
        kind="shortcut: nine in ten are yes",
        scenes=scenes,
        planted=[Planted(proposal=each.proposal, variant="yes") for each in yes],
        right=frozenset({Reason.SHORTCUT}),
        context=[*context, *(each.proposal for each in no)],
    )


def first_options(clean: Sequence[Clean], scenes: Mapping[str, SceneFacts]) -> Plan:
    """Choices whose right option always stands first; planted are all of them."""
    planted, context = [], []
    for each in clean:
        options = each.proposal.options
        if options is None or not isinstance(each.right, str):
            context.append(each.proposal)
            continue
        rest = [option for option in options if option != each.right]
        moved = rewritten(each.proposal, options=[each.right, *rest])
        planted.append(Planted(proposal=moved, variant=f"{len(options)} options"))
    return Plan(
        kind="shortcut: right option first",
        scenes=scenes,
        planted=planted,
        right=frozenset({Reason.SHORTCUT}),
        context=context,
    )


def _with_constants(record: SceneRecord, seed: int) -> SceneRecord:
    """The scene with a toilet and a floor lamp in place of two of its pieces."""
    scene_id = f"{record.scene_id}k"
    draws = Draws(generator(seed, "constants", record.scene_id), {})
    labels = [item.label for item in record.objects]
    single = [
        item
        for item in record.objects
        if labels.count(item.label) == 1 and item.center[2] - item.extent[2] / 2 < 0.05
    ]
    objects = {item.object_id: item for item in record.objects if item.label not in _CONSTANTS}
    single = [item for item in single if item.object_id in objects]
    for label, (attribute, size) in _CONSTANTS.items():
        if not single:
            break
        item = single.pop(int(draws.unit() * len(single)))
        exact = size * (1.0 + _SPREAD * (2.0 * draws.unit() - 1.0))
        objects[item.object_id] = _sized(item, label, attribute, exact)
    return replace(renamed(record, scene_id), objects=tuple(objects.values()))


def _sized(item: ObjectRecord, label: str, attribute: str, size: float) -> ObjectRecord:
    bottom = item.center[2] - item.extent[2] / 2
    extent = (size, size * 0.6, size * 0.9) if attribute == "longest_side" else (0.4, 0.4, size)
    center = (*item.center[:2], bottom + extent[2] / 2)
    return replace(placed(item, center=center, extent=extent), label=label, label_raw=label)
