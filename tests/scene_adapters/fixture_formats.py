"""One generated room in every layout of every raw dataset: what the raw suites are run over."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from fixture_room import FixtureRoom

from scene_adapters.base import Adapter
from scene_adapters.table import load_adapter

# All three datasets have these, so the same room fits all.
SHARED_LABELS = (
    "bathtub", "bed", "chair", "dishwasher", "fireplace", "refrigerator", "sofa", "stool",
    "stove", "table", "toilet", "tv", "washer",
)  # fmt: skip

SCENE_IDS = {
    "scannet": ("scene9000_00", "scene9000_01", "scene9001_00"),
    "scannetpp": ("90a1b2c3d4", "90a1b2c3d5", "91a1b2c3d4"),
    "arkitscenes": ("99000001", "99000002", "99000003"),
}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A way in which a dataset's download lies on disk.

    ``depth``: depth pictures are part of it. ``finer``: its mesh has more vertices than the room.
    ``own_files``: other layouts' files do not cover its parsing.
    """

    name: str
    dataset: str
    options: Mapping[str, object] = field(default_factory=dict)
    depth: bool = True
    finer: bool = False
    own_files: bool = True

    @property
    def adapter(self) -> Adapter:
        return load_adapter(self.dataset)

    def write(self, root: Path, room: FixtureRoom, scene_id: str | None = None) -> Path:
        """The room as a scan of this layout below ``root``; the scan's folder."""
        writer = importlib.import_module(f"fixture_{self.dataset}")
        name = scene_id or SCENE_IDS[self.dataset][0]
        scan: Path = writer.write_scan(root, room, scene_id=name, **self.options)
        return scan


def _scannet(name: str, finer: bool = False, **options: object) -> Layout:
    sizes = {"colour_size": (320, 240), "depth_size": (160, 120)}
    return Layout(name=name, dataset="scannet", options=sizes | options, finer=finer)


def _scannetpp(name: str, depth: str | None = "png", **options: object) -> Layout:
    options |= {"picture_size": (320, 240), "depth": depth}
    return Layout(name=name, dataset="scannetpp", options=options, depth=depth is not None)


def _arkitscenes(name: str, sky: str = "Up", layout: str = "3dod") -> Layout:
    # The default visit is one of VSI-Bench's.
    options = {"layout": layout, "sky": sky, "visit": "990001"}
    return Layout(name=name, dataset="arkitscenes", options=options, own_files=sky == "Up")


LAYOUTS = (
    _scannet("scannet-sens"),
    _scannet("scannet-export", frames="export", every=10),
    _scannet("scannet-images", frames="images"),
    _scannet("scannet-high-resolution", resolution="high", finer=True),
    _scannet("scannet-both-resolutions", resolution="both", frames="both"),
    _scannet("scannet-without-alignment", alignment=None),
    _scannetpp("scannetpp-iphone"),
    _scannetpp("scannetpp-iphone-old", release="old", with_obb=False, depth="stream"),
    _scannetpp("scannetpp-iphone-colmap", poses="colmap", depth="zlib"),
    _scannetpp("scannetpp-iphone-transforms", poses="transforms", depth="lz4"),
    _scannetpp("scannetpp-dslr", stream="dslr", depth=None),
    _scannetpp("scannetpp-dslr-fisheye", stream="dslr", dslr="fisheye", depth=None),
    _scannetpp("scannetpp-dslr-colmap", stream="dslr", dslr="colmap", depth=None),
    _scannetpp("scannetpp-both", stream="both", release="old", left_handed=True),
    _arkitscenes("arkitscenes-3dod"),
    _arkitscenes("arkitscenes-3dod-left", sky="Left"),
    _arkitscenes("arkitscenes-3dod-down", sky="Down"),
    _arkitscenes("arkitscenes-3dod-right", sky="Right"),
    _arkitscenes("arkitscenes-3dod-first", layout="3dod-first"),
    _arkitscenes("arkitscenes-raw", layout="raw"),
    _arkitscenes("arkitscenes-raw-left", layout="raw", sky="Left"),
)
