"""Sample ids as numbers, and texts in order: what a pass over many millions of rows turns on.

Texts are slow to look up and to sort, so each sample gets a number under which the ledger keeps
what it knows in arrays, and rows find their numbers by hashes of their ids: one hash says where to
look, and the sample found there is the one looked for where another hash, of 64 bits, is the same.
Among ten million ids that takes some two for one with a chance of 10^-12.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[np.int64]
_Hashes = npt.NDArray[np.uint64]

_SEEDS = (11, 13)
_AT_ONCE = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Two hashes of each of some texts, ``(n,) uint64`` both; good within one process only."""

    first: _Hashes
    second: _Hashes

    @classmethod
    def read(cls, frame: pl.DataFrame) -> Keys:
        """The columns that :func:`key_exprs` made."""
        return cls(first=frame["first"].to_numpy(), second=frame["second"].to_numpy())

    def take(self, rows: Numbers) -> Keys:
        return Keys(first=self.first.take(rows), second=self.second.take(rows))

    def part(self, rows: slice) -> Keys:
        return Keys(first=self.first[rows], second=self.second[rows])

    def joined(self, other: Keys) -> Keys:
        return Keys(
            first=np.concatenate([self.first, other.first]),
            second=np.concatenate([self.second, other.second]),
        )

    def __len__(self) -> int:
        return len(self.first)


def key_exprs() -> list[pl.Expr]:
    """Two hashes of the column sample_id, as the columns ``first`` and ``second``."""
    return [
        pl.col("sample_id").hash(seed).alias(name)
        for name, seed in zip(("first", "second"), _SEEDS, strict=True)
    ]


def parts_of(count: int) -> Iterator[slice]:
    """``count`` rows in parts whose columns stay in the processor's cache while worked on."""
    return (slice(at, min(at + _AT_ONCE, count)) for at in range(0, count, _AT_ONCE))


class Seats:
    """Hash tables over the rows of some keys: where each distinct key has its seat.

    A table has two to four seats a key. Whoever finds its seat taken goes on to the next table,
    which is as much smaller as fewer are left and hashes otherwise; there are about ten.
    """

    def __init__(self, keys: Keys) -> None:
        self._second = keys.second
        self._tables: list[npt.NDArray[np.int32]] = []
        rows: Numbers | None = None  # all of them, before some are seated
        while len(keys):
            level, seats = len(self._tables), 1 << (2 * len(keys)).bit_length()
            table = np.full(seats, -1, np.int32)
            for part in parts_of(len(keys)):
                here = np.arange(part.start, part.stop) if rows is None else rows[part]
                table[_slots(keys.part(part), level, seats)] = here
            self._tables.append(table)
            on = [
                np.flatnonzero(~self._at(level, keys.part(part))[1]) + part.start
                for part in parts_of(len(keys))
            ]
            standing = np.concatenate(on)
            rows = standing if rows is None else rows.take(standing)
            keys = keys.take(standing)

    def find(self, keys: Keys) -> Numbers:
        """The row that has the seat of each key, ``(n,) int64``; -1 where none has one."""
        found = np.full(len(keys), -1, dtype=np.int64)
        for part in parts_of(len(keys)):
            self._find(keys.part(part), found[part])
        return found

    def _find(self, keys: Keys, found: Numbers) -> None:
        looking = np.arange(len(keys))
        for level in range(len(self._tables)):
            holders, seated = self._at(level, keys)
            if level == 0:
                np.copyto(found, holders, where=seated)
            else:
                found[looking[seated]] = holders[seated]
            on = np.flatnonzero(~seated)
            looking, keys = looking.take(on), keys.take(on)

    def _at(self, level: int, keys: Keys) -> tuple[Numbers, npt.NDArray[np.bool_]]:
        """Who sits where keys look in a table, and whether it is a row of the same key.

        An empty seat is -1 and looks like the last row. No harm is done: where that row's own key
        looks is either taken, or it has found a seat in an earlier table.
        """
        table = self._tables[level]
        holders = table.take(_slots(keys, level, len(table))).astype(np.int64)
        return holders, self._second.take(holders) == keys.second


