"""The sets programs make: in the order in which things were put in, the same in every process.

Python's own sets follow hashes, and those of functions are addresses: what a program took out of
one first would change from run to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableSet
from typing import Any


class OrderedSet(MutableSet[Any]):
    """A set with Python's own methods; iterating gives the members in the order of arrival."""

    __slots__ = ("_members",)

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self._members: dict[Any, None] = dict.fromkeys(values)

    def __contains__(self, value: object) -> bool:
        return value in self._members

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self))}}}" if self._members else "set()"

    def add(self, value: Any) -> None:
        self._members[value] = None

    def discard(self, value: Any) -> None:
        self._members.pop(value, None)

    def copy(self) -> OrderedSet:
        return OrderedSet(self)

    def update(self, *others: Iterable[Any]) -> None:
        for other in others:
            self._members.update(dict.fromkeys(other))

    def union(self, *others: Iterable[Any]) -> OrderedSet:
        result = self.copy()
        result.update(*others)
        return result

    def intersection(self, *others: Iterable[Any]) -> OrderedSet:
        kept = [dict.fromkeys(other) for other in others]
        return OrderedSet(m for m in self if all(m in other for other in kept))

    def difference(self, *others: Iterable[Any]) -> OrderedSet:
        lost = dict.fromkeys(member for other in others for member in other)
        return OrderedSet(member for member in self if member not in lost)

    def symmetric_difference(self, other: Iterable[Any]) -> OrderedSet:
        others = OrderedSet(other)
        return self.difference(others).union(others.difference(self))

    def intersection_update(self, *others: Iterable[Any]) -> None:
        self._keep(self.intersection(*others))

    def difference_update(self, *others: Iterable[Any]) -> None:
        self._keep(self.difference(*others))

    def _keep(self, members: Iterable[Any]) -> None:
        self._members = dict.fromkeys(members)

    def issubset(self, other: Iterable[Any]) -> bool:
        members = OrderedSet(other)
        return all(member in members for member in self)

    def issuperset(self, other: Iterable[Any]) -> bool:
        return all(member in self for member in other)
