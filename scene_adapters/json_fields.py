"""JSON from other people's hands: every value is checked where it is read.

A :class:`Field` is a parsed value that knows its file, scene and dotted path, so that whatever is
wrong with it can be named in one line.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from scene_adapters.errors import SceneFormatError

MAX_TEXT = 300  # characters in an id or a label; real ones stay under 60


class RepeatedKeys(dict[str, object]):
    """A JSON object in which keys were repeated: no value of theirs can be trusted."""

    repeated: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    marked = RepeatedKeys(plain)
    marked.repeated = tuple(key for key, n in Counter(key for key, _ in pairs).items() if n > 1)
    return marked


def read_bytes(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        SceneFormatError: the file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SceneFormatError(f"{path}: cannot be read: {reason}", path=str(path)) from error


def parse_json(data: bytes, path: Path) -> object:
    """JSON text, UTF-8 with or without a byte-order mark; objects with repeated keys are marked.

    Raises:
        SceneFormatError: not UTF-8, not JSON, nested too deeply, or a number with too many digits.
    """
    try:
        text = data.decode("utf-8-sig")
        if not text.strip():
            raise SceneFormatError(f"{path}: is empty, expected a JSON object", path=str(path))
        parsed: object = json.loads(text, object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        message = f"{path}: is not UTF-8 text (byte {error.start}): is it a JSON file?"
        raise SceneFormatError(message, path=str(path)) from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        message = f"{path}: is not JSON ({error.msg}, {where}): was the download cut short?"
        raise SceneFormatError(message, path=str(path)) from error
    except RecursionError as error:
        message = f"{path}: JSON nested too deeply to be scene metadata"
        raise SceneFormatError(message, path=str(path)) from error
    except SceneFormatError:
        raise
    except ValueError as error:  # an integer with thousands of digits
        message = f"{path}: holds a number that cannot be read ({error})"
        raise SceneFormatError(message, path=str(path)) from error
    return parsed


class Field:
    """One value with its place: ``scannet.json: scene scene0025_01: object_bbox.chair[0].min``."""

    __slots__ = ("file", "path", "scene_id", "value")

    def __init__(
        self, value: object, *, file: Path, scene_id: str | None = None, path: str = ""
    ) -> None:
        self.value = value
        self.file = file
        self.scene_id = scene_id
        self.path = path

    def fail(self, expected: str) -> NoReturn:
        """Raise the error that names this field, its value and what was expected."""
        place = f" {self.path}" if self.path else ""
        self._raise(f"{place} is {reprlib.repr(self.value)}, expected {expected}")

    def _raise(self, problem: str) -> NoReturn:
        scene = f" scene {printable(self.scene_id)}:" if self.scene_id is not None else ""
        raise SceneFormatError(
            f"{self.file}:{scene}{problem}",
            path=str(self.file),
            scene_id=self.scene_id,
        )

    def _at(self, value: object, step: str) -> Field:
        return Field(value, file=self.file, scene_id=self.scene_id, path=self.path + step)

    def mapping(self) -> dict[str, object]:
        """This object's values by key, none repeated."""
        if not isinstance(self.value, dict):
            self.fail("an object")
        if isinstance(self.value, RepeatedKeys):
            names = ", ".join(printable(key) for key in self.value.repeated)
            self.fail(f"every key once (repeated: {names})")
        return self.value

    def child(self, key: str) -> Field:
        """The value under ``key``, which must be there."""
        found = self.optional(key)
        if found is None:
            keys = ", ".join(printable(k) for k in list(self.mapping())[:8]) or "nothing"
            self._raise(f" {self.path + self._step(key)} is missing; here: {keys}")
        return found

    def optional(self, key: str) -> Field | None:
        """The value under ``key``, ``None`` where the key is missing."""
        mapping = self.mapping()
        return self._at(mapping[key], self._step(key)) if key in mapping else None

    def children(self) -> Iterator[tuple[str, Field]]:
        """Every key with its value."""
        for key, value in self.mapping().items():
            yield key, self._at(value, self._step(key))

    def _step(self, key: str) -> str:
        return f".{printable(key)}" if self.path else printable(key)

    def items(self, expected: str = "a list") -> list[Field]:
        """This list's elements."""
        if not isinstance(self.value, list):
            self.fail(expected)
        return [self._at(value, f"[{i}]") for i, value in enumerate(self.value)]

    def number(self, low: float, high: float, unit: str = "") -> float:
        """A finite number within [low, high]."""
        value = self.value
        # The comparison also refuses NaN, and integers too large for a float.
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            self.fail(f"a number from {low:g} to {high:g}{' ' + unit if unit else ''}")
        return float(value)

    def whole(self, low: int, high: int) -> int:
        """An integer within [low, high]; 3.0 counts as 3."""
        number = self.number(low, high)
        if number != math.floor(number):
            self.fail("a whole number")
        return int(number)

    def vector(self, length: int, low: float, high: float, unit: str = "") -> tuple[float, ...]:
        """A list of ``length`` finite numbers, each within [low, high]."""
        expected = f"a list of {length} numbers"
        value = self.value
        if (  # the common case, checked without making a Field of every number
            isinstance(value, list)
            and len(value) == length
            and all(type(x) is float and low <= x <= high for x in value)
        ):
            return tuple(value)
        items = self.items(expected)
        if len(items) != length:
            self.fail(f"{expected}, not {len(items)}")
        return tuple(item.number(low, high, unit) for item in items)

    def text(self) -> str:
        """A short printable text, not blank."""
        value = self.value
        if not isinstance(value, str) or not is_name(value):
            self.fail(f"a printable text of 1 to {MAX_TEXT} characters")
        return value


def is_name(text: str) -> bool:
    """Whether ``text`` can serve as an id or a label."""
    return 0 < len(text) <= MAX_TEXT and text.isprintable() and not text.isspace()


def printable(text: str) -> str:
    """``text`` as it may stand in a one-line message."""
    if is_name(text) and len(text) <= 60:
        return text
    return ascii(text[:60]) + ("..." if len(text) > 60 else "")
