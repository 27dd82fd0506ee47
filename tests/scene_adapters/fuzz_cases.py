"""Broken scans by the thousand: each case must end in a scene or in one SceneFormatError a scan.

    python tests/scene_adapters/fuzz_cases.py scannet --cases 0:300 [--seed 0] [--keep DIR]

A case is a complete small scan of which one to three files are damaged; it is listed, hashed,
read, its pictures opened, and completed to what the catalog keeps. It is a pure function of
(adapter, seed, number), so ``--cases 1234:1235`` replays one alone; ``--keep DIR`` leaves its
files there. One JSON line a failure on standard output, the number of every case begun on
standard error: a parent that sees no new number for long knows which one hangs.

Bounds: SECONDS a case, and MEMORY bytes of address space beyond what the process had before it,
for scans of some 100 kB. Warnings count as failures.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

import numpy as np
from fixture_formats import LAYOUTS, SCENE_IDS, Layout
from fixture_room import FixtureRoom, make_room
from fuzz_mutations import mutate

from engine.scenes.catalog_rows import scene_tables
from engine.scenes.complete import complete
from engine.seeds import generator
from scene_adapters.base import Adapter, SceneSource
from scene_adapters.boxes import AXES_TOLERANCE
from scene_adapters.errors import SceneFormatError
from scene_adapters.records import SceneRecord
from scene_adapters.scan import FrameImages, Scan

SECONDS = 5
MEMORY = 192 << 20
LONGEST_MESSAGE = 1500


class Hang(BaseException):
    """A case ran past its time; not an Exception, so that no adapter swallows it."""


@dataclass
class Base:
    """A whole scan on a memory file system, the bytes of its files, and what they mean."""

    layout: Layout
    pristine: Path
    work: Path
    files: dict[str, bytes]
    sources: list[tuple[str, Path]]
    records: dict[str, SceneRecord]
    strays: list[Path] = field(default_factory=list)


def small_room() -> FixtureRoom:
    return make_room(0, 0, frames=3, spacing_m=0.9, objects=3)


def make_base(layout: Layout, folder: Path) -> Base:
    """Writes the layout's scan below ``folder`` and reads it once, which warms every import."""
    pristine = folder / layout.name / "whole" / "download"
    pristine.mkdir(parents=True)
    layout.write(pristine, small_room(), SCENE_IDS[layout.dataset][0])
    files = {
        path.relative_to(pristine).as_posix(): path.read_bytes()
        for path in sorted(pristine.rglob("*"))
        if path.is_file()
    }
    adapter = layout.adapter
    sources = [s for s in adapter.sources(pristine) if isinstance(s, SceneSource)]
    assert sources, f"the fixture of {layout.name} is not found"
    records = {source.scene_id: use(adapter, source) for source in sources}
    assert all(record.frames for record in records.values())
    work = folder / layout.name / "cases" / "0" / "download"
    shutil.copytree(pristine, work, copy_function=os.link)
    places = [(source.scene_id, source.path.relative_to(pristine)) for source in sources]
    return Base(layout, pristine, work, files, places, records)


def damage(base: Base, rng: np.random.Generator) -> list[str]:
    """Damages one to three files of the case's folder; says what was done to which."""
    names = list(base.files)
    kinds = sorted({Path(name).suffix + Path(name).name[:3].strip("0123456789") for name in names})
    done = [_stray(base, rng)] if rng.random() < 0.05 else []
    for _ in range(1 + (rng.random() < 0.3) + (rng.random() < 0.1)):
        # By kind of file first: else the many pictures and poses would take all the damage.
        kind = kinds[int(rng.integers(len(kinds)))]
        fitting = [
            n for n in names if Path(n).suffix + Path(n).name[:3].strip("0123456789") == kind
        ]
        name = fitting[int(rng.integers(len(fitting)))]
        if any(line.endswith(f" {name}") for line in done):
            continue
        done.append(f"{_damage_one(base, rng, name)} {name}")
    return done


# Names of files nobody put there on purpose, as bytes: not all of them are text.
STRAYS = (
    b".DS_Store", b"._scan.json", b"\xff\xfe.json", b"a b\nc.json", b"zz.json", b"Thumbs.db",
    b"scene9999_00", b"ffffffffff", b"99999999", b"frame_999999.jpg", b"999.txt", b"loop",
    b"frame-999999.pose.txt", b"0", b"-1.jpg", b"1e9.png", b"99000001_nan.png", b"99000001_.png",
    "\u0663.txt".encode(), "99000001_\u0663.5.pincam".encode(), b"99000001_1e999.pincam",
)  # fmt: skip


def _stray(base: Base, rng: np.random.Generator) -> str:
    """Something beside the scan's files: a file, an empty folder, or a link to the whole."""
    folders = sorted({(base.work / name).parent for name in base.files} | {base.work})
    folder = folders[int(rng.integers(len(folders)))]
    name = os.fsdecode(STRAYS[int(rng.integers(len(STRAYS)))])
    path, kind = folder / name, int(rng.integers(4))
    if path.exists():
        return "nothing beside "
    if kind == 0:
        path.mkdir()
    elif kind == 1:
        path.symlink_to(base.work, target_is_directory=True)
    else:
        path.write_bytes(b"" if kind == 2 else rng.bytes(50))
    base.strays.append(path.relative_to(base.work))
    return f"stray {('folder', 'link', 'empty file', 'file')[kind]} {name!a} beside "


