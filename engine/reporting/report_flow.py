"""How samples flow between labels from round to round: the nodes and links of a Sankey diagram.

A node is a label after a round, or "first seen" before it. A sample keeps its label through rounds
that do not observe it, so the labels of a round add up to all samples observed until then: what
flows into a node is what flows out of it, plus what stays at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from engine.reporting.report_palette import LABELS

FIRST_SEEN = "first seen"
# Wider diagrams cannot be read; the last rounds are shown.
MOST_ROUNDS = 8
_ORDER = (*LABELS, FIRST_SEEN)
# Between two nodes of a column, as a share of the diagram's height.
GAP = 0.05


@dataclass(frozen=True, slots=True)
class Node:
    """``label`` after ``round``; for FIRST_SEEN those whose first round this is."""

    round: int
    label: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node's middle stands in the diagram: shares of its width and height, y downward."""

    node: Node
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Link:
    """So many samples went from one node to another; ``kept``: since no one observed them again."""

    source: Node
    target: Node
    samples: int
    kept: bool


def flow(rounds: pl.DataFrame, moves: pl.DataFrame) -> list[Link]:
    """Links in the order of rounds and labels, from rows of ``rounds`` and ``moves``.

    Each trained round gives, for every label, the newly seen, those that moved there, and those
    that stayed since the round did not observe them. Empty links are left out.
    """
    observed = {
        row["round"]: {label: row[label] for label in LABELS}
        for row in rounds.filter(pl.col("trained") > 0).to_dicts()
    }
    moved = {
        (row["round"], row["from_label"], row["to_label"]): row["samples"]
        for row in moves.to_dicts()
    }
    links: list[Link] = []
    standing = dict.fromkeys(LABELS, 0)
    before: int | None = None
    for number in sorted(observed):
        after = dict.fromkeys(LABELS, 0)
        for target in LABELS:
            again = 0
            for source in LABELS:
                count = moved.get((number, source, target), 0)
                again += count
                if before is not None:
                    links.append(Link(Node(before, source), Node(number, target), count, False))
            new = observed[number][target] - again
            links.append(Link(Node(number, FIRST_SEEN), Node(number, target), new, False))
            after[target] = observed[number][target]
        for label in LABELS:
            left = standing[label] - sum(moved.get((number, label, to), 0) for to in LABELS)
            after[label] += left
            if before is not None:
                links.append(Link(Node(before, label), Node(number, label), left, True))
        standing, before = after, number
    return [link for link in links if link.samples > 0]


def newest(links: list[Link], most: int = MOST_ROUNDS) -> list[Link]:
    """The links into the last ``most`` rounds, and out of the one before them."""
    numbers = sorted({link.target.round for link in links})[-most:]
    first = numbers[0] if numbers else 0
    return [link for link in links if link.target.round >= first]


def places(links: Sequence[Link]) -> list[Place]:
    """Every node with its place: a column a round, easy at the top, the newly seen at the bottom.

    What a round sees first starts in the column before it.
    """
    sizes: dict[Node, int] = {}
    for node in {end for link in links for end in (link.source, link.target)}:
        into = sum(link.samples for link in links if link.target == node)
        out = sum(link.samples for link in links if link.source == node)
        sizes[node] = max(into, out)
    columns: dict[int, list[Node]] = {}
    for node in sizes:
        columns.setdefault(node.round - (node.label == FIRST_SEEN), []).append(node)
    numbers = sorted(columns)
    most = max(map(len, columns.values()), default=1)
    tallest = max((sum(sizes[node] for node in nodes) for nodes in columns.values()), default=0)
    found = []
    for turn, number in enumerate(numbers):
        top = 0.0
        for node in sorted(columns[number], key=lambda each: _ORDER.index(each.label)):
            height = (1 - GAP * (most - 1)) * sizes[node] / tallest
            # Plotly takes 0 and 1 for "not given".
            x = 0.001 + 0.998 * turn / max(1, len(numbers) - 1)
            found.append(Place(node, x, top + height / 2))
            top += height + GAP
    return found
