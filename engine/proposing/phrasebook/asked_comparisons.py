"""Open questions that compare: which of several it is, or whether it is so."""

from __future__ import annotations

from functools import partial

from engine.proposing.phrasebook.rules import Question, ways
from engine.records import AnswerKind

_CHOICE = partial(Question, question_type="open", answer_kind=AnswerKind.CHOICE)
_YES_NO = partial(Question, question_type="open", answer_kind=AnswerKind.YES_NO)

_CHOICES: tuple[Question, ...] = (
    _CHOICE(
        name="longest_of",
        program="max({c:ones}, key=lambda o: o.longest_side).label",
        options=("{c}",),
        says=ways("""
            Which( of these|) has the longest side: {c:or}?
            Comparing their longest sides, which( of these|) is the longest: {c:or}?
            Of {c:and}, which has the longest side?
        """),
    ),
    _CHOICE(
        name="tallest_of",
        weight=0.7,
        program="max({c:ones}, key=lambda o: o.height).label",
        options=("{c}",),
        says=ways("""
            Which( of these|) is the tallest, measured <tall>: {c:or}?
            Measuring each <tall>, which( of these|) is the tallest: {c:or}?
            Of {c:and}, which is the tallest, measured <tall>?
        """),
    ),
    _CHOICE(
        name="larger",
        program="larger({a:one}, {b:one}).label",
        rising=("a", "b"),
        options=("{a}", "{b}"),
        says=ways("""
            Which takes up more space, ({a} or {b}|{b} or {a})?
            Which is larger in volume, ({a} or {b}|{b} or {a})?
            Comparing their volumes, which is larger, ({a} or {b}|{b} or {a})?
            Of ({a} and {b}|{b} and {a}), which is larger in volume?
        """),
    ),
    _CHOICE(
        name="higher",
        program="higher({a:one}, {b:one}).label",
        rising=("a", "b"),
        options=("{a}", "{b}"),
        says=ways("""
            Which( of the two|) reaches higher, ({a} or {b}|{b} or {a})?
            Comparing their highest points, which reaches higher, ({a} or {b}|{b} or {a})?
            Of ({a} and {b}|{b} and {a}), which has the higher highest point?
        """),
    ),
    _CHOICE(
        name="seen_first",
        program="appearance_order([{a:seen}, {b:seen}])[0]",
        rising=("a", "b"),
        options=("{a}", "{b}"),
        says=ways("""
            (Which|In this video, which) comes into view first, \
                (the {a} or the {b}|the {b} or the {a})?
            Of (the {a} and the {b}|the {b} and the {a}), which comes into view first?
        """),
    ),
)

_YES_OR_NO: tuple[Question, ...] = (
    _YES_NO(
        name="more",
        program="scene.count({a:countable}) > scene.count({b:countable})",
        mirrored=("a", "b"),
        says=ways("""
            Are there more {a:many} than {b:many} in this room<yes>
            Does this room have more {a:many} than {b:many}<yes>
            Is the number of {a:many} in this room (larger|greater) than the number of {b:many}<yes>
            Counting both, are there more {a:many} than {b:many} in this room<yes>
        """),
    ),
    _YES_NO(
        name="within",
        program="distance({a:one}, {b:thing}) < {r:reach}",
        mirrored=("a", "b"),
        says=ways("""
            {a:Is} {a} within {r} of {b}, <last><yes>
            <first>, {a:is} {a} within {r} of {b}<yes>
            Are the closest points of {a} and {b} within {r} of each other<yes>
            Are the closest points of {a} and {b} less than {r} apart<yes>
        """),
    ),
    _YES_NO(
        name="one_within",
        weight=0.7,
        program="distance({b:one}, scene.objects({a:several})) < {r:reach}",
        says=ways("""
            Is (at least one|any) {a} within {r} of {b}, <last><yes>
            <first>, is (at least one|any) {a} within {r} of {b}<yes>
        """),
    ),
    _YES_NO(
        name="all_within",
        weight=0.7,
        program="max(distance(o, {b:one}) for o in scene.objects({a:many})) < {r:reach}",
        says=ways("""
            Are all (of the |){a:many} in this room within {r} of {b}, <last><yes>
            <first>, are all (of the |){a:many} in this room within {r} of {b}<yes>
        """),
    ),
    _YES_NO(
        name="closer",
        program="nearest({a:one}, [{b:single}, {c:single}]) == {b}",
        mirrored=("b", "c"),
        says=ways("""
            {a:Is} {a} closer to the {b} than to the {c}, <last><yes>
            <first>, {a:is} {a} (closer|nearer) to the {b} than to the {c}<yes>
        """),
    ),
    _YES_NO(
        name="longer",
        program="{a:one}.longest_side > {b:one}.longest_side",
        mirrored=("a", "b"),
        says=ways("""
            Is the longest side of {a} longer than that of {b}<yes>
            {a:Is} {a} longer than {b}, comparing their longest sides<yes>
            Comparing their longest sides, {a:is} {a} longer than {b}<yes>
            {a:Does} {a} have a longer longest side than {b}<yes>
        """),
    ),
    _YES_NO(
        name="taller",
        program="{a:one}.height > {b:one}.height",
        mirrored=("a", "b"),
        says=ways("""
            {a:Is} {a} taller than {b}, each measured <tall><yes>
            Measuring each <tall>, {a:is} {a} taller than {b}<yes>
            Comparing their heights from lowest to highest point, {a:is} {a} taller than {b}<yes>
        """),
    ),
    _YES_NO(
        name="on_top_of",
        weight=0.5,
        program="on_top_of({a:one}, {b:one})",
        says=ways("""
            {a:Does} {a} rest on (top of |){b}<yes>
            {a:Is} {a} resting on (top of |){b}<yes>
            In this room, {a:does} {a} rest on (top of |){b}<yes>
        """),
    ),
)

COMPARING_QUESTIONS: tuple[Question, ...] = (*_CHOICES, *_YES_OR_NO)
