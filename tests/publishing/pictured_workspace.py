"""A workspace with samples on photographed scenes and on one without pictures, quickly made.

``room_a`` and ``room_b`` have JPEG files, ``room_c`` (held out) a PNG file and JPEGs, ``room_d`` no
pictures: it is shown as its plan. Samples of a scene share most of their frames. The pictures are
of noise, so that no two are alike.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from scenes.scene_builders import camera, furnished

from engine.scenes.catalog import Catalog
from engine.scenes.catalog_rows import CatalogScene
from engine.scenes.facts import facts_from_record
from engine.tables import SCHEMAS, write_parquet
from engine.workspace import Workspace

SIZE = (40, 30)
FRAMES = 4


def picture(number: int, form: str) -> bytes:
    noise = np.random.default_rng(number).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, format=form)
    return stream.getvalue()


def write_scene(
    root: Path, workspace: Workspace, scene_id: str, names: Sequence[str], **changes: Any
) -> dict[str, bytes]:
    """A scene whose frames have these picture files; the bytes of each by frame id."""
    folder = root / "scans" / scene_id.replace("/", "_")
    stored: dict[str, bytes] = {}
    frames = []
    for index, name in enumerate(names):
        frame_id = name.rpartition(".")[0]
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        stored[frame_id] = picture(len(scene_id) * 100 + index + sum(map(ord, scene_id)),
                                   "PNG" if name.endswith("png") else "JPEG")  # fmt: skip
        path.write_bytes(stored[frame_id])
        shot = camera(frame_id, index / 2, (0.0, 0.0, 1.0), width=SIZE[0], height=SIZE[1])
        frames.append(replace(shot, image=name))
    record = furnished(
        scene_id, source=str(folder), adapter_version="scannet/1", **changes
    )  # fmt: skip
    if frames:
        record = replace(record, frames=tuple(frames))
    with Catalog.open(workspace.catalog, read_only=False) as catalog:
        catalog.write_scene(CatalogScene(record=record, facts=facts_from_record(record)))
    return stored


def sample(sample_id: str, scene_id: str, **more: Any) -> dict[str, Any]:
    return {
        "sample_id": sample_id, "proposal_id": f"p-{sample_id}", "scene_id": scene_id,
        "dataset": "synthetic", "room_key": scene_id, "split": "train",
        "question": f"How many chairs? {sample_id}", "question_type": "object_counting",
        "program": "def answer(scene):\n    return scene.count('chair')", "answer_kind": "count",
        "answer": "3", "object_ids": ["1", "2"], "frame_ids": [], "benchmark": False,
    } | more  # fmt: skip


def write_rows(workspace: Workspace, table: str, round_: int, rows: list[dict[str, Any]]) -> None:
    blank = dict.fromkeys(SCHEMAS[table])
    frame = pl.DataFrame([blank | {"round": round_} | row for row in rows], schema=SCHEMAS[table])
    write_parquet(frame, workspace.part(table, round_))


def seen(sample_id: str, step: int, confidence: float) -> dict[str, Any]:
    return {"sample_id": sample_id, "step": step, "confidence": confidence, "correct": True}


def drawn(sample_id: str, step: int, position: int) -> dict[str, Any]:
    return {"sample_id": sample_id, "step": step, "position": position, "weight": 1.0}


class Pictured:
    """The workspace and, by scene and frame, the bytes its pictures were stored with."""

    def __init__(self, root: Path, *, dataset: str = "synthetic") -> None:
        self.workspace = Workspace.create(root / "ws")
        self.stored: dict[tuple[str, str], bytes] = {}
        jpegs = [f"{number:03d}.jpg" for number in range(FRAMES)]
        for scene_id, names in (
            ("room_a", jpegs), ("room_b", jpegs), ("room_c", ["000.png", *jpegs[1:]]),
            ("room_d", []),
        ):  # fmt: skip
            held = write_scene(root, self.workspace, scene_id, names, dataset=dataset)
            self.stored |= {(scene_id, frame): content for frame, content in held.items()}
        self._write_samples(dataset)

    def _write_samples(self, dataset: str) -> None:
        ids = [f"{number:03d}" for number in range(FRAMES)]
        choice = {"options": ["left", "right"], "answer": "right", "answer_kind": "choice",
                  "question_type": "object_rel_direction_easy"}  # fmt: skip
        common = {"dataset": dataset}
        plan = {"frame_ids": ["000", "001"]}
        write_rows(
            self.workspace, "samples", 0,
            [sample("h", "room_c", frame_ids=ids, split="held_out", **choice, **common)],
        )  # fmt: skip
        write_rows(
            self.workspace, "samples", 1,
            [
                sample("a", "room_a", frame_ids=ids, margin=0.5, **common),
                sample("b", "room_a", frame_ids=ids[:2], **choice, **common),
                sample("c", "room_b", frame_ids=ids[1:], margin=0.05, **common),
                sample("p", "room_d", **plan, **common),
            ],
        )  # fmt: skip
        write_rows(
            self.workspace, "samples", 2, [sample("e", "room_b", frame_ids=ids[:1], **common)]
        )
        self._write_ledger()

    def _write_ledger(self) -> None:
        write_rows(self.workspace, "draws", 1, [drawn("c", 0, 0), drawn("a", 0, 1)])
        write_rows(
            self.workspace, "draws", 2,
            [drawn("e", 1, 0), drawn("a", 0, 0), drawn("b", 0, 1), drawn("a", 1, 1)],
        )  # fmt: skip
        write_rows(self.workspace, "observations", 1, [seen("a", 0, 0.05), seen("c", 0, 0.95)])
        write_rows(
            self.workspace, "observations", 2,
            [seen("a", 0, 0.2), seen("a", 1, 0.5), seen("b", 0, 0.95), seen("e", 1, 0.01)],
        )  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def pictured(tmp_path_factory: pytest.TempPathFactory) -> Pictured:
    return Pictured(tmp_path_factory.mktemp("pictured"))
