"""The dataset card: ``data_cards/card.md.j2`` filled with what the tables say.

The front matter is what the Hub reads: one configuration a round, ``latest`` (the default),
``all``, ``ledger`` and ``frames``, with their files by split, and the licence. Values there are
written as JSON, which is YAML; text of others in the body cannot end its table cell or be markup.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.licences import Terms, terms
from engine.publishing.card_columns import meaning, type_name
from engine.publishing.published_files import (
    FRAMES,
    HELD_OUT,
    LEDGER,
    TRAIN,
    DataFile,
    by_round,
    newest_round,
    round_name,
)
from engine.publishing.published_numbers import RoundNumbers
from engine.resources import DATA_CARDS

if TYPE_CHECKING:
    import jinja2

TEMPLATE = "card.md.j2"
_TAGS = ("spatial-reasoning", "3d", "indoor-scenes", "curriculum", "ouroboros-spatial")
# The Hub's names of sizes, with the number of rows each ends at.
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
          (10_000_000, "1M<n<10M"))  # fmt: skip
_LARGEST = "10M<n<100M"
# Signs that mean something in Markdown or HTML; within a word an underscore does not.
_MARKUP = re.compile(r"([\\`*\[\]<>|#!&~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_TITLES = {
    TRAIN: ("Questions", "rounds/round-NNNN/, held_out/"),
    LEDGER: ("Ledger", "ledger/round-NNNN.parquet"),
    FRAMES: ("Frames", "frames/round-NNNN.parquet; 0000 for the held-out questions"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One configuration of the set: its name, and its splits with their files."""

    name: str
    splits: tuple[tuple[str, tuple[str, ...]], ...]
    default: bool = False


def configs(files: Sequence[DataFile]) -> tuple[Config, ...]:
    """The configurations that a set with these files has; those without files are left out."""
    train, held_out = by_round(files, TRAIN), _paths(by_round(files, HELD_OUT))
    newest = newest_round(files)
    found = [
        Config(
            name=round_name(number),
            splits=(("train", _names(of_round)), ("held_out", held_out)),
        )
        for number, of_round in train.items()
    ]
    latest = (("train", _names(train.get(newest, ()))), ("held_out", held_out))
    found += [
        Config(name="latest", splits=latest, default=True),
        Config(name="all", splits=(("train", _paths(train)), ("held_out", held_out))),
        Config(name="ledger", splits=(("train", _paths(by_round(files, LEDGER))),)),
        Config(name="frames", splits=(("train", _paths(by_round(files, FRAMES))),)),
    ]
    filled = (
        Config(name=c.name, splits=tuple(s for s in c.splits if s[1]), default=c.default)
        for c in found
    )
    return tuple(config for config in filled if config.splits)


def write_card(
    repo_id: str,
    numbers: Mapping[int, RoundNumbers],
    files: Sequence[DataFile],
    schemas: Mapping[str, pl.Schema],
    *,
    embedded: bool = False,
) -> str:
    """The card of a set that holds ``files``, as of the newest round of ``numbers``."""
    held_out, loop = numbers.get(0), [numbers[n] for n in sorted(numbers) if n]
    newest = loop[-1]
    found = configs(files)
    named = [config.name for config in found if config.name.startswith("round-")]
    kinds = {file.kind for file in files}
    return _environment().get_template(TEMPLATE).render(
        title=repo_id.partition("/")[2],
        repo_id=repo_id,
        **_front(numbers),
        configs=[
            {"name": c.name, "default": c.default,
             "splits": [{"name": name, "paths": list(paths)} for name, paths in c.splits]}
            for c in found
        ],
        total=_total(numbers),
        scenes=len(frozenset[str]().union(*(each.scenes for each in numbers.values()))),
        benchmark=sum(each.benchmark for each in numbers.values()),
        rounds=[*([] if held_out is None else [_base_row(held_out)]), *map(_round_row, loop)],
        easy_above=newest.thresholds.easy_above,
        hard_below=newest.thresholds.hard_below,
        held_out=newest.held_out_asked,
        solver=newest.solvers[0] if newest.solvers else "",
        type_rounds=["held out" if n == 0 else round_name(n) for n in sorted(numbers)],
        types=_types(numbers),
        examples=_examples(named),
        first=named[0] if named else "latest",
        tag=round_name(newest.round),
        splits=" and ".join(name for name, _ in next(c for c in found if c.default).splits),
        tables=[_table(kind, schemas) for kind in _TITLES if kind in kinds],
        embedded=embedded,
        sources=_sources(numbers),
    )  # fmt: skip


def _front(numbers: Mapping[int, RoundNumbers]) -> dict[str, Any]:
    """The front matter's licence, size, sources and tags."""
    sources = [terms(dataset) for dataset in _datasets(numbers)]
    benchmark = any(each.benchmark for each in numbers.values())
    return {
        **_licence(sources),
        "size_category": _size(_total(numbers)),
        "source_datasets": [
            "original" if each.dataset == "synthetic" else f"extended|other-{_slug(each.dataset)}"
            for each in sources
        ],
        "tags": [*_TAGS, *(["benchmark-scenes"] if benchmark else [])],
    }