def _damage_one(base: Base, rng: np.random.Generator, name: str) -> str:
    path = base.work / name
    path.unlink()  # first: it is a link to the whole scan's file
    how = rng.random()
    if how < 0.03:
        return "deleted"
    if how < 0.05:
        path.mkdir()
        return "a folder instead of"
    if how < 0.07:
        path.symlink_to(path.name)
        return "a link to itself instead of"
    if how < 0.09:
        path.with_name(path.name + ".part").write_bytes(base.files[name])
        return "renamed"
    others = list(base.files.values())
    kind, changed = mutate(rng, name, base.files[name], others)
    path.write_bytes(changed)
    return kind


def restore(base: Base, done: list[str], number: int) -> None:
    """Undoes the damage, and moves the folder: nothing remembered of a path serves the next."""
    for stray in base.strays:
        path = base.work / stray
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
    base.strays.clear()
    for name in filter(None, (line.rsplit(" ", 1)[1] for line in done)):
        path = base.work / name
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
        path.with_name(path.name + ".part").unlink(missing_ok=True)
        os.link(base.pristine / name, path)
    moved = base.work.parents[1] / str(number)
    base.work.parent.rename(moved)
    base.work = moved / "download"


def run_case(base: Base, adapter: Adapter, rng: np.random.Generator) -> int:
    """Lists and uses the case's scans; the number of scans that could still be read.

    Raises whatever is not a SceneFormatError, and AssertionError for a broken promise.
    """
    try:
        found = adapter.sources(base.work)
    except SceneFormatError as error:
        check_error(error)
        found = []
    for item in found:
        if isinstance(item, SceneFormatError):
            check_error(item)
        else:
            assert isinstance(item, SceneSource)
    chosen = [item for item in found if isinstance(item, SceneSource)]
    assert len({source.scene_id for source in chosen}) == len(chosen)
    if not chosen or rng.random() < 0.3:  # listed while it was whole, broken since
        chosen = [SceneSource(name, base.work / path) for name, path in base.sources]
    read = 0
    for source in chosen[:3]:
        try:
            record = use(adapter, source)
            read += 1
        except SceneFormatError as error:
            check_error(error)
            continue
        whole = base.records.get(record.scene_id)
        if whole is not None and whole.content_hash == record.content_hash:
            assert replace(record, source=whole.source) == whole, "same hash, another record"
    return read


def use(adapter: Adapter, source: SceneSource) -> SceneRecord:
    """Does everything that ingestion does with a source."""
    hashed: str | SceneFormatError
    try:
        hashed = adapter.content_hash(source)
    except SceneFormatError as error:
        check_error(error)
        hashed = error
    scan = adapter.read(source)
    check_record(scan.record)
    assert hashed == scan.record.content_hash, f"{hashed} is not the record's hash"
    check_mesh(scan)
    again = adapter.images(SceneSource(scan.record.scene_id, Path(scan.record.source)))
    for images in (scan.images, again):
        if images is not None:
            _open(images, scan.record)
    check_completed(scan)
    return scan.record


def _open(images: FrameImages, record: SceneRecord) -> None:
    for frame in record.frames[:4]:
        try:
            colour = images.colour(frame)
            if colour is not None:
                assert colour.shape == (frame.height, frame.width, 3)
                assert colour.dtype == np.uint8
        except SceneFormatError as error:
            check_error(error)
        try:
            depth = images.depth(frame)
            if depth is not None:
                assert depth.metres.ndim == 2
                assert depth.metres.dtype == np.float32
                assert np.isfinite(depth.metres).all()
                assert (depth.metres >= 0).all()
                assert np.isfinite([depth.fx, depth.fy, depth.cx, depth.cy]).all()
        except SceneFormatError as error:
            check_error(error)


def check_error(error: SceneFormatError) -> None:
    text = str(error)
    assert text.isprintable(), f"not one printable line: {text!r}"
    assert 10 < len(text) <= LONGEST_MESSAGE, f"{len(text)} characters: {text[:200]!r}"
    assert error.path
    assert str(pickle.loads(pickle.dumps(error))) == text