def _slots(keys: Keys, level: int, seats: int) -> Numbers:
    """Where keys look in a table of so many seats, a power of two: leading bits of a hash."""
    hashes = keys.first
    if level:  # Multiplication by odd numbers mixes the two anew for every table.
        odd = (
            np.uint64(((level + each) * 0x9E3779B97F4A7C15 & (1 << 64) - 1) | 1) for each in (0, 1)
        )
        hashes = keys.first * next(odd) + keys.second * next(odd)
    slots: Numbers = (hashes >> np.uint64(64 - (seats - 1).bit_length())).view(np.int64)
    return slots


class Roster:
    """Numbers 0, 1, 2, ... for sample ids, in the order they were put down."""

    def __init__(self) -> None:
        nothing = np.empty(0, np.uint64)
        self._texts: list[pl.LazyFrame] = []
        self._keys = Keys(first=nothing, second=nothing)
        self._seats = Seats(self._keys)

    @classmethod
    def of(cls, ids: pl.DataFrame | pl.LazyFrame) -> Roster:
        """The column sample_id of a frame, numbered by row.

        Of a file only hashes are kept: the texts are read again when asked for. An id that comes
        twice is known by one of its rows.
        """
        roster, texts = cls(), ids.lazy().select("sample_id")
        roster._texts = [texts]
        roster._keys = Keys.read(texts.select(key_exprs()).collect(engine="streaming").rechunk())
        roster._seats = Seats(roster._keys)
        return roster

    def __len__(self) -> int:
        return len(self._keys)

    def ids(self, start: int = 0) -> pl.Series:
        """The texts of the numbers from ``start`` on."""
        nothing = pl.LazyFrame(schema={"sample_id": pl.String})
        ids = pl.concat([nothing, *self._texts]).slice(start).collect()["sample_id"]
        return ids.rechunk()  # picking from many chunks is slow

    def repeated(self) -> str | None:
        """One of the ids that were put down twice, if there is any."""
        if np.all(self._seats.find(self._keys) == np.arange(len(self))):
            return None
        ids = self.ids()
        return str(ids.filter(ids.is_duplicated()).min())

    def number(self, keys: Keys, texts: pl.LazyFrame) -> Numbers:
        """The number of each key's id, ``(n,) int64``; new ids are put down.

        ``texts`` has the ids in its column sample_id, row by row; it is read for new ones only.
        """
        numbers = self._seats.find(keys)
        unknown = np.flatnonzero(numbers < 0)
        if len(unknown):
            new = keys.take(unknown)
            holders = Seats(new).find(new)
            firsts = np.flatnonzero(holders == np.arange(len(unknown)))
            given = np.empty(len(unknown), np.int64)
            given[firsts] = np.arange(len(self), len(self) + len(firsts))
            numbers[unknown] = given.take(holders)
            ids = texts.select("sample_id").collect().rechunk()
            self._texts.append(ids[unknown.take(firsts)].lazy())
            self._keys = self._keys.joined(new.take(firsts))
            self._seats = Seats(self._keys)
        return numbers


def text_order(ids: pl.Series) -> Numbers:
    """The rows of a column of texts by rising text (bytewise, as Polars sorts), ``(n,) int64``.

    Sorts by the first eight bytes as a number, then those alike in them as texts: for ids that are
    hashes this is twenty times faster than sorting texts, for others not slower by much.
    """
    if ids.is_sorted():
        return np.arange(len(ids))
    texts = pl.col("id").cast(pl.Binary)
    shortest = ids.str.len_bytes().min()
    if isinstance(shortest, int) and shortest < 8:
        texts = texts + pl.lit(b"\0" * 8)
    leading = (
        ids.to_frame("id")
        .select(texts.bin.slice(0, 8))["id"]
        .bin.reinterpret(dtype=pl.UInt64, endianness="big")
        .to_numpy()
    )
    order: Numbers = np.argsort(leading)
    ordered = leading[order]
    same = ordered[1:] == ordered[:-1]
    if same.any():
        tied = np.zeros(len(order), dtype=bool)
        tied[1:] |= same
        tied[:-1] |= same
        places = np.flatnonzero(tied)
        rows = order[places]
        order[places] = rows[ids.gather(rows).arg_sort().to_numpy()]
    return order


def by_sample(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of a frame that holds each ``sample_id`` once, by it."""
    return frame.rechunk()[text_order(frame["sample_id"])]
