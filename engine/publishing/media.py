"""The pictures that travel with samples: a dataset's own bytes, or a plan that says it is drawn.

A photograph is taken from the dataset's folder as it lies there: a JPEG out of a ``.sens`` stream
or a file is never decoded and encoded again. Where the stored bytes are no picture that others
read (raw pixels, a sensor held sideways), the upright picture is encoded once, without loss, as
PNG. Same files, same bytes.
"""

from __future__ import annotations

import io
import os
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from PIL import Image

from engine.errors import InputError, SceneFormatError
from engine.scenes.catalog import Catalog
from engine.scenes.pictures import Pixels, plan_picture
from engine.workspace import Workspace
from scene_adapters.base import SceneSource
from scene_adapters.records import FrameRecord
from scene_adapters.scannet.sens import Sens, read_sens
from scene_adapters.table import load_adapter

# The only picture of a scene that has none of its own, as engine.round_work names it.
RENDERED_PLAN = "rendered:plan"
# Wide enough that labels are lettered and that it carries the strip which says "rendered".
PLAN_PX = 512
# Pictures kept (bytes): those of a scene are asked for by many samples in a row.
KEPT_BYTES = 1 << 28
# Scenes whose cameras are kept: a long scan has thousands.
KEPT_SCENES = 16

_STREAM = re.compile(r"(.+\.sens)#([0-9]{1,9})")
_SUFFIXES = {"JPEG": "jpg", "PNG": "png"}
REMEDY = "put the dataset back where it was ingested from, or ingest it again from where it is"

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One encoded picture; ``suffix`` is ``jpg`` or ``png``, sizes are in pixels, upright."""

    content: bytes
    suffix: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a frame's stored bytes lie: ``size`` bytes from ``offset``, all where size is None.

    ``pixels`` is the (width, height) that the picture should have.
    """

    path: Path
    offset: int
    size: int | None
    pixels: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Scene:
    cameras: Mapping[str, FrameRecord]
    adapter: str
    source: str