def check_record(record: SceneRecord) -> None:
    """What the catalog relies on, whatever bytes the record was made from."""
    pickle.dumps(record)
    for text in (record.scene_id, record.room_key, record.licence, record.source):
        assert text
        text.encode()
    for ids in ([o.object_id for o in record.objects], [f.frame_id for f in record.frames]):
        assert len(set(ids)) == len(ids)
    for item in record.objects:
        _check_object(item.label, item.label_raw, item.object_id)
        rotation = np.array(item.rotation).reshape(3, 3)
        assert np.abs(rotation @ rotation.T - np.eye(3)).max() <= AXES_TOLERANCE, item
        assert np.linalg.det(rotation) > 0
        values = [*item.center, *item.extent, *item.aabb_min, *item.aabb_max]
        assert np.isfinite(values).all(), item
        assert min(item.extent) >= 0
        assert all(low <= high for low, high in zip(item.aabb_min, item.aabb_max, strict=True))
        if item.upright is not None:
            upright = item.upright
            assert np.isfinite([*upright.center, *upright.extent, upright.yaw_deg]).all()
            assert -45 <= upright.yaw_deg < 45
    times = [frame.timestamp_s for frame in record.frames]
    assert times == sorted(times)
    assert np.isfinite(times).all()
    for frame in record.frames:
        pose = np.array(frame.camera_to_world).reshape(4, 4)
        assert np.isfinite(pose).all()
        turn = pose[:3, :3]
        assert np.abs(turn @ turn.T - np.eye(3)).max() <= AXES_TOLERANCE, frame
        assert np.linalg.det(turn) > 0
        assert frame.width > 0
        assert frame.height > 0
        assert np.isfinite([frame.fx, frame.fy, frame.cx, frame.cy, *frame.distortion]).all()
        assert frame.fx > 0
        assert frame.fy > 0


def _check_object(*texts: str) -> None:
    for text in texts:
        assert text.isprintable(), ascii(text)
        text.encode()


def check_mesh(scan: Scan) -> None:
    mesh = scan.mesh
    if mesh is None:
        return
    assert mesh.vertices.dtype == np.float64
    assert mesh.vertices.shape == (len(mesh.vertices), 3)
    assert np.isfinite(mesh.vertices).all()
    assert mesh.triangles.dtype == np.int32
    assert mesh.triangles.shape == (len(mesh.triangles), 3)
    if len(mesh.triangles):
        assert mesh.triangles.min() >= 0
        assert mesh.triangles.max() < len(mesh.vertices)
    if mesh.vertex_object is not None:
        assert mesh.vertex_object.shape == (len(mesh.vertices),)
        if len(mesh.vertices):
            assert mesh.vertex_object.min() >= -1
            assert mesh.vertex_object.max() < len(scan.record.objects)


def check_completed(scan: Scan) -> None:
    """What ingestion makes of whatever could be read goes into the catalog's tables whole."""
    scene = complete(scan)
    tables = scene_tables([scene])
    counts = {name: rows.num_rows for name, rows in tables.items()}
    assert counts["objects"] == len(scan.record.objects)
    assert counts["frames"] == len(scan.record.frames)
    things = len(scene.facts.objects)
    assert counts["object_pairs"] == things * (things - 1) // 2
    area = scene.record.room_area_m2
    assert area is None or (np.isfinite(area) and area >= 0)
    assert scene.floor_height_m is None or np.isfinite(scene.floor_height_m)
    for seen in scene.visibility:
        assert 0 < seen.visible_fraction <= 1
        assert np.isfinite([seen.pixel_area, *seen.box_2d, seen.depth_m]).all()


@contextmanager
def bounded() -> Iterator[None]:
    """The time and memory one case may take."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise Hang(f"still running after {SECONDS} s")

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    old, hard = resource.getrlimit(resource.RLIMIT_AS)
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, hard))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (old, hard))


def memory_folder() -> Path:
    """A new folder, in memory where the system offers that."""
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="fuzz-", dir=shared if shared.is_dir() else None))


def run(dataset: str, seed: int, numbers: range, keep: Path | None = None) -> tuple[int, int]:
    """Runs the cases; prints failures. Returns how many failed and how many scans were read."""
    warnings.simplefilter("error")
    folder = memory_folder()
    failed = read = 0
    try:
        bases = [make_base(x, folder) for x in LAYOUTS if x.dataset == dataset]
        for number in numbers:
            print(number, file=sys.stderr, flush=True)
            base = bases[number % len(bases)]
            rng = generator(seed, "fuzz", dataset, number)
            done = damage(base, rng)
            if keep is not None:
                shutil.copytree(base.work, keep / str(number), symlinks=True)
            try:
                with bounded():
                    read += run_case(base, base.layout.adapter, rng)
            except (Exception, Hang) as error:  # noqa: BLE001 - any of them is the finding
                failed += 1
                _report(dataset, seed, number, base.layout.name, done, error)
            restore(base, done, number + 1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return failed, read


def _report(
    dataset: str, seed: int, number: int, layout: str, done: list[str], error: BaseException
) -> None:
    places = [
        f"{Path(part.filename).name}:{part.lineno} {part.name}"
        for part in traceback.extract_tb(error.__traceback__)
    ]
    report = {
        "dataset": dataset,
        "seed": seed,
        "case": number,
        "layout": layout,
        "damage": done,
        "error": f"{type(error).__name__}: {str(error)[:300]}",
        "at": places[-6:],
    }
    print(json.dumps(report), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dataset", choices=sorted({layout.dataset for layout in LAYOUTS}))
    parser.add_argument("--cases", default="0:300", help="FIRST:END, default 0:300")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder that gets a copy of every case's files")
    options = parser.parse_args()
    first, end = (int(part) for part in options.cases.split(":"))
    failed, read = run(options.dataset, options.seed, range(first, end), options.keep)
    print(json.dumps({"cases": end - first, "failed": failed, "read": read}), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
