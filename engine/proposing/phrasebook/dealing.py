"""Dealing targets: which labels of a scene may go where, so that whatever is chosen makes sense.

The pools of a shape share no label, so no program compares a thing with itself, and every program
they admit has a clear answer here (:mod:`engine.proposing.phrasebook.clear`): a first one is drawn,
and each leaf's pool then takes in what keeps it so with everything in the other pools.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import NamedTuple

from engine.config import MarginSettings
from engine.proposing.inventory import Draws
from engine.proposing.phrasebook.book import BY_TYPE
from engine.proposing.phrasebook.clear import Lookout
from engine.proposing.phrasebook.describing import describe
from engine.proposing.phrasebook.rules import LABEL_LEAVES
from engine.proposing.phrasebook.shapes import Shape, Value, Values, named, program_text, shapes
from engine.proposing.phrasebook.shelf import stock
from engine.proposing.phrasebook.targets import Dealt, Target
from engine.records import QUESTION_TYPES, SceneFacts
from engine.seeds import generator, unit_interval


class _Width(NamedTuple):
    """Most shapes in one target, and most programs of one shape."""

    shapes: int
    programs: int


# Enough to choose from, and few enough that a target stays a small grammar ...
_WIDE = _Width(3, 24)
# ... and for targets that must not admit each other's programs: the widest that goes round.
_APART = (_Width(3, 4), _Width(2, 2), _Width(1, 1))
# Values in one pool.
_POOL = 6
# Draws for a shape's first program, then how many are looked through in order instead.
_DRAWS = 40
_LOOKED_THROUGH = 600
_LOOKED_THROUGH_COSTLY = 60
_COMBINATIONS = 20_000
# Values tried for one pool.
_GROWTH = 12
# How much likelier a question's plain shape is than each of its others.
_PLAIN = 2.0

_DEFAULT_MARGINS = MarginSettings()


class Dealer:
    """Deals targets for one scene."""

    def __init__(self, scene: SceneFacts, margins: MarginSettings = _DEFAULT_MARGINS) -> None:
        self._scene = scene
        self._shelf = stock(scene)
        self._lookout = Lookout(scene, margins)
        self._known: dict[str, bool] = {}

    def feasible_types(self) -> tuple[str, ...]:
        """The question types of which this scene can be asked something clear."""
        return tuple(
            kind
            for kind in QUESTION_TYPES
            if any(True for _ in self._dealt(kind, _look_through(self._scene, kind), set(), 1))
        )

    def deal_all(self, types: Sequence[str], draws: Draws) -> list[Target]:
        """A target for each of ``types``, none admitting a program that another one does.

        Where a type has nothing left to ask, another takes its place; where none has, there are
        fewer targets. The fewer programs a scene has, the fewer each target admits.
        """
        dealt: list[Target] = []
        for width in _APART:
            dealt = list(self._apart(types, draws, width))
            if len(dealt) == len(types):
                break
        return dealt

    def _apart(self, types: Sequence[str], draws: Draws, width: _Width) -> Iterator[Target]:
        taken: set[str] = set()
        lasting = [kind for kind in self.feasible_types() if kind in types] or list(types)
        for kind in types:
            target = self.deal(kind, draws, taken, width)
            while target is None and lasting:
                other = draws.pick(lasting)
                target = self.deal(other, draws, taken, width)
                if target is None:
                    lasting.remove(other)
            if target is not None:
                yield target

    def deal(
        self,
        question_type: str,
        draws: Draws,
        taken: set[str] | None = None,
        width: _Width = _WIDE,
    ) -> Target | None:
        """A target of this type, or None where the scene has nothing (more) to ask of it.

        ``taken`` are programs that other targets admit already; this one admits none of them, and
        its own are added.
        """
        apart: set[str] = set() if taken is None else taken
        shapes_dealt = self._dealt(question_type, draws, apart, width.programs)
        dealt = tuple(islice(shapes_dealt, width.shapes))
        if not dealt:
            return None
        return Target(
            scene_id=self._scene.scene_id,
            question_type=question_type,
            description=describe(question_type, dealt),
            dealt=dealt,
            setting=self._shelf.setting,
        )

    def _dealt(
        self, question_type: str, draws: Draws, taken: set[str], most: int
    ) -> Iterator[Dealt]:
        """Shapes with pools, in an order drawn by weight; their programs are added to ``taken``."""
        for shape in _ordered(question_type, draws):
            first = self._first(shape, draws, taken)
            if first is None:
                continue
            pools = self._grown(shape, first, draws, taken, most)
            taken.update(program_text(shape, values) for values in product(*pools))
            yield Dealt(shape=shape, pools=pools)

    def _first(self, shape: Shape, draws: Draws, taken: set[str]) -> Values | None:
        """One clear program of this shape."""
        held = [self._shelf.held[kind] for kind in shape.kinds]
        if not all(held) or not self._enough(shape):
            return None
        for _ in range(_DRAWS):
            values = self._drawn(shape, held, draws)
            if values is not None and self._asks(shape, values, taken):
                return values
        proper = (
            values
            for values in islice(product(*held), _COMBINATIONS)
            if self._arranged(shape, values) == values and _distinct(shape, values)
        )
        most = _LOOKED_THROUGH_COSTLY if shape.question.costly else _LOOKED_THROUGH
        clear = (v for v in islice(proper, most) if self._asks(shape, v, taken))
        return next(clear, None)

    def _enough(self, shape: Shape) -> bool:
        """Whether there are as many labels as the shape holds, all told."""
        pools = {label for i in shape.labels for label in self._shelf.held[shape.kinds[i]]}
        return len(pools) >= len(shape.labels)

    def _drawn(
        self, shape: Shape, held: Sequence[tuple[Value, ...]], draws: Draws
    ) -> Values | None:
        values: list[Value] = [
            pool[0] if kind in LABEL_LEAVES else draws.pick(pool)
            for kind, pool in zip(shape.kinds, held, strict=True)
        ]
        views = [int(value) for value, kind in zip(values, shape.kinds, strict=True)
                 if kind == "frame"]  # fmt: skip
        used: list[str] = []
        for index in shape.labels:
            pool = held[index]
            if views and shape.kinds[index] == "seen":
                pool = self._shelf.shown[views[0]]
            left = [str(label) for label in pool if label not in used]
            if not left:
                return None
            used.append(draws.label(left))
            values[index] = used[-1]
        return self._arranged(shape, tuple(values))

    def _arranged(self, shape: Shape, values: Values) -> Values:
        """The values in the one order in which this scene is asked about them."""
        arranged = list(values)
        for group in shape.rising:
            for index, value in zip(group, sorted(values[i] for i in group), strict=True):
                arranged[index] = value
        for group in shape.mirrored:
            pair = sorted(str(values[i]) for i in group)
            if unit_interval(0, "orientation", self._scene.scene_id, *pair) < 0.5:
                pair.reverse()
            for index, value in zip(group, pair, strict=True):
                arranged[index] = value
        return tuple(arranged)

    def _grown(
        self,
        shape: Shape,
        first: Values,
        draws: Draws,
        taken: set[str],
        most: int,
    ) -> tuple[tuple[Value, ...], ...]:
        """Pools around a first program, as far as all they admit stays clear."""
        pools: list[tuple[Value, ...]] = [(value,) for value in first]
        turns = draws.labels([str(i) for i in range(len(pools))], len(pools))
        for leaf in map(int, turns):
            pool = self._shelf.held[shape.kinds[leaf]]
            for value in _some(pool, draws):
                size = math.prod(map(len, pools)) // len(pools[leaf])
                if len(pools[leaf]) >= _POOL or size * (len(pools[leaf]) + 1) > most:
                    break
                if any(value in each for each in pools if isinstance(value, str)):
                    continue
                if value in pools[leaf]:
                    continue
                others = [*pools[:leaf], (value,), *pools[leaf + 1 :]]
                if all(self._asks(shape, values, taken) for values in product(*others)):
                    pools[leaf] = (*pools[leaf], value)
        return tuple(pools)

    def _asks(self, shape: Shape, values: Values, taken: set[str]) -> bool:
        """Whether these values make a new question worth asking."""
        if not _distinct(shape, values) or self._arranged(shape, values) != values:
            return False
        program = program_text(shape, values)
        if program not in self._known:
            self._known[program] = self._lookout.clear(
                shape.tree,
                named(values),
                shape.question.answer_kind,
                shape.question.unit,
            )
        return self._known[program] and program not in taken


def feasible_types(
    scene: SceneFacts, margins: MarginSettings = _DEFAULT_MARGINS
) -> tuple[str, ...]:
    """The question types of which ``scene`` can be asked something clear."""
    return _dealer(scene, margins).feasible_types()


def deal(
    scene: SceneFacts,
    question_type: str,
    draws: Draws,
    *,
    taken: set[str] | None = None,
    margins: MarginSettings = _DEFAULT_MARGINS,
) -> Target | None:
    """One target; see :meth:`Dealer.deal`."""
    return _dealer(scene, margins).deal(
        question_type, draws, taken, _WIDE if taken is None else _APART[0]
    )


def deal_all(
    scene: SceneFacts,
    types: Sequence[str],
    draws: Draws,
    *,
    margins: MarginSettings = _DEFAULT_MARGINS,
) -> list[Target]:
    """Targets that admit no program twice; see :meth:`Dealer.deal_all`."""
    return _dealer(scene, margins).deal_all(types, draws)


def _dealer(scene: SceneFacts, margins: MarginSettings) -> Dealer:
    """The last scene's dealer is kept: targets are dealt scene by scene, and it remembers much."""
    global _last
    if _last is None or _last[0] is not scene or _last[1] != margins:
        _last = (scene, margins, Dealer(scene, margins))
    return _last[2]


