"""Choosing a round's samples under two caps at once: so many a question type, so many a scene.

Picking greedily in order of preference can run into a wall that another choice avoids (the last
samples of a full type sit in the only scene with room), so a short greedy pick is completed
along augmenting paths, as in bipartite maximum flow (Ford and Fulkerson 1956) with types on one
side, scenes on the other and a (type, scene) cell's samples as its capacity. Caps are raised
only when no choice of samples would do, and then by as little as possible.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Cell = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How many of a draw may share a question type, and a scene."""

    per_type: int
    per_scene: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How many more of each question type and each scene may be picked."""

    types: Mapping[str, int]
    scenes: Mapping[str, int]

    @classmethod
    def of(cls, caps: Caps, cells: Sequence[Cell], used: Mapping[Cell, int]) -> Allowance:
        """What ``caps`` leave after ``used`` picks a cell."""
        types: Counter[str] = Counter()
        scenes: Counter[str] = Counter()
        for (kind, scene), count in used.items():
            types[kind] += count
            scenes[scene] += count
        return cls(
            types={kind: max(0, caps.per_type - types[kind]) for kind, _ in cells},
            scenes={scene: max(0, caps.per_scene - scenes[scene]) for _, scene in cells},
        )


def raised(caps: Caps, supply: Mapping[Cell, int], used: Mapping[Cell, int], want: int) -> Caps:
    """The caps themselves when ``want`` picks fit under them, else the least raised ones that do.

    ``supply`` counts the samples still to be picked from, a cell. The scene cap gives way first:
    a data set of few scenes is common, and the mix of types is what the training set is about.
    """
    unlimited = sum(supply.values()) + sum(used.values())
    cells = sorted(supply)

    def fits(per_type: int, per_scene: int) -> bool:
        caps = Caps(per_type=per_type, per_scene=per_scene)
        return sum(_fill(supply, Allowance.of(caps, cells, used), {}, want).values()) >= want

    per_type, per_scene = caps.per_type, caps.per_scene
    if fits(per_type, per_scene):
        return caps
    if not fits(per_type, unlimited) and fits(unlimited, per_scene):
        per_type = _least(lambda cap: fits(cap, per_scene), per_type, unlimited)
    else:
        per_type = _least(lambda cap: fits(cap, unlimited), per_type, unlimited)
        per_scene = _least(lambda cap: fits(per_type, cap), per_scene, unlimited)
    return Caps(per_type=per_type, per_scene=per_scene)


def pick(
    cells: Sequence[Cell],
    strata: Sequence[tuple[Sequence[int], int]],
    allowed: Allowance,
    want: int,
) -> list[int]:
    """Indices into ``cells`` of ``want`` samples, the most preferred that the allowance admits.

    ``strata`` are (indices in order of preference, how many to take at most in this turn), taken
    in turn. Fewer come back only where no choice under the allowance reaches ``want``.
    """
    types, scenes = dict(allowed.types), dict(allowed.scenes)
    taken: dict[int, None] = {}
    for indices, limit in strata:
        stop = min(want, len(taken) + limit)
        for index in indices:
            if len(taken) >= stop:
                break
            kind, scene = cells[index]
            if index not in taken and types[kind] > 0 and scenes[scene] > 0:
                types[kind] -= 1
                scenes[scene] -= 1
                taken[index] = None
    if len(taken) >= want:
        return list(taken)
    preference = list(dict.fromkeys(index for indices, _ in strata for index in indices))
    return _complete(cells, preference, taken, allowed, want)


def _complete(
    cells: Sequence[Cell],
    preference: Sequence[int],
    taken: Mapping[int, None],
    allowed: Allowance,
    want: int,
) -> list[int]:
    """Exchange as few picks as it takes to reach ``want``."""
    supply = Counter(cells[index] for index in preference)
    target = _fill(supply, allowed, Counter(cells[index] for index in taken), want)
    left = Counter(target)
    chosen: list[int] = []
    for indices in (list(taken), [index for index in preference if index not in taken]):
        for index in indices:
            if left[cells[index]] > 0:
                left[cells[index]] -= 1
                chosen.append(index)
    return chosen


def _least(fits: Callable[[int], bool], low: int, high: int) -> int:
    """The smallest number in [low, high] that fits; fitting is monotone and ``high`` fits."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return low


def _fill(
    supply: Mapping[Cell, int], allowed: Allowance, start: Mapping[Cell, int], want: int
) -> dict[Cell, int]:
    """How many to pick from each cell: ``start`` raised to ``want``, or as far as it goes."""
    flow = {cell: start.get(cell, 0) for cell in sorted(supply)}
    types, scenes = dict(allowed.types), dict(allowed.scenes)
    for (kind, scene), count in flow.items():
        types[kind] -= count
        scenes[scene] -= count
    total = sum(flow.values())
    for cell in flow:  # What fits without exchanges, before looking for paths.
        more = min(supply[cell] - flow[cell], types[cell[0]], scenes[cell[1]], want - total)
        if more > 0:
            flow[cell] += more
            types[cell[0]] -= more
            scenes[cell[1]] -= more
            total += more
    while total < want and (path := _path(supply, flow, types, scenes)):
        room = [supply[cell] - flow[cell] for cell in path[::2]] + [flow[c] for c in path[1::2]]
        kind, scene = path[0][0], path[-1][1]
        more = min(*room, types[kind], scenes[scene], want - total)
        for cell in path[::2]:
            flow[cell] += more
        for cell in path[1::2]:
            flow[cell] -= more
        types[kind] -= more
        scenes[scene] -= more
        total += more
    return flow


def _path(
    supply: Mapping[Cell, int],
    flow: Mapping[Cell, int],
    types: Mapping[str, int],
    scenes: Mapping[str, int],
) -> list[Cell]:
    """A shortest augmenting path: cells to gain and to lose a sample by turns; empty for none."""
    of_type: dict[str, list[str]] = {}
    of_scene: dict[str, list[str]] = {}
    for kind, scene in flow:
        of_type.setdefault(kind, []).append(scene)
        of_scene.setdefault(scene, []).append(kind)
    reached: dict[str, list[Cell]] = {kind: [] for kind in of_type if types[kind] > 0}
    seen_scenes: set[str] = set()
    queue = deque(reached)
    while queue:
        kind = queue.popleft()
        for scene in of_type[kind]:
            cell = (kind, scene)
            if scene in seen_scenes or flow[cell] >= supply[cell]:
                continue
            seen_scenes.add(scene)
            path = [*reached[kind], cell]
            if scenes[scene] > 0:
                return path
            for other in of_scene[scene]:
                if other not in reached and flow[other, scene] > 0:
                    reached[other] = [*path, (other, scene)]
                    queue.append(other)
    return []
