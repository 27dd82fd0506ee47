"""What may be passed on of the datasets that scenes come from: ``data_cards/licences.toml``.

A dataset that is not listed there may keep everything to itself, so nothing of it is passed on.
Whoever holds the rights to a dataset's content says so and is believed.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from engine.errors import InputError
from engine.resources import DATA_CARDS

TABLE = "licences.toml"
READABLE = "LICENCES.md"
FLAG = "--i-hold-redistribution-rights"

Kind = Literal["frames", "depth", "meshes", "metadata", "drawings", "annotations"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Allowed = Literal["yes", "no", "conditions"]

# The adapter whose boxes were released by others than the dataset that its scenes name.
_RELEASED_METADATA = "vsi-meta"
# Datasets named in a message after the first.
_NAMED = 5

_JOIN = "leave them out, and those who hold the data join theirs with `ouroboros hydrate`"
_DROP = "leave out the rounds that hold such scenes"
_REMEDIES: Mapping[Kind, str] = {
    "frames": _JOIN, "depth": _JOIN, "meshes": _JOIN, "drawings": _JOIN,
    "metadata": _DROP, "annotations": _DROP,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Whether one kind of content may be passed on, why, and where that was read."""

    kind: Kind
    allowed: Allowed
    because: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What may be passed on of one dataset; a kind allowed on conditions only counts as not.

    ``spdx_or_other`` is the licence's identifier as the Hub spells them (``cc0-1.0``), ``other``
    for terms of use that have none. ``use`` says in words what those who get it may do with it.
    """

    dataset: str
    name: str
    spdx_or_other: str
    url: str
    frames: bool
    meshes: bool
    metadata: bool
    annotations: bool
    source: str
    depth: bool = False
    drawings: bool = False
    use: str = ""
    scenes_of: tuple[str, ...] = ()
    facts: Mapping[Kind, Fact] = field(default_factory=dict)

    def allows(self, kind: Kind) -> bool:
        """Whether this kind of content may be passed on without anyone's saying more."""
        return bool(getattr(self, kind))


def terms(dataset: str) -> Terms:
    """The terms of a dataset, by the name scenes carry; of an unknown one the strictest."""
    return _listed().get(dataset) or _strictest(dataset)


def known_datasets() -> tuple[str, ...]:
    """The datasets of the table, in its order."""
    return tuple(_listed())


def rights_name(dataset: str, adapter: str) -> str:
    """Whose terms hold for a scene's boxes and drawings: its dataset's, or those of its release.

    Scenes that ``vsi-meta`` read name the dataset they were scanned for; their boxes were released
    by VSI-Bench's makers.
    """
    return _RELEASED_METADATA if adapter == _RELEASED_METADATA else dataset


def refuse_restricted(datasets: Collection[str], *, what: str, holds_rights: bool) -> None:
    """Raise InputError where ``what`` of one of ``datasets`` may not be passed on.

    ``what`` is one of KINDS; anything else is treated as a picture. ``holds_rights`` is the
    user's word that they may.
    """
    if holds_rights:
        return
    kind: Kind = what if what in KINDS else "frames"
    held = [each for each in map(terms, sorted(set(datasets))) if not each.allows(kind)]
    if not held:
        return
    first = held[0]
    fact = first.facts[kind]
    others = ", ".join(each.dataset for each in held[1 : 1 + _NAMED])
    raise InputError(
        f"{what} of {first.dataset}{f' (and of {others})' if others else ''} may not be passed on "
        f"without more: {fact.because} ({first.name}, {first.url or first.source}); "
        f"{_REMEDIES[kind]}, or say that you may with {FLAG}"
    )


def readable() -> str:
    """The table as Markdown: what ``data_cards/LICENCES.md`` holds."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# What may be passed on of each dataset"
    yield ""
    yield (
        "Made from `licences.toml` (a test holds them together). A reading of public texts for a "
        "program's defaults, not legal advice. A dataset that is not listed gets *no* everywhere. "
        f"What is not *yes* is refused unless you add `{FLAG}`; people who hold the data join it "
        "with `ouroboros hydrate`."
    )
    yield ""
    yield f"| dataset | licence | {' | '.join(KINDS)} | use |"
    yield "|" + "---|" * (len(KINDS) + 3)
    for each in _listed().values():
        marks = " | ".join(each.facts[kind].allowed for kind in KINDS)
        yield f"| {each.dataset} | [{each.name}]({each.url}) | {marks} | {each.use} |"
    for each in _listed().values():
        yield ""
        yield f"## {each.dataset}"
        yield ""
        yield f"Source: {each.source}."
        yield ""
        for kind in KINDS:
            fact = each.facts[kind]
            where = "" if fact.source == each.source else f" ({fact.source})"
            yield f"- **{kind}: {fact.allowed}**: {fact.because}{where}"


@functools.cache
def _listed() -> dict[str, Terms]:
    text = (DATA_CARDS / TABLE).read_text(encoding="utf-8")
    return {name: _terms(name, row) for name, row in tomllib.loads(text)["datasets"].items()}


def _terms(dataset: str, row: Mapping[str, Any]) -> Terms:
    facts = {
        kind: Fact(
            kind=kind,
            allowed=row[kind]["allowed"],
            because=row[kind]["because"],
            source=row[kind].get("source", row["source"]),
        )
        for kind in KINDS
    }
    allowed = {str(kind): fact.allowed == "yes" for kind, fact in facts.items()}
    return Terms(
        dataset=dataset, name=row["name"], spdx_or_other=row["identifier"], url=row["url"],
        source=row["source"], use=row["use"], scenes_of=tuple(row.get("scenes_of", ())),
        facts=facts, **allowed,
    )  # fmt: skip


def _strictest(dataset: str) -> Terms:
    source = f"{dataset!r} is not in data_cards/{TABLE}"
    because = "its terms are not known here"
    facts = {kind: Fact(kind=kind, allowed="no", because=because, source=source) for kind in KINDS}
    return Terms(
        dataset=dataset, name="unknown: the dataset's own terms apply", spdx_or_other="other",
        url="", frames=False, meshes=False, metadata=False, annotations=False, source=source,
        use="unknown", facts=facts,
    )  # fmt: skip
