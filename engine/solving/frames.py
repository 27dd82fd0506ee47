"""The pictures a solver is shown of a scene: read when it comes to them, a bounded number kept.

Photographs come from the dataset's own folder, as :mod:`engine.scenes.frame_images` reads them for
a proposer; here they are exactly the frames a sample names, none replaced by a neighbour, since
a question may be about one frame. A scene without photographs is shown as its plan, drawn large
enough to be lettered, which says in the picture that it is rendered.
"""

from __future__ import annotations

import io
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
from PIL import Image

from engine.config import SolverSettings
from engine.errors import InputError, SceneFormatError
from engine.records import SceneFacts
from engine.scenes.catalog import Catalog
from engine.scenes.frame_images import rendered_images
from engine.scenes.frames import sample_uniformly
from engine.solving.base import Picture
from scene_adapters.base import SceneSource
from scene_adapters.records import FrameRecord
from scene_adapters.scan import FrameImages
from scene_adapters.table import load_adapter

# Pictures kept (bytes): about 2800 of 448 x 448 px, a round's batch of 64 samples in 88 scenes.
KEPT_BYTES = 2**30
# Scenes kept open: a sensor stream's index is slow to read and some megabytes large.
KEPT_SCENES = 64

REMEDY = "put the dataset back where it was ingested from, or ingest it again from where it is"


class FramePictures(Sequence[Picture]):
    """Pictures that are read each time one is asked for, unless an album has kept them."""

    def __init__(self, readers: Sequence[Callable[[], Picture]]) -> None:
        self._readers = readers

    def __len__(self) -> int:
        return len(self._readers)

    # For the type checker alone: typing keeps overloads, and so this module and what it imports, to
    # the very end of the process, where DuckDB complains of what is left of it.
    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> Picture: ...
        @overload
        def __getitem__(self, index: slice) -> FramePictures: ...

    def __getitem__(self, index: int | slice) -> Picture | FramePictures:
        if isinstance(index, slice):
            return FramePictures(self._readers[index])
        return self._readers[index]()

    def __iter__(self) -> Iterator[Picture]:
        return (read() for read in self._readers)


