"""The adapter seam: list what lies at a path, then read one scene at a time.

An adapter converts files, units and axes. It does not filter, split or scale, and one scene that
cannot be read never stops the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from scene_adapters.errors import SceneFormatError
from scene_adapters.scan import FrameImages, Scan


@dataclass(frozen=True, slots=True)
class SceneSource:
    """Where one scene is: enough for :meth:`Adapter.read` in another process (it pickles).

    ``payload`` is whatever the adapter already parsed while listing, so that a file holding many
    scenes is parsed once; ``None`` makes :meth:`Adapter.read` go to the file.
    """

    scene_id: str
    path: Path
    payload: object = None


class Adapter(Protocol):
    """One dataset's files on disk to scene records."""

    @property
    def name(self) -> str:
        """The dataset format's name, as the command line spells it."""

    @property
    def version(self) -> str:
        """Changes whenever the same bytes would give another record."""

    def sources(self, path: Path) -> list[SceneSource | SceneFormatError]:
        """What lies at ``path``, sorted by file and position, each scene id once.

        A file or entry that is not a scene of this format stands in the list as its error.

        Raises:
            SceneFormatError: ``path`` does not exist or holds nothing of this format.
        """

    def content_hash(self, source: SceneSource) -> str:
        """The hash :meth:`read` would put into the record, without making the record.

        It covers every byte the record depends on; of pictures, names and sizes only.

        Raises:
            SceneFormatError: a file the scene needs is missing or cannot be read.
        """

    def read(self, source: SceneSource) -> Scan:
        """One scene, in metres and seconds, z up.

        Raises:
            SceneFormatError: naming the file, the scene, the field and its value.
        """

    def images(self, source: SceneSource) -> FrameImages | None:
        """The scene's pictures, opened without reading the rest; ``None`` where it has none.

        ``source`` may be rebuilt from a record: its scene id and the path it states as source.

        Raises:
            SceneFormatError: the files the pictures are in cannot be read.
        """
