"""Whether a question asks what its program computes: the part that needs no model.

Type, answer kind and unit must fit each other and what the program rests on; every label the
program uses stands in the question, or among the options printed with it, and no other label of
the scene does; the words fit the calls. The program itself must look at what it fetches: one that
compares a thing with itself, or drops half of what is asked, is degenerate.

Only what is certain is objected to. Programs that cannot be followed and words that are not
recognised pass; :mod:`engine.judging.own_program` has a model look at those.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from engine.judging.case import Case, Objection
from engine.judging.duplicates import single_labels
from engine.judging.meaning_calls import calls_problem, scale_problem
from engine.judging.meaning_cues import cue_problem
from engine.judging.meaning_features import Features, features
from engine.judging.meaning_labels import Named, Patterns, find_named, forms, words_of
from engine.judging.meaning_reading import texts_in
from engine.judging.meaning_roles import role_problem
from engine.judging.meaning_terms import walk
from engine.judging.meaning_text import read_question
from engine.judging.meaning_words import listing_problem, question_problem, word_problem
from engine.records import AnswerKind, Outcome, Proposal, Reason


class _Form(NamedTuple):
    kinds: tuple[AnswerKind, ...]
    units: tuple[str | None, ...] = (None,)


_LENGTH = _Form((AnswerKind.NUMBER,), ("m", "cm"))
_CHOICE = _Form((AnswerKind.CHOICE,))
_SEQUENCE = _Form((AnswerKind.ORDER, AnswerKind.CHOICE))

# What each question type's answers are; "open" may be anything.
FORMS: dict[str, _Form] = {
    "object_counting": _Form((AnswerKind.COUNT,)),
    "object_abs_distance": _LENGTH,
    "object_size_estimation": _LENGTH,
    "room_size_estimation": _Form((AnswerKind.NUMBER,), ("m2",)),
    "object_rel_distance": _CHOICE,
    "object_rel_direction_easy": _CHOICE,
    "object_rel_direction_medium": _CHOICE,
    "object_rel_direction_hard": _CHOICE,
    "obj_appearance_order": _SEQUENCE,
    "route_planning": _SEQUENCE,
    "camera_obj_abs_dist": _LENGTH,
    "camera_obj_rel_dist": _CHOICE,
    "camera_displacement": _LENGTH,
    "camera_movement_direction": _CHOICE,
    "obj_obj_relative_pos_nf": _CHOICE,
    "obj_obj_relative_pos_lr": _CHOICE,
    "obj_obj_relative_pos_ud": _CHOICE,
}


def asks_what_it_computes(case: Case) -> Objection | None:
    """Whether the question asks what the program computes: ``mismatch`` or ``degenerate``.

    For proposals whose program ran; of others nothing but their form is looked at.
    """
    proposal, outcome = case.proposal, case.outcome
    problem = form_problem(proposal)
    if problem is not None or outcome is None:
        return None if problem is None else _mismatch(problem)
    scene = _scene(tuple([thing.label for thing in case.scene.objects]))
    program = features(proposal.program, scene.single)
    if program is not None:
        problem = _degenerate(program, scene.labels)
        if problem is not None:
            return Objection(reason=Reason.DEGENERATE, message=problem)
    used = _used(proposal, outcome.trace.labels, program, scene.labels)
    named = find_named(proposal.question, proposal.options or (), used, scene.patterns)
    problem = (
        _label_problem(proposal, named, program, scene.labels)
        or _scale_problem(proposal, outcome, program)
        or _meaning_problem(proposal, named, program, scene.labels)
    )
    return None if problem is None else _mismatch(problem)


def form_problem(proposal: Proposal) -> str | None:
    """What does not fit between question type, answer kind, unit and decimals."""
    kind, unit = proposal.answer_kind, proposal.unit
    if kind is AnswerKind.NUMBER and unit is None:
        return "a number needs a unit"
    if kind is not AnswerKind.NUMBER and unit is not None:
        return f"a {kind} has no unit, this one says {unit!r}"
    if kind is not AnswerKind.NUMBER and proposal.decimals:
        return f"a {kind} has no decimals, this one says {proposal.decimals}"
    form = FORMS.get(proposal.question_type)
    if form is None:
        return None
    if kind not in form.kinds:
        return f"{proposal.question_type} is answered by a {form.kinds[0]}, not a {kind}"
    if kind is AnswerKind.NUMBER and unit not in form.units:
        return f"{proposal.question_type} is not measured in {unit!r}"
    return None


def unnamed_labels(proposal: Proposal, labels: Sequence[str]) -> tuple[str, ...]:
    """Those of ``labels`` that neither the question nor its options name, one or many of them."""
    text = "\n".join((proposal.question, *(proposal.options or ())))
    words = [forms(word) for word in words_of(text)]
    return tuple(label for label in labels if not _named(words_of(label), words))


def _named(label: Sequence[str], text: Sequence[frozenset[str]]) -> bool:
    wanted = [forms(word) for word in label]
    return any(
        all(have & text[start + index] for index, have in enumerate(wanted))
        for start in range(len(text) - len(wanted) + 1)
    )


def _mismatch(problem: str) -> Objection:
    return Objection(reason=Reason.MISMATCH, message=problem)


class _Scene(NamedTuple):
    labels: frozenset[str]
    single: frozenset[str]
    patterns: Patterns


@lru_cache(maxsize=64)
def _scene(labels: tuple[str, ...]) -> _Scene:
    """What is the same for all proposals of a scene, from the labels of its objects."""
    known = frozenset(labels)
    return _Scene(labels=known, single=single_labels(labels), patterns=Patterns(sorted(known)))


def _degenerate(program: Features, labels: frozenset[str]) -> str | None:
    """What makes the answer independent of something the program goes to the trouble of fetching.

    Where a comparison with itself settles the answer, or drops a thing out of it.
    """
    if program.findings:
        return program.findings[0]
    if not program.sure:
        return None
    if program.constant:
        return "the answer does not depend on the scene"
    dropped = sorted((program.fetched_texts - program.texts) & labels)
    if dropped:
        return f"the program fetches {', '.join(dropped)} and ignores it"
    return None


def _used(
    proposal: Proposal,
    traced: Sequence[str],
    program: Features | None,
    labels: frozenset[str],
) -> frozenset[str]:
    """The labels a program uses: those it names.

    A program that goes through everything in the scene has named none of what it came by.
    """
    if program is None:
        return (texts_in(proposal.program) & labels).union(traced)
    written = (program.fetched_texts | program.texts) & labels
    return written if program.everything else written.union(traced)


def _label_problem(
    proposal: Proposal, named: Named, program: Features | None, labels: frozenset[str]
) -> str | None:
    missing = [label for label in named.missing if not _left_out(label, program)]
    if missing:
        return f"the program uses {', '.join(missing)}, which the question does not name"
    if named.others:
        return f"the question names {', '.join(named.others)}, which the program does not use"
    options = frozenset(proposal.options or ())
    if program is None or program.everything or not options <= labels:
        return None
    unused = sorted(options - program.texts)
    if unused and program.sure:
        return f"{', '.join(unused)} can be chosen, and the program does not consider it"
    return None


def _scale_problem(proposal: Proposal, outcome: Outcome, program: Features | None) -> str | None:
    """Where the program does not tell the unit of its answer, its size may."""
    known = program is not None and program.scaled is not None
    return None if known else scale_problem(proposal, outcome)


def _left_out(label: str, program: Features | None) -> bool:
    """Whether a program names a label only to leave it out: ``o.label != 'wall'``."""
    if program is None:
        return False
    tests = [
        part
        for part in walk(program.returned)
        if any(arg.op == "const" and arg.value == label for arg in part.args)
    ]
    listed = [part for part in tests if part.op == "list"]
    outer = [
        part
        for part in walk(program.returned)
        if part.op != "list" and any(arg in listed for arg in part.args)
    ]
    plain = [part for part in tests if part.op != "list"]
    return bool(plain or outer) and all(
        part.op == "cmp" and part.value in ("not in", "!=") for part in (*plain, *outer)
    )


def _meaning_problem(
    proposal: Proposal, named: Named, program: Features | None, labels: frozenset[str]
) -> str | None:
    question = read_question(named.text)
    options = frozenset(proposal.options or ())
    if options and options <= labels:
        problem = listing_problem(sorted(options), question, named.slots)
        if problem is not None:
            return problem
    if program is None:
        return question_problem(proposal, question)
    return (
        calls_problem(proposal, program)
        or word_problem(proposal, question, named.slots, program)
        or cue_problem(question, program)
        or role_problem(proposal, question, named.slots, program)
    )