@dataclass(slots=True)
class _Scene:
    """One scene's photographs; a stream is read by one thread at a time."""

    cameras: Mapping[str, FrameRecord]
    source: str
    images: FrameImages | None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Album:
    """The pictures of a catalog's scenes. Threads may share it; sent to another process, it is
    that process's own."""

    def __init__(self, catalog: Path, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._catalog = catalog
        self._kept_bytes = kept_bytes
        self._lock = threading.Lock()
        self._scenes: OrderedDict[str, _Scene] = OrderedDict()
        self._kept: OrderedDict[tuple[str, str, int], Picture] = OrderedDict()
        self._size = 0

    def __reduce__(self) -> tuple[Callable[[Path, int], Album], tuple[Path, int]]:
        return _own_album, (self._catalog, self._kept_bytes)

    def pictures(
        self, scene: SceneFacts, frame_ids: Sequence[str], settings: SolverSettings
    ) -> Sequence[Picture]:
        """The photographs of ``frame_ids``, or the scene's plan where it has none of its own.

        ``settings`` bounds their number and size. Nothing is opened before a picture is asked for;
        that raises SceneFormatError where it cannot be read.
        """
        limit = settings.max_pixels
        named = [name for name in frame_ids if not name.startswith("rendered:")]
        if settings.frames:
            named = [named[i] for i in sample_uniformly(len(named), settings.frames)]
        if not named or not self._photographed(scene.scene_id, named):
            return FramePictures([partial(self._plan, scene, limit)])
        return FramePictures(
            [partial(self._photograph, scene.scene_id, name, limit) for name in named]
        )

    def _photographed(self, scene_id: str, named: Sequence[str]) -> bool:
        """Whether the dataset brings pictures of these frames. Raises InputError for a stranger."""
        opened = self._scene(scene_id)
        missing = [name for name in named if name not in opened.cameras]
        if missing:
            raise InputError(
                f"scene {scene_id}: it has no frame {missing[0]!r} (any more), on which a sample "
                "is asked; ingest it as it was, or start a new workspace"
            )
        with_picture = [name for name in named if opened.cameras[name].image is not None]
        if with_picture and len(with_picture) < len(named):
            without = next(name for name in named if name not in with_picture)
            raise SceneFormatError(
                f"{opened.source}: scene {scene_id}: frame {without!r} has no picture, others have",
                path=opened.source,
                scene_id=scene_id,
                remedy=REMEDY,
            )
        return bool(with_picture)

    def _photograph(self, scene_id: str, name: str, limit: int) -> Picture:
        return self._keeping((scene_id, name, limit), lambda: self._read(scene_id, name, limit))

    def _plan(self, scene: SceneFacts, limit: int) -> Picture:
        def draw() -> Picture:
            (image,) = rendered_images(scene, longest_px=math.isqrt(limit))
            return np.asarray(Image.open(io.BytesIO(image.jpeg)).convert("RGB"))

        return self._keeping((scene.scene_id, "", limit), draw)

    def _read(self, scene_id: str, name: str, limit: int) -> Picture:
        opened = self._scene(scene_id)
        camera = opened.cameras[name]
        try:
            with opened.lock:
                if opened.images is None:
                    opened.images = self._open(scene_id, opened.source)
                pixels = opened.images.colour(camera)
        except SceneFormatError as error:
            raise self._fault(scene_id, opened.source, f"frame {name!r}: {error.reason}") from error
        if pixels is None:
            raise self._fault(scene_id, opened.source, f"the picture of frame {name!r} is missing")
        return within(pixels, limit)

    def _open(self, scene_id: str, source: str) -> FrameImages:
        with Catalog.open(self._catalog, read_only=True) as catalog:
            adapter, _ = catalog.origin(scene_id)
        folder = Path(source)
        if not folder.exists():
            raise self._fault(scene_id, source, "its photographs are gone: no such folder")
        images = load_adapter(adapter).images(SceneSource(scene_id, folder))
        if images is None:
            raise self._fault(scene_id, source, "the folder held photographs and does no more")
        return images

    def _scene(self, scene_id: str) -> _Scene:
        with self._lock:
            found = self._scenes.get(scene_id)
            if found is None:
                with Catalog.open(self._catalog, read_only=True) as catalog:
                    cameras = {each.frame_id: each for each in catalog.cameras(scene_id)}
                    _, source = catalog.origin(scene_id)
                found = self._scenes[scene_id] = _Scene(cameras, source, None)
            self._scenes.move_to_end(scene_id)
            while len(self._scenes) > KEPT_SCENES:
                self._scenes.popitem(last=False)
            return found

    def _keeping(self, key: tuple[str, str, int], read: Callable[[], Picture]) -> Picture:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        picture = read()
        picture.setflags(write=False)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = picture
                self._size += picture.nbytes
            while self._size > self._kept_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._size -= oldest.nbytes
        return picture

    @staticmethod
    def _fault(scene_id: str, path: str, problem: str) -> SceneFormatError:
        message = problem if problem.startswith(path) else f"{path}: scene {scene_id}: {problem}"
        return SceneFormatError(message, path=path, scene_id=scene_id, remedy=REMEDY)


@cache
def _own_album(catalog: Path, kept_bytes: int) -> Album:
    return Album(catalog, kept_bytes=kept_bytes)


def within(pixels: Picture, limit: int) -> Picture:
    """``pixels`` (h, w, 3), made smaller where they are more than ``limit``; the shape is kept."""
    height, width = pixels.shape[:2]
    scale = math.sqrt(limit / (height * width))
    if scale >= 1:
        return pixels
    size = (max(1, math.floor(width * scale)), max(1, math.floor(height * scale)))
    smaller = Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(smaller, dtype=np.uint8)
