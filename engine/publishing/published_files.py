"""The data files of a published set, which once written for a round never change again.

::

    rounds/round-0001/train-00000-of-00001.parquet   samples accepted in the round, as of its end
    held_out/held_out-00000-of-00001.parquet         questions kept for measuring
    ledger/round-0001.parquet                        every confidence observed in the round
    frames/round-0001.parquet                        hashes of the pictures first asked on there

``frames/round-0000.parquet`` belongs to the held-out questions. A round that accepted nothing has
no file of samples, one without training none in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from engine.difficulty import label_expr
from engine.progress import QuietReporter, Reporter, adding
from engine.publishing.manifest import FileEntry
from engine.publishing.parquet_files import write_parquet_file, write_parquet_files
from engine.publishing.published_numbers import thresholds_of
from engine.publishing.selection import Selection, select
from engine.tables import read_table
from engine.workspace import Workspace

# The kinds of data files: samples to train on, held-out questions, observations, frame hashes.
TRAIN, HELD_OUT, LEDGER, FRAMES = "train", "held_out", "ledger", "frames"

# What a frame's hash is asked of: the workspace and its (scene_id, frame_id) rows.
FrameTable = Callable[[Workspace, pl.DataFrame], pl.DataFrame]
# Writes samples with their pictures below a folder, by a stem, telling of rows as they are written;
# also the columns written.
Pictures = Callable[
    [pl.DataFrame, Path, str, Callable[[int], None]], tuple[list[FileEntry], pl.Schema]
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A written file, the round it belongs to (0: the held-out questions) and its kind."""

    entry: FileEntry
    round: int
    kind: str

    @property
    def path(self) -> str:
        return self.entry.path


def round_name(number: int) -> str:
    """A round's name where names are sorted as text: config, folder and tag."""
    return f"round-{number:04d}"


def write_data_files(
    workspace: Workspace,
    rounds: Sequence[int],
    folder: Path,
    *,
    frame_table: FrameTable,
    pictures: Pictures | None = None,
    reporter: Reporter | None = None,
) -> tuple[list[DataFile], dict[str, pl.Schema]]:
    """Write every data file of ``rounds`` (ascending, 0 first) below ``folder``.

    Also the columns of each kind. With ``pictures`` they travel inside the files of samples.
    Raises InputError for training samples from rooms that are kept from training, for pictures
    that may not be passed on, and where a frame can no longer be read.
    """
    files: list[DataFile] = []
    schemas: dict[str, pl.Schema] = {}
    asked: list[pl.DataFrame] = []
    counts = read_table(workspace.tables, "samples", rounds, ("round",))["round"].value_counts()
    held = {number: count for number, count in counts.iter_rows() if count}
    with (reporter or QuietReporter()).stage("staging", sum(held.values()), "samples") as reached:
        for number in rounds:
            if number in held:
                samples = _samples(workspace, number)
                kind, stem = _place(number)
                before = sum(count for earlier, count in held.items() if earlier < number)
                if pictures is None:
                    entries, columns = write_parquet_files(samples, folder, stem), samples.schema
                else:
                    entries, columns = pictures(samples, folder, stem, adding(reached, before))
                reached(before + samples.height)
                schemas.setdefault(kind, columns)
                files += [DataFile(entry=entry, round=number, kind=kind) for entry in entries]
                asked.append(_frames_of(samples).with_columns(pl.lit(number).alias("first")))
            if number:
                files += _write(_ledger(workspace, number), LEDGER, number, folder, schemas)
    for number, frames in _hashed(workspace, pl.concat(asked), frame_table):
        files += _write(frames, FRAMES, number, folder, schemas)
    return files, schemas


def _place(number: int) -> tuple[str, str]:
    """The kind of a round's samples, and how the names of their files begin."""
    if number == 0:
        return HELD_OUT, "held_out/held_out"
    return TRAIN, f"rounds/{round_name(number)}/train"


def _write(
    frame: pl.DataFrame, kind: str, number: int, folder: Path, schemas: dict[str, pl.Schema]
) -> list[DataFile]:
    """Write one round's file of a kind; none for no rows."""
    if frame.is_empty():
        return []
    schemas.setdefault(kind, frame.schema)
    name = f"{kind}/{round_name(number)}.parquet"
    entry = write_parquet_file(frame, folder, name, split=kind)
    return [DataFile(entry=entry, round=number, kind=kind)]


def _hashed(
    workspace: Workspace, asked: pl.DataFrame, frame_table: FrameTable
) -> Iterator[tuple[int, pl.DataFrame]]:
    """The hashes of all pictures ``asked`` for, each with the round that asked for it first.

    A scene's plan stands for frames that have no pictures, and belongs to the round that was the
    first to ask for any of them.
    """
    table = frame_table(workspace, asked.select("scene_id", "frame_id"))
    of_frame = asked.group_by("scene_id", "frame_id").agg(pl.col("first").min())
    of_scene = asked.group_by("scene_id").agg(pl.col("first").min().alias("of_scene"))
    placed = (
        table.join(of_frame, on=["scene_id", "frame_id"], how="left")
        .join(of_scene, on="scene_id", how="left")
        .with_columns(pl.col("first").fill_null(pl.col("of_scene")))
        .sort("first", "scene_id", "frame_id")
    )
    for (number,), frames in placed.group_by("first", maintain_order=True):
        yield int(str(number)), frames.select(table.columns)


def _samples(workspace: Workspace, number: int) -> pl.DataFrame:
    thresholds = thresholds_of(workspace, number)
    return select(
        workspace,
        Selection(
            rounds=(number,),
            as_of=number,
            easy_above=thresholds.easy_above,
            hard_below=thresholds.hard_below,
        ),
    )


def _frames_of(samples: pl.DataFrame) -> pl.DataFrame:
    """(scene_id, frame_id) of the pictures that samples are asked on, each once."""
    named = samples.select("scene_id", pl.col("frame_ids").alias("frame_id"))
    exploded = named.explode("frame_id").drop_nulls()
    return exploded.unique().sort("scene_id", "frame_id")


def _ledger(workspace: Workspace, number: int) -> pl.DataFrame:
    """The round's observations, replays included, in training order."""
    columns = ("sample_id", "round", "step", "confidence", "correct")
    observed = read_table(workspace.tables, "observations", (number,), columns)
    label = label_expr(thresholds_of(workspace, number)).alias("label")
    return observed.sort("step", "sample_id", "confidence").with_columns(label)


def newest_round(files: Sequence[DataFile]) -> int:
    """The newest round that has samples; 0 where only held-out questions are there."""
    return max((file.round for file in files if file.kind == TRAIN), default=0)


def by_round(files: Sequence[DataFile], kind: str) -> Mapping[int, list[DataFile]]:
    """The files of one kind by round, rounds ascending."""
    found: dict[int, list[DataFile]] = {}
    for file in sorted(files, key=lambda each: (each.round, each.path)):
        if file.kind == kind:
            found.setdefault(file.round, []).append(file)
    return found