_last: tuple[SceneFacts, MarginSettings, Dealer] | None = None


def _look_through(scene: SceneFacts, question_type: str) -> Draws:
    """Draws of their own for finding out whether there is anything to ask."""
    return Draws(generator(0, "feasible", scene.scene_id, question_type), {})


def _ordered(question_type: str, draws: Draws) -> list[Shape]:
    """The type's shapes in an order drawn by weight."""
    found = shapes(question_type)
    plain = {rule.name: next(s for s in found if s.question is rule) for rule in
             BY_TYPE.get(question_type, ())}  # fmt: skip
    keyed: list[tuple[float, int, Shape]] = []
    for shape in found:
        weight = shape.question.weight * (_PLAIN if plain[shape.question.name] is shape else 1.0)
        # Exponential races: the order of draws without replacement by weight.
        keyed.append((-math.log(1.0 - draws.unit()) / weight, len(keyed), shape))
    return [shape for _, _, shape in sorted(keyed, key=lambda entry: entry[:2])]


def _distinct(shape: Shape, values: Values) -> bool:
    labels = [values[index] for index in shape.labels]
    return len(set(labels)) == len(labels)


def _some(pool: Sequence[Value], draws: Draws) -> list[Value]:
    """Some values of a pool, labels by weight."""
    wanted = min(len(pool), _GROWTH)
    if pool and isinstance(pool[0], str):
        return list(draws.labels([str(label) for label in pool], wanted))
    left = list(pool)
    return [left.pop(int(draws.unit() * len(left))) for _ in range(wanted)]
