"""Rules for the parts of a question: things, frames, lists to choose from."""

from __future__ import annotations

from collections.abc import Sequence

from engine.proposing.phrasebook.rules import VERB_FORMS, Rule, Says

# How things said to be nearest or farthest are measured, where the question itself does not say.
_CLOSEST_POINTS = " Distances are measured between (the |)closest points."
_SEVERAL = (
    " If there are several of a kind, (measure to the closest one|only the closest one counts)."
)
_SEVERAL_SEEN = " If there are several of a kind, the one seen first counts."


def _named(words: str, *, described: str = "") -> Says:
    """The forms of a thing: its words, and verbs in the number of the label in slot ``a``.

    ``asked`` begins a question of where it is: "Is the sofa" (to my left or right). A thing that
    is ``described`` takes "Where is the chair that is nearest to the bed:", lest "to the bed to my
    left" be read in one. ``note`` says how what describes it is measured.
    """
    verbs = {form: (f"{{a:{form}}}",) for form in VERB_FORMS}
    is_where = {"asked": "{a:is} ", "Asked": "{a:Is} "}
    where = {"asked": "where {a:is} ", "Asked": "Where {a:is} "}
    asked = {
        form: (f"{where[form]}{words}:" if described else f"{is_where[form]}{words}",)
        for form in where
    }
    return {"": (words,), "note": (described,), **asked, **verbs}


def _listed(gives: str, items: int, program: str, *, several: str | None = None) -> Rule:
    """A list of ``items`` labels to choose from; ``program`` is one item's.

    ``several`` is said where a label stands for more than one thing: then none is "the" chair.
    """
    slots = "abcd"[:items]
    code = ", ".join(program.replace("{a:", f"{{{slot}:") for slot in slots)

    def joined(word: str, article: str) -> str:
        names = [f"{article}{{{slot}}}" for slot in slots]
        return f"{', '.join(names[:-1])} {word} {names[-1]}"

    plain = {word: (joined(word, ""),) for word in ("or", "and")}
    return Rule(
        name=f"{gives}_{items}",
        gives=gives,
        program=f"[{code}]",
        says={
            "or": (joined("or", "the "), joined("or", "")),
            "and": (joined("and", "the "), joined("and", "")),
            "note": ("",),
        },
        several={} if several is None else {**plain, "note": (several,)},
        rising=tuple(slots),
    )


THINGS: tuple[Rule, ...] = (
    Rule(name="only", gives="one", program="scene.only({a:single})", says=_named("the {a}")),
    Rule(
        name="nearest_of",
        gives="thing",
        program="nearest({b:one}, scene.objects({a:several}))",
        says=_named("the {a} that is (nearest|closest) to {b}", described=_CLOSEST_POINTS),
    ),
    Rule(
        name="farthest_of",
        gives="thing",
        program="farthest({b:one}, scene.objects({a:several}))",
        says=_named("the {a} that is farthest (away |)from {b}", described=_CLOSEST_POINTS),
    ),
    Rule(name="seen", gives="seen_one", program="scene.only({a:seen})", says=_named("the {a}")),
    Rule(
        name="view",
        gives="view",
        program="scene.frames()[{n:frame}]",
        says={"": ("the {n} of the {n:total} frames", "frame {n:number} of the {n:total}")},
    ),
    *(_listed("kinds", n, "{a:kind}", several=_SEVERAL) for n in (2, 3, 4)),
    *(_listed("kinds_seen", n, "{a:kind_seen}", several=_SEVERAL_SEEN) for n in (3, 4)),
    *(_listed("ones", n, "scene.only({a:single})") for n in (3, 4)),
    *(_listed("seen_ones", n, "scene.only({a:seen})") for n in (2, 3, 4)),
)
# A slot of the kind on the left may also hold what these others give.
WIDER: dict[str, Sequence[str]] = {"thing": ("one", "thing")}
