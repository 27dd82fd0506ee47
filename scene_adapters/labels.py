"""What annotators wrote to the words the engine counts by, through one table a dataset.

The tables are ``label_tables/<dataset>.tsv``: columns raw, canonical, world; lines that start
with ``#`` say where the facts come from and why doubtful rows stand as they do. ``world`` is

- ``closed``: every instance is annotated in every scene, so the label may be counted. These are
  the labels VSI-Bench counts in that dataset.
- ``open``: an object like any other, but some scenes lack its annotation. An open row of a closed
  label ("stack of chairs") is called by that label and keeps it from being counted where it
  occurs, because one such instance may be several things, or not what the label's count means.
- ``structure``: the room itself (wall, floor, ceiling and their parts).
- ``ignored``: leftovers of annotating that stand for nothing.

Words are compared in normal form (see :func:`normal_form`), so a raw label has one canonical
label however it is capitalised or spaced. Plurals, articles and misspellings are table rows: a
rule for them would turn "glasses" into "glass".
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

DATASETS = ("scannet", "scannetpp", "arkitscenes")

_TABLES = Path(__file__).resolve().parent / "label_tables"
_HEADER = ("raw", "canonical", "world")
_WORLDS = ("closed", "open", "structure", "ignored")
_SEPARATORS = str.maketrans(dict.fromkeys("_-/", " "))
# What spreadsheets and data frames write for "no category".
_NO_CATEGORY = frozenset({"", "nan", "none", "null"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What an annotation is called here.

    ``name`` is in normal form, and empty only where ``ignored``. ``countable``: every instance is
    annotated in that dataset. ``structure``: a part of the room, not an object. ``ignored``:
    stands for nothing, to be skipped. At most one of the three is set.
    """

    name: str
    countable: bool = False
    structure: bool = False
    ignored: bool = False


class LabelTable:
    """One dataset's words. Made by :func:`label_table`."""

    def __init__(self, dataset: str, rows: Mapping[str, Label]) -> None:
        self.dataset = dataset
        self.rows = MappingProxyType(dict(rows))

    def look_up(self, raw: str, category: str | None = None) -> Label:
        """The label of what an annotator wrote.

        ``category`` is the dataset's own cleaned word for it, used where the table does not know
        the raw word. A word no table knows is its own label, an object that is not counted; one
        without a letter or digit is ignored.
        """
        word = normal_form(raw)
        known = self.rows.get(word)
        if known is not None:
            return known
        cleaned = "" if category is None else normal_form(category)
        if cleaned not in _NO_CATEGORY:
            known = self.rows.get(cleaned)
            if known is not None:
                return known
            if _says_something(cleaned):
                return Label(name=cleaned)
        return Label(name=word) if _says_something(word) else Label(name="", ignored=True)

    def countable(self) -> frozenset[str]:
        """The canonical labels that may be counted."""
        return frozenset(label.name for label in self.rows.values() if label.countable)


def normal_form(text: str) -> str:
    """Lower case in compatibility form; ``_ - /`` and any white space become single spaces.

    Characters nobody sees (controls, format marks) are dropped. Idempotent.
    """
    lowered = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    spaced = lowered.translate(_SEPARATORS)
    seen = "".join(c for c in spaced if c.isspace() or not unicodedata.category(c).startswith("C"))
    return " ".join(seen.split())


@functools.cache
def label_table(dataset: str) -> LabelTable:
    """The table of one of :data:`DATASETS`.

    Raises:
        ValueError: there is no table of that name, or a row of it contradicts another.
    """
    if dataset not in DATASETS:
        raise ValueError(f"no label table for {dataset!r}; there are {', '.join(DATASETS)}")
    text = (_TABLES / f"{dataset}.tsv").read_text(encoding="utf-8")
    return LabelTable(dataset, _rows(text, dataset))


def _says_something(word: str) -> bool:
    return any(c.isalnum() for c in word)


def _rows(text: str, dataset: str) -> dict[str, Label]:
    rows: dict[str, Label] = {}
    worlds: dict[str, set[str]] = {}
    for number, raw, canonical, world in _cells(text, dataset):
        place = f"label table {dataset}:{number}"
        if world not in _WORLDS:
            raise ValueError(f"{place}: world {world!r} is none of {', '.join(_WORLDS)}")
        if raw in rows:
            raise ValueError(f"{place}: {raw!r} stands twice in normal form; keep one row")
        worlds.setdefault(canonical, set()).add(world)
        rows[raw] = Label(
            name=canonical,
            countable=world == "closed",
            structure=world == "structure",
            ignored=world == "ignored",
        )
    for canonical, found in worlds.items():
        home = rows.get(canonical)
        if home is None or home.name != canonical:
            raise ValueError(f"label table {dataset}: {canonical!r} does not map to itself")
        # An open row of a closed word is a thing that is called so but makes its count unsafe.
        if len(found) > 1 and not (found == {"closed", "open"} and home.countable):
            raise ValueError(f"label table {dataset}: {canonical!r} is of {sorted(found)}")
    return rows


def _cells(text: str, dataset: str) -> Iterator[tuple[int, str, str, str]]:
    """(line number, raw, canonical, world) below the header, words in normal form."""
    header: tuple[str, ...] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = tuple(line.split("\t"))
        if header is None:
            header = cells
            if header != _HEADER:
                raise ValueError(f"label table {dataset}:{number}: the columns are {cells}")
        elif len(cells) != len(_HEADER):
            raise ValueError(f"label table {dataset}:{number}: {len(cells)} columns, expected 3")
        else:
            yield number, normal_form(cells[0]), normal_form(cells[1]), cells[2]
