"""Frame tables: two people with the same download agree, and nobody else."""

from __future__ import annotations

import hashlib
import io
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from held_scans import (
    FILES,
    FRAMES,
    STREAM,
    TURNED,
    UPRIGHT,
    frames_of,
    ingested,
)
from PIL import Image

from engine.errors import InputError
from engine.publishing.frame_hashes import (
    COLUMNS,
    boxes_hash,
    checked_table,
    frame_table,
    pixels_hash,
)
from engine.scenes.catalog import Catalog
from engine.workspace import Workspace
from scene_adapters.table import load_adapter


def asked(workspace: Workspace) -> pl.DataFrame:
    rows = [(scene, f) for scene, all_ in frames_of(workspace).items() for f in all_ or ["x"]]
    plans = [(scene, "rendered:plan") for scene, all_ in frames_of(workspace).items() if not all_]
    return pl.DataFrame(
        [row for row in rows if row[1] != "x"] + plans,
        schema={"scene_id": pl.String, "frame_id": pl.String},
        orient="row",
    )


@pytest.fixture(scope="module")
def table(publisher: Workspace) -> pl.DataFrame:
    return frame_table(publisher, asked(publisher))


def test_each_picture_stands_once_with_how_it_is_hashed(
    publisher: Workspace, table: pl.DataFrame
) -> None:
    assert table.schema == COLUMNS
    twice = pl.concat([asked(publisher), asked(publisher).reverse()])
    assert frame_table(publisher, twice).equals(table)
    assert table.select("scene_id", "frame_id").is_duplicated().sum() == 0
    counted = table.group_by("scene_id", "hashed", "suffix").len().sort("scene_id")
    synthetic = next(s for s in table["scene_id"] if s not in (STREAM, FILES, UPRIGHT, TURNED))
    assert set(counted.rows()) == {
        (STREAM, "bytes", "jpg", FRAMES),
        (FILES, "bytes", "jpg", FRAMES),
        (UPRIGHT, "pixels", "png", FRAMES),
        (TURNED, "pixels", "png", FRAMES),
        (synthetic, "boxes", "png", 1),
    }


def test_a_jpeg_is_hashed_as_it_is_stored(
    publisher: Workspace, table: pl.DataFrame, download: Path
) -> None:
    hashes = set(table.filter(pl.col("hashed") == "bytes", pl.col("scene_id") == FILES)["sha256"])
    stored = {
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (download / "scannetpp").rglob("*.jpg")
    }
    assert hashes <= stored
    stream = next((download / "scannet").rglob("*.sens")).read_bytes()
    row = table.filter(pl.col("scene_id") == STREAM).row(0, named=True)
    starts = [at for at in range(len(stream)) if stream.startswith(b"\xff\xd8\xff", at)]
    found = {hashlib.sha256(stream[at : at + row["bytes"]]).hexdigest() for at in starts}
    assert row["sha256"] in found


def test_a_turned_picture_is_hashed_upright(
    publisher: Workspace, table: pl.DataFrame, download: Path
) -> None:
    with Catalog.open(publisher.catalog, read_only=True) as catalog:
        cameras = {camera.frame_id: camera for camera in catalog.cameras(TURNED)}
        adapter, source = catalog.origin(TURNED)
    row = table.filter(pl.col("scene_id") == TURNED).row(0, named=True)
    camera = cameras[row["frame_id"]]
    assert (row["width"], row["height"]) == (camera.width, camera.height)
    assert camera.quarter_turns
    assert adapter == load_adapter("arkitscenes").name
    stored = np.asarray(Image.open(Path(source) / str(camera.image)).convert("RGB"))
    upright = np.ascontiguousarray(np.rot90(stored, -camera.quarter_turns))
    digest = hashlib.sha256(f"{row['width']} {row['height']} RGB\n".encode() + upright.tobytes())
    assert row["sha256"] == digest.hexdigest()


def test_the_same_download_elsewhere_gives_the_same_table(
    table: pl.DataFrame, mine: Workspace, download: Path, tmp_path: Path
) -> None:
    assert frame_table(mine, asked(mine)).equals(table)
    shutil.copytree(download, tmp_path / "other")
    other = ingested(
        Workspace.create(tmp_path / "ws"), tmp_path / "other", "scannetpp", "synthetic"
    )
    there = table.filter(pl.col("scene_id").is_in(list(frames_of(other))))
    assert there.height == FRAMES + 1
    assert frame_table(other, asked(other)).equals(there)


def test_compression_does_not_change_a_lossless_picture_and_a_pixel_does() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (24, 32, 3)).astype(np.uint8)

    def png(content: np.ndarray, level: int) -> bytes:
        stream = io.BytesIO()
        Image.fromarray(content).save(stream, format="PNG", compress_level=level)
        return stream.getvalue()

    assert png(pixels, 1) != png(pixels, 9)
    assert pixels_hash(png(pixels, 1)) == pixels_hash(png(pixels, 9))
    changed = pixels.copy()
    changed[3, 4, 1] ^= 1
    assert pixels_hash(png(changed, 1)) != pixels_hash(png(pixels, 1))
    # The shape is part of the hash: the same rows, cut otherwise, are another picture.
    assert pixels_hash(png(pixels.reshape(32, 24, 3), 1)) != pixels_hash(png(pixels, 1))


def test_a_plan_is_known_by_its_boxes_to_a_tenth_of_a_millimetre(publisher: Workspace) -> None:
    import dataclasses

    with Catalog.open(publisher.catalog, read_only=True) as catalog:
        facts = catalog.facts(STREAM)
    first = facts.objects[0]

    def moved(by: float) -> str:
        x, y, z = first.center
        other = dataclasses.replace(first, center=(x + by, y, z))
        return boxes_hash(dataclasses.replace(facts, objects=(other, *facts.objects[1:])))

    assert moved(1e-9) == boxes_hash(facts)
    assert moved(1e-3) != boxes_hash(facts)
    renamed = dataclasses.replace(first, label="throne")
    assert boxes_hash(
        dataclasses.replace(facts, objects=(renamed, *facts.objects[1:]))
    ) != boxes_hash(facts)


def test_a_frame_or_scene_that_is_not_there_is_named(publisher: Workspace) -> None:
    def wanted(scene: str, frame: str) -> pl.DataFrame:
        return pl.DataFrame({"scene_id": [scene], "frame_id": [frame]})

    with pytest.raises(InputError, match="no frame 'f99'"):
        frame_table(publisher, wanted(STREAM, "f99"))
    with pytest.raises(InputError, match="scene1234_00"):
        frame_table(publisher, wanted("scene1234_00", "rendered:plan"))
    assert frame_table(publisher, wanted("s", "f").clear()).is_empty()


def test_a_table_that_is_none_or_contradicts_itself_is_refused(table: pl.DataFrame) -> None:
    assert checked_table(pl.concat([table, table]), "frames").height == table.height
    with pytest.raises(InputError, match="no column 'sha256'"):
        checked_table(table.drop("sha256"), "frames")
    other = table.head(1).with_columns(pl.lit("0" * 64).alias("sha256"))
    with pytest.raises(InputError, match="says two things"):
        checked_table(pl.concat([table, other]), "frames")
    strange = table.with_columns(pl.lit("blake3").alias("hashed"))
    with pytest.raises(InputError, match=r"blake3.*upgrade"):
        checked_table(strange, "frames")