def _licence(sources: Sequence[Terms]) -> dict[str, str]:
    """The Hub's licence keys: one identifier where all sources agree on one, else ``other``."""
    known = {each.spdx_or_other for each in sources}
    if len(known) == 1 and known != {"other"}:
        return {"license": known.pop(), "license_name": "", "license_link": ""}
    if len(sources) == 1 and sources[0].url:
        name, link = sources[0].name, sources[0].url
    else:
        name, link = "terms of the source datasets", "README.md"
    return {"license": "other", "license_name": _slug(name), "license_link": link}


def _slug(name: str) -> str:
    """A name as the Hub's tags are written."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")


def _total(numbers: Mapping[int, RoundNumbers]) -> int:
    return sum(each.samples for each in numbers.values())


def _datasets(numbers: Mapping[int, RoundNumbers]) -> dict[str, int]:
    """Samples by source dataset, by name."""
    found: dict[str, int] = {}
    for each in numbers.values():
        for dataset, count in each.datasets.items():
            found[dataset] = found.get(dataset, 0) + count
    return dict(sorted(found.items()))


def _size(rows: int) -> str:
    return next((name for end, name in _SIZES if rows < end), _LARGEST)


def _base_row(held_out: RoundNumbers) -> dict[str, Any]:
    """The base solver's line: it was asked the held-out questions and trained on nothing."""
    row = _round_row(held_out)
    return (
        row
        | {"name": "base", "samples": f"{held_out.samples} held out"}
        | dict.fromkeys(("trained", "easy", "frontier", "hard"), "")
    )


def _round_row(each: RoundNumbers) -> dict[str, Any]:
    return {
        "name": round_name(each.round),
        "samples": each.samples,
        "trained": each.trained,
        **each.labels,
        "score": "" if each.held_out_score is None else f"{each.held_out_score:.3f}",
        "proposer": ", ".join(each.proposers),
        "cost": _cost(each),
    }


def _cost(each: RoundNumbers) -> str:
    """What proposing and judging took of a model."""
    if each.tokens is None or each.seconds is None:
        text = "no model"
    else:
        text = f"{each.tokens:,} tokens, {each.seconds:,.0f} s"
    return text + (f"; judging {each.judging_tokens:,} tokens" if each.judging_tokens else "")


def _types(numbers: Mapping[int, RoundNumbers]) -> list[dict[str, Any]]:
    names = sorted({name for each in numbers.values() for name in each.types})
    return [
        {"name": name, "counts": [numbers[n].types.get(name, 0) for n in sorted(numbers)]}
        for name in names
    ]


def _examples(named: Sequence[str]) -> str:
    if not named:
        return ""
    return f" (`{named[0]}`)" if len(named) == 1 else f" (`{named[0]}` to `{named[-1]}`)"


def _table(kind: str, schemas: Mapping[str, pl.Schema]) -> dict[str, Any]:
    title, where = _TITLES[kind]
    columns = [
        {"name": name, "type": type_name(dtype), "meaning": meaning(kind, name)}
        for name, dtype in schemas[kind].items()
    ]
    return {"title": title, "where": where, "columns": columns}


def _sources(numbers: Mapping[int, RoundNumbers]) -> list[dict[str, Any]]:
    return [
        {
            "dataset": dataset, "count": count, "name": found.name, "url": found.url,
            "frames": _allowed(found, "frames"), "meshes": _allowed(found, "meshes"),
            "use": found.use, "source": found.source,
        }
        for dataset, count in _datasets(numbers).items()
        for found in [terms(dataset)]
    ]  # fmt: skip


def _allowed(found: Terms, kind: str) -> str:
    for fact in found.facts.values():
        if fact.kind == kind:
            return {"yes": "yes", "conditions": "on conditions"}.get(fact.allowed, "no")
    return "no"


def _names(files: Sequence[DataFile]) -> tuple[str, ...]:
    return tuple(file.path for file in files)


def _paths(rounds: Mapping[int, Sequence[DataFile]]) -> tuple[str, ...]:
    return tuple(file.path for number in sorted(rounds) for file in rounds[number])


def cell(text: object) -> str:
    """Text of others on one line, its signs shown and not obeyed."""
    line = "".join(c if c.isprintable() else " " for c in str(text))
    return _MARKUP.sub(r"\\\1", " ".join(line.split()))


def count(number: int, noun: str) -> str:
    """``1 question``, ``2,000 questions``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(DATA_CARDS),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  Markdown, not HTML; see cell
        auto_reload=False,
    )
    environment.filters.update({"json": json.dumps, "cell": cell, "count": count})
    return environment
