"""A workspace as the repository it is published as: one tree of files for each round.

::

    README.md  CHANGELOG.md  croissant.json  manifest.json
    rounds/  held_out/  ledger/  frames/                    engine.publishing.published_files

A round's tree holds the data files of that and all earlier rounds, and documents that speak of
these alone. Data files are written to a folder of the workspace; documents are small and made for
each tree. The same workspace, repository name and dates give the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from engine.errors import InputError
from engine.licences import refuse_restricted, terms
from engine.progress import Reporter
from engine.publishing.card import write_card
from engine.publishing.changes import write_changes
from engine.publishing.croissant import write_croissant
from engine.publishing.frame_hashes import frame_table
from engine.publishing.manifest import FORMAT, MANIFEST, MARK, FileEntry, replacing
from engine.publishing.media import MediaSource
from engine.publishing.published_files import DataFile, round_name, write_data_files
from engine.publishing.published_media import (
    EMBEDDED,
    pictured_schema,
    with_image_ids,
    write_pictured,
)
from engine.publishing.published_numbers import RoundNumbers, read_numbers
from engine.workspace import Workspace

LAYOUT = "hub"
CARD, CHANGES, CROISSANT = "README.md", "CHANGELOG.md", "croissant.json"
_READ_BYTES = 1 << 20

Content = bytes | Path


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFile:
    """One file of a tree: a staged file, or a document's own bytes."""

    path: str
    bytes: int
    sha256: str
    content: Content

    def git_blob(self) -> str:
        """The id git gives the content: what a listing says of files that are not large."""
        digest = hashlib.sha1(b"blob %d\0" % self.bytes, usedforsecurity=False)
        if isinstance(self.content, bytes):
            digest.update(self.content)
        else:
            with self.content.open("rb") as file:
                while part := file.read(_READ_BYTES):
                    digest.update(part)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The repository after one round: its files by path."""

    round: int
    files: Mapping[str, TreeFile]

    @property
    def data(self) -> frozenset[str]:
        """Paths of the data files: what never changes once it is published."""
        return frozenset(self.files) - {CARD, CHANGES, CROISSANT, MANIFEST}


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What is to be published: the folder with the newest tree, and the trees asked for."""

    folder: Path
    trees: Mapping[int, Tree]
    numbers: Mapping[int, RoundNumbers]

    @property
    def newest(self) -> Tree:
        return self.trees[max(self.trees)]

    @property
    def benchmark(self) -> int:
        """Samples from a benchmark's scenes."""
        return sum(each.benchmark for each in self.numbers.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What a set is published as: its repository, the day each round came out, and rights."""

    repo_id: str
    dates: Mapping[int, str]
    media: str = "omitted"
    holds_rights: bool = False


def prepare(
    workspace: Workspace,
    rounds: Sequence[int],
    edition: Edition,
    *,
    wanted: Collection[int],
    reporter: Reporter,
) -> Published:
    """Stage what the finished ``rounds`` (ascending, from 1) publish; trees for those ``wanted``.

    The newest round's tree is always among them and stands whole in the workspace's folder
    ``published``. Raises InputError where there is nothing to publish, where a dataset's terms do
    not allow it, and for samples that must not be trained on; EnvironmentFault for a full disk.
    """
    if not rounds:
        raise InputError(
            f"{workspace.root}: no round is finished yet, so there is nothing to publish; finish "
            "one with `ouroboros run`"
        )
    everything = [0, *rounds]
    numbers = read_numbers(workspace, everything)
    if not any(numbers[number].samples for number in rounds):
        raise InputError(
            f"{workspace.root}: its {len(rounds)} finished rounds accepted no samples, so there "
            "is nothing to publish; look at `ouroboros sql --name rejections_by_reason`"
        )
    datasets = sorted({name for each in numbers.values() for name in each.datasets})
    refuse_restricted(datasets, what="annotations", holds_rights=edition.holds_rights)
    out = workspace.root / "published"
    with (
        replacing(out) as folder,
        contextlib.ExitStack() as opened,
    ):
        pictures = None
        if edition.media == EMBEDDED:
            source = opened.enter_context(MediaSource(workspace))
            pictures = partial(_pictured, source, edition.holds_rights)
        files, schemas = write_data_files(
            workspace, everything, folder, pictures=pictures, reporter=reporter,
            frame_table=partial(frame_table, reporter=reporter),
        )  # fmt: skip
        trees = {
            number: _tree(number, numbers, files, schemas, edition, out)
            for number in sorted({*wanted, rounds[-1]})
        }
        for file in trees[rounds[-1]].files.values():
            if isinstance(file.content, bytes):
                (folder / file.path).write_bytes(file.content)
    return Published(folder=out, trees=trees, numbers=numbers)


def _pictured(
    source: MediaSource,
    holds_rights: bool,
    samples: pl.DataFrame,
    folder: Path,
    stem: str,
    done: Callable[[int], None],
) -> tuple[list[FileEntry], pl.Schema]:
    rows = with_image_ids(samples, source, holds_rights=holds_rights)
    return write_pictured(rows, source, folder, stem, done=done), pictured_schema(rows)


def _tree(
    number: int,
    numbers: Mapping[int, RoundNumbers],
    files: Sequence[DataFile],
    schemas: Mapping[str, pl.Schema],
    edition: Edition,
    folder: Path,
) -> Tree:
    """The tree after round ``number``; its data files lie below ``folder``."""
    known = {n: each for n, each in numbers.items() if n <= number}
    there = [file for file in files if file.round <= number]
    dates = {n: date for n, date in edition.dates.items() if n <= number}
    sources = [terms(name) for name in sorted({d for n in known.values() for d in n.datasets})]
    texts = {
        CARD: write_card(
            edition.repo_id, known, there, schemas, embedded=edition.media == EMBEDDED
        ),
        CHANGES: write_changes(known, dates),
        CROISSANT: write_croissant(
            edition.repo_id, number, there, schemas, sources, date=dates.get(number)
        ),
    }
    found = [_document(path, text) for path, text in texts.items()]
    found += [
        TreeFile(
            path=file.path, bytes=file.entry.bytes, sha256=file.entry.sha256,
            content=folder / file.path,
        )
        for file in there
    ]  # fmt: skip
    found.append(_document(MANIFEST, _manifest(number, known, there, found, dates)))
    return Tree(round=number, files={file.path: file for file in sorted(found, key=_path)})


def _path(file: TreeFile) -> str:
    return file.path


def _document(path: str, text: str) -> TreeFile:
    content = text.encode()
    digest = hashlib.sha256(content).hexdigest()
    return TreeFile(path=path, bytes=len(content), sha256=digest, content=content)


def _manifest(
    number: int,
    numbers: Mapping[int, RoundNumbers],
    files: Sequence[DataFile],
    documents: Sequence[TreeFile],
    dates: Mapping[int, str],
) -> str:
    """Every file with its hash; the mark by which a repository is known as published by this."""
    content: dict[str, Any] = {
        MARK: FORMAT,
        "layout": LAYOUT,
        "rounds": [n for n in sorted(numbers) if n],
        "newest": round_name(number),
        "dates": {round_name(n): dates[n] for n in sorted(dates)},
        "rows": sum(each.samples for each in numbers.values()),
        "benchmark_rows": sum(each.benchmark for each in numbers.values()),
        "documents": [
            {"path": each.path, "bytes": each.bytes, "sha256": each.sha256,
             "git_blob": each.git_blob()}
            for each in documents
            if isinstance(each.content, bytes)
        ],
        "files": [
            {**asdict(file.entry), "round": file.round, "kind": file.kind}
            for file in sorted(files, key=lambda each: each.path)
        ],
    }  # fmt: skip
    return json.dumps(content, indent=1) + "\n"
