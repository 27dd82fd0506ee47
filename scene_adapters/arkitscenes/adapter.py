"""ARKitScenes as downloaded, 3DOD or raw, to scene records.

What lies where: :mod:`scene_adapters.arkitscenes.files`; what is decided about boxes, frames and
the way up: ``objects``, ``frames``, ``trajectory``. Besides:

- Nothing needs converting: boxes, mesh and poses share one world, in metres, z up.
- Several videos show one visit; the visit is the room key where an official table names it.
- The split is the official tables', else the fold folder's name.
- An annotation is needed. Mesh and pictures may be missing; pictures without a trajectory are an
  error, since without it not one of them can be placed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from scene_adapters.arkitscenes.files import VideoFiles, list_videos, video_files
from scene_adapters.arkitscenes.frames import (
    Selection,
    depth_moments,
    frame_rate,
    frame_records,
    has_cameras,
    has_pictures,
    read_pincams,
    select_frames,
)
from scene_adapters.arkitscenes.metadata import stated_quarter_turns
from scene_adapters.arkitscenes.objects import DATASET, read_annotation
from scene_adapters.arkitscenes.pictures import ArkitPictures
from scene_adapters.arkitscenes.trajectory import Trajectory, read_trajectory
from scene_adapters.base import SceneSource
from scene_adapters.content import hash_files
from scene_adapters.errors import SceneFormatError
from scene_adapters.ply import read_ply
from scene_adapters.records import FrameRecord, SceneRecord
from scene_adapters.scan import Mesh, Scan
from scene_adapters.splits import find_splits

LICENCE = "Apple ARKitScenes License"
_FOLDS = {"training": "train", "validation": "val"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What lies outside a video's folder says of it."""

    split: str | None
    room_key: str
    quarter_turns: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shot:
    """The frames of a video before their intrinsics are understood."""

    trajectory: Trajectory
    selection: Selection
    pincams: list[bytes]
    depths: tuple[Path, ...]


class ARKitScenesAdapter:
    """Reads a download root, a part of it, or one video's folder."""

    name = "arkitscenes"
    version = "1"

    def sources(self, path: Path) -> list[SceneSource | SceneFormatError]:
        """One scene a video, by id."""
        return list_videos(path)

    def content_hash(self, source: SceneSource) -> str:
        """Over annotation, mesh, trajectory, the intrinsics used, and what tables say of it."""
        files = video_files(source)
        files.annotated()
        return _content_hash(files, _place(source), _shot(files))

    def read(self, source: SceneSource) -> Scan:
        """One video; see the modules for what is decided."""
        files = video_files(source)
        annotation = read_annotation(files.annotated(), files.video)
        place, shot = _place(source), _shot(files)
        mesh = None if files.mesh is None else read_ply(files.mesh)
        frames = _frames(files, shot, place)
        record = SceneRecord(
            scene_id=files.video,
            dataset=DATASET,
            split=place.split,
            room_key=place.room_key,
            room_area_m2=None,
            floor_polygon=(),
            has_mesh=mesh is not None,
            fps=frame_rate(frames) if frames else None,
            licence=LICENCE,
            source=str(files.folder),
            content_hash=_content_hash(files, place, shot),
            adapter_version=f"{self.name}/{self.version}",
            objects=annotation.objects,
            frames=frames,
            open_world_labels=annotation.open_world_labels,
        )
        surface = None if mesh is None else Mesh(vertices=mesh.vertices, triangles=mesh.triangles)
        return Scan(record=record, mesh=surface, images=_pictures(files))

    def images(self, source: SceneSource) -> ArkitPictures | None:
        """The video's pictures and depth images."""
        return _pictures(video_files(source))


def _place(source: SceneSource) -> _Place:
    folder = source.path.absolute()
    # Asked from the fold folder: all its videos share one answer, which is read once.
    splits = find_splits(folder.parent, DATASET)
    fold = _FOLDS.get(folder.parent.name.lower())
    return _Place(
        split=splits.split_of(source.scene_id) or fold,
        room_key=splits.room_of(source.scene_id) or source.scene_id,
        quarter_turns=stated_quarter_turns(folder, source.scene_id),
    )


def _shot(files: VideoFiles) -> _Shot | None:
    if not has_pictures(files) and not (has_cameras(files) and files.trajectory):
        return None
    if files.trajectory is None:
        raise SceneFormatError(
            f"{files.folder}: has pictures but neither lowres_wide.traj nor color.traj",
            path=str(files.folder),
            scene_id=files.video,
            remedy="download the video's lowres_wide.traj",
        )
    trajectory = read_trajectory(files.trajectory, files.video)
    selection = select_frames(files, trajectory)
    return _Shot(
        trajectory=trajectory,
        selection=selection,
        pincams=read_pincams(selection.pincams),
        depths=depth_moments(files).at(trajectory.times[selection.poses]),
    )


def _frames(files: VideoFiles, shot: _Shot | None, place: _Place) -> tuple[FrameRecord, ...]:
    if shot is None:
        return ()
    turns = shot.trajectory.quarter_turns(place.quarter_turns)
    return frame_records(files.folder, shot.selection, shot.pincams, shot.trajectory, turns)


def _content_hash(files: VideoFiles, place: _Place, shot: _Shot | None) -> str:
    """The intrinsics go in as they were read, once: thousands of files of one line."""
    paths = [path for path in (files.annotation, files.mesh, files.trajectory) if path is not None]
    stated = [place.split, place.room_key, place.quarter_turns]
    extra = [json.dumps(stated).encode()]
    pictures: tuple[Path, ...] = ()
    if shot is not None:
        pictures = shot.depths
        if shot.selection.pictured:
            pictures += shot.selection.pictures
        for path, data in zip(shot.selection.pincams, shot.pincams, strict=True):
            extra += [path.relative_to(files.folder).as_posix().encode(), data]
    return hash_files(files.folder, paths, listed=pictures, extra=extra)


def _pictures(files: VideoFiles) -> ArkitPictures | None:
    depths = depth_moments(files)
    if not has_pictures(files) and not depths.names:
        return None
    return ArkitPictures(files.folder, depths)
