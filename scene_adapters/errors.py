"""Root of the project's error tree, in the lowest package so that every layer can raise it.

The whole tree is drawn in :mod:`engine.errors`.
"""

from __future__ import annotations

import functools


class OuroborosError(Exception):
    """Something went wrong that a person can act on.

    The message names the thing, its value, and what to do next, in one line.
    ``exit_code`` is what the command line ends with: 1 the user's input is at fault,
    3 the environment is.
    """

    exit_code = 1


class SceneFormatError(OuroborosError, ValueError):
    """A dataset file does not hold what its format promises.

    ``path`` is the file at fault and ``scene_id`` the scene it belongs to, where one is known.
    ``remedy`` says what to do about it; it is part of the message, and kept apart for tables.
    """

    def __init__(
        self, message: str, *, path: str, scene_id: str | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(message if remedy is None else f"{message}; {remedy}")
        self.reason = message
        self.path = path
        self.scene_id = scene_id
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        # An exception is unpickled from its positional arguments alone; this one comes back from
        # worker processes.
        rebuild = functools.partial(
            type(self), path=self.path, scene_id=self.scene_id, remedy=self.remedy
        )
        return rebuild, (self.reason,)