class MediaSource:
    """The pictures of a workspace's scenes; use as a context manager, by one thread at a time."""

    def __init__(self, workspace: Workspace, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._catalog_path = workspace.catalog
        self._catalog: Catalog | None = None
        self._kept_bytes = kept_bytes
        self._kept: OrderedDict[Key, Media] = OrderedDict()
        self._size = 0
        self._scenes: OrderedDict[str, _Scene] = OrderedDict()
        self._expected: list[str] = []
        self._turn: dict[str, int] = {}
        self._places: dict[Key, _Place | None] = {}
        self._known: dict[Key, str] = {}
        self._adapters: dict[str, str] = {}
        self._sens: Sens | None = None

    def __enter__(self) -> MediaSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._catalog is not None:
            self._catalog.close()
            self._catalog = None
        self._kept.clear()
        self._size = 0

    def expect(self, scene_ids: Sequence[str]) -> None:
        """Say which scenes are asked for next, in their order: some are looked up at a time."""
        self._expected = list(scene_ids)
        self._turn = {scene_id: turn for turn, scene_id in enumerate(self._expected)}

    def shown(self, scene_id: str, frame_ids: Sequence[str]) -> tuple[str, ...]:
        """What the solver is shown of a sample's frames: those photographed, else the plan.

        Raises InputError for a frame the scene does not have.
        """
        named = [name for name in frame_ids if not name.startswith("rendered:")]
        cameras = self._scene(scene_id).cameras if named else {}
        for name in named:
            if name not in cameras:
                raise InputError(
                    f"scene {scene_id}: it has no frame {name!r} (any more), on which a sample is "
                    "asked; ingest it as it was"
                )
        pictured = tuple(name for name in named if cameras[name].image is not None)
        if pictured and len(pictured) < len(named):
            without = next(name for name in named if cameras[name].image is None)
            raise self._fault(scene_id, f"frame {without!r} has no picture, others have")
        return pictured or (RENDERED_PLAN,)

    def read(self, scene_id: str, frame_id: str) -> Media:
        """One picture: a photograph by its frame's id, or ``rendered:plan``.

        Raises SceneFormatError where it cannot be read, or is of another size than the catalog
        says; InputError for a frame that the scene does not have or that has no picture of its
        own (:meth:`shown` says what stands for it).
        """
        key = (scene_id, frame_id)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        media = self._plan(scene_id) if frame_id == RENDERED_PLAN else self._photograph(key)
        self._kept[key] = media
        self._size += len(media.content)
        while self._size > self._kept_bytes and len(self._kept) > 1:
            self._size -= len(self._kept.popitem(last=False)[1].content)
        return media

    def locate(self, scene_id: str, frame_ids: Iterable[str]) -> None:
        """Find out where pictures lie, so that reading them in any order is quick later.

        Raises as :meth:`read` does, for what can be told without opening a picture.
        """
        for frame_id in frame_ids:
            if frame_id != RENDERED_PLAN:
                self._place((scene_id, frame_id))

    def adapter(self, scene_id: str) -> str:
        """The name of the adapter that a scene was read with."""
        if scene_id not in self._adapters:
            self._scene(scene_id)
        return self._adapters[scene_id]

    def _plan(self, scene_id: str) -> Media:
        facts = self._opened().facts(scene_id)
        return _png(plan_picture(facts, PLAN_PX).pixels)

    def _photograph(self, key: Key) -> Media:
        place = self._place(key)
        if place is None:
            return self._decoded(key)
        content = self._bytes(key, place)
        suffix = self._known.get(key)
        if suffix is None:
            suffix = self._known[key] = self._checked(key, content, place.pixels)
        if not suffix:
            return self._decoded(key)
        width, height = place.pixels
        return Media(content=content, suffix=suffix, width=width, height=height)

    def _checked(self, key: Key, content: bytes, expected: tuple[int, int]) -> str:
        """The ending for what the header says, empty for a format that is not passed on."""
        if not content:
            raise self._fault(key[0], f"the picture of frame {key[1]!r} is empty")
        try:
            with Image.open(io.BytesIO(content)) as image:
                form, size = image.format or "", image.size
        except Exception as error:  # decoders answer broken bytes with errors of every kind
            raise self._fault(key[0], f"the picture of frame {key[1]!r} is broken") from error
        if size != expected:
            raise self._fault(
                key[0],
                f"the picture of frame {key[1]!r} is {size[0]} x {size[1]} pixels, expected "
                f"{expected[0]} x {expected[1]}",
            )
        return _SUFFIXES.get(form, "")

    def _bytes(self, key: Key, place: _Place) -> bytes:
        try:
            with place.path.open("rb", buffering=0) as file:
                if place.size is None:
                    return file.read()
                content = os.pread(file.fileno(), place.size, place.offset)
        except OSError as error:
            raise self._fault(
                key[0], f"{place.path}: cannot be read ({error.strerror or error})"
            ) from error
        if len(content) != place.size:
            raise self._fault(key[0], f"{place.path}: the file has become shorter")
        return content

    def _decoded(self, key: Key) -> Media:
        """The upright picture as the adapter decodes it, encoded without loss."""
        scene_id, frame_id = key
        scene, camera = self._scene(scene_id), self._camera(key)
        try:
            images = load_adapter(scene.adapter).images(SceneSource(scene_id, Path(scene.source)))
            pixels = None if images is None else images.colour(camera)
        except SceneFormatError as error:
            raise self._fault(scene_id, f"frame {frame_id!r}: {error.reason}") from error
        if pixels is None:
            raise self._fault(scene_id, f"the picture of frame {frame_id!r} is missing")
        return _png(pixels)

    def _place(self, key: Key) -> _Place | None:
        """Where the stored bytes lie, None where the adapter has to decode them."""
        if key not in self._places:
            self._places[key] = self._found(key)
        return self._places[key]

    def _found(self, key: Key) -> _Place | None:
        scene_id, frame_id = key
        camera, source = self._camera(key), Path(self._scene(scene_id).source)
        if camera.image is None:
            raise InputError(
                f"scene {scene_id}: frame {frame_id!r} has no picture of its own; its samples are "
                f"shown as {RENDERED_PLAN}"
            )
        if not source.is_dir():
            raise self._fault(scene_id, "its photographs are gone: no such folder")
        pixels = (camera.width, camera.height)
        stream = _STREAM.fullmatch(camera.image)
        if stream is None:
            path = source / camera.image
            if "#" in camera.image:
                raise self._fault(
                    scene_id, f"frame {frame_id!r} is in {camera.image} only; extract its pictures"
                )
            if not path.is_file():
                raise self._fault(scene_id, f"the picture of frame {frame_id!r} is missing: {path}")
            return None if camera.quarter_turns else _Place(path, 0, None, pixels)
        sens = self._stream(source / stream[1])
        number = int(stream[2])
        if not 0 <= number < len(sens.offsets):
            raise self._fault(scene_id, f"{sens.path}: has no frame {number}")
        return _Place(sens.path, int(sens.offsets[number]), int(sens.sizes[number, 0]), pixels)

    def _stream(self, path: Path) -> Sens:
        """A stream's index; the last one is kept, as a scene's frames are located in a row."""
        if self._sens is None or self._sens.path != path:
            self._sens = read_sens(path)
        return self._sens

    def _camera(self, key: Key) -> FrameRecord:
        camera = self._scene(key[0]).cameras.get(key[1])
        if camera is None:
            raise InputError(
                f"scene {key[0]}: it has no frame {key[1]!r} (any more); ingest it as it was"
            )
        return camera

    def _scene(self, scene_id: str) -> _Scene:
        found = self._scenes.get(scene_id)
        if found is None:
            self._look_up(scene_id)
            found = self._scenes[scene_id]
        self._scenes.move_to_end(scene_id)
        return found

    def _look_up(self, scene_id: str) -> None:
        """Keep what the catalog says of a scene and of those expected after it."""
        catalog, turn = self._opened(), self._turn.get(scene_id)
        wanted = [scene_id] if turn is None else self._expected[turn : turn + KEPT_SCENES]
        origins, cameras = catalog.origins(wanted), catalog.cameras_of(wanted)
        if scene_id not in origins:
            catalog.facts(scene_id)  # says that there is no such scene
        for each, (adapter, source) in origins.items():
            frames = {camera.frame_id: camera for camera in cameras[each]}
            self._scenes[each] = _Scene(frames, adapter, source)
            self._adapters[each] = adapter
        while len(self._scenes) > KEPT_SCENES:
            self._scenes.popitem(last=False)

    def _opened(self) -> Catalog:
        if self._catalog is None:
            self._catalog = Catalog.open(self._catalog_path, read_only=True)
        return self._catalog

    def _fault(self, scene_id: str, problem: str) -> SceneFormatError:
        source = self._scene(scene_id).source
        return SceneFormatError(
            f"{source}: scene {scene_id}: {problem}",
            path=source, scene_id=scene_id, remedy=REMEDY,
        )  # fmt: skip


def _png(pixels: Pixels) -> Media:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    height, width = pixels.shape[:2]
    return Media(content=stream.getvalue(), suffix="png", width=width, height=height)
