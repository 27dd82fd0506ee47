"""Stored pictures to pixels: the only place where adapters decode any, with Pillow, at use."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from numpy.typing import NDArray

from scene_adapters.errors import SceneFormatError

if TYPE_CHECKING:
    from PIL import Image

_FORMATS = ("JPEG", "PNG", "PPM")
_DEPTH_MODES = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
# Pixels along a side, beyond which a header is broken and believing it would cost memory: a DSLR's
# pictures are 7008 wide, a laser scanner's depth 1920.
_LONGEST = 16_384
_LONGEST_DEPTH = 4096

DOWNLOAD_AGAIN = "download or export it again"


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) of a picture file, from its header alone.

    Raises:
        SceneFormatError: it cannot be read or is not a picture.
    """
    with _opened(path, path, "picture", _LONGEST) as image:
        return image.size


def decode_colour(
    stored: bytes | Path,
    size: tuple[int, int],
    path: Path,
    what: str = "picture",
    remedy: str = DOWNLOAD_AGAIN,
) -> NDArray[np.uint8]:
    """``(h, w, 3)`` RGB of a picture, which must be of the (width, height) expected.

    ``path`` and ``what`` name it in messages; ``remedy`` helps against another size.

    Raises:
        SceneFormatError: it does not decode, or is of another size.
    """
    with _opened(stored, path, what, _LONGEST) as image:
        if image.size != size:
            _fail(path, f"{what} is {_shown(image.size)} pixels, expected {_shown(size)}", remedy)
        return np.asarray(image.convert("RGB"))


def decode_depth(path: Path, per_metre: float = 1000.0) -> NDArray[np.float32]:
    """``(h, w)`` depth (m) of a picture of 16-bit whole numbers, ``per_metre`` of them a metre.

    Raises:
        SceneFormatError: it does not decode, or holds something else.
    """
    with _opened(path, path, "depth picture", _LONGEST_DEPTH) as image:
        if image.mode not in _DEPTH_MODES:
            _fail(path, f"depth picture is of mode {image.mode}, expected one 16-bit channel")
        # Within the block: what does not fit the memory is the picture's fault, too.
        metres: NDArray[np.float32] = np.asarray(image).astype(np.float32) / np.float32(per_metre)
        return np.maximum(metres, np.float32(0.0))


@contextlib.contextmanager
def _opened(stored: bytes | Path, path: Path, what: str, longest: int) -> Iterator[Image.Image]:
    """A picture; whatever goes wrong while it is open is its own fault."""
    from PIL import Image

    if isinstance(stored, Path) and not stored.is_file():
        _fail(path, f"{what} is missing", "ingest the download again from where it lies")
    source = io.BytesIO(stored) if isinstance(stored, bytes) else stored
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what a decoder doubts is none of these datasets'
            with Image.open(source, formats=_FORMATS) as image:
                if max(image.size) > longest:
                    _fail(path, f"{what} is {_shown(image.size)} pixels, expected fewer")
                yield image
    except SceneFormatError:
        raise
    except Exception as error:  # decoders answer broken bytes with errors of every kind
        words = "".join(c for c in str(error)[:200] if c.isprintable())
        raise SceneFormatError(
            f"{path}: {what} cannot be decoded ({words or type(error).__name__})",
            path=str(path),
            remedy=DOWNLOAD_AGAIN,
        ) from error


def _shown(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _fail(path: Path, problem: str, remedy: str = DOWNLOAD_AGAIN) -> NoReturn:
    raise SceneFormatError(f"{path}: {problem}", path=str(path), remedy=remedy)
