"""A reporter that remembers how far each stage was said to be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from engine.progress import QuietReporter


class Counting(QuietReporter):
    """``reached``: by the stage's title its total, then every count it told."""

    def __init__(self) -> None:
        self.reached: dict[str, list[int]] = {}

    def stage(self, title: str, total: int | None, unit: str) -> Any:
        @contextlib.contextmanager
        def stage() -> Iterator[Any]:
            self.reached[title] = [total or 0]
            yield self.reached[title].append

        return stage()

    def require_ends(self) -> None:
        """Every stage went up to its total, and said so."""
        for total, *counts in self.reached.values():
            assert counts == sorted(counts)
            assert counts[-1] == total
