"""Datasets that are one JSON file or a folder of them: listing, with one error a broken file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scene_adapters.base import SceneSource
from scene_adapters.errors import SceneFormatError

Found = list[SceneSource | SceneFormatError]


def list_scenes(path: Path, expected: str, entries: Callable[[Path], Found]) -> Found:
    """The scenes of every ``*.json`` at ``path``, each id once, broken files as their errors.

    ``entries`` lists one file's scenes, or raises for the whole file; ``expected`` says in the
    messages what should lie here.

    Raises:
        SceneFormatError: nothing lies here, it cannot be read, or no file holds a single scene.
    """
    found: Found = []
    files = _files(path, expected)
    for file in files:
        try:
            found += entries(file)
        except SceneFormatError as error:
            found.append(error)
    errors = [item for item in found if isinstance(item, SceneFormatError)]
    if len(errors) < len(found):
        return _each_once(found)
    if len(errors) == 1:
        raise errors[0]
    if not files:
        raise SceneFormatError(f"{path}: has no *.json file: expected {expected}", path=str(path))
    raise SceneFormatError(
        f"{path}: none of its {len(files)} *.json files holds a scene: expected {expected}; "
        f"the first problem: {errors[0]}",
        path=str(path),
    )


def _files(path: Path, expected: str) -> list[Path]:
    try:
        if not path.is_dir():
            if path.exists():
                return [path]
            raise SceneFormatError(f"{path}: does not exist: expected {expected}", path=str(path))
        return sorted(
            file
            for file in path.iterdir()
            if file.suffix.lower() == ".json" and not file.name.startswith(".")
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SceneFormatError(f"{path}: cannot be read: {reason}", path=str(path)) from error


def _each_once(found: Found) -> Found:
    seen: dict[str, Path] = {}
    kept: Found = []
    for item in found:
        if isinstance(item, SceneSource) and item.scene_id in seen:
            message = (
                f"{item.path}: scene {item.scene_id} is in {seen[item.scene_id].name} already: "
                "remove one of the two"
            )
            kept.append(SceneFormatError(message, path=str(item.path), scene_id=item.scene_id))
            continue
        if isinstance(item, SceneSource):
            seen[item.scene_id] = item.path
        kept.append(item)
    return kept
