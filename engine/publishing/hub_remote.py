"""A repository on the Hub as it is: its listing, its tags and our manifest in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.publishing.manifest import MARK
from engine.publishing.published import LAYOUT, TreeFile

# What every repository is made with.
_GIT_ATTRIBUTES = ".gitattributes"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file as a listing has it: its blob in git, and its content's hash where it is large."""

    path: str
    bytes: int
    git_blob: str
    sha256: str | None

    def same_as(self, other: RemoteFile) -> bool:
        """Whether both are the same content, one as listed and one as it was sent."""
        if self.bytes != other.bytes:
            return False
        known = self.sha256 is not None and self.sha256 == other.sha256
        return known or self.git_blob == other.git_blob

    def holds(self, file: TreeFile) -> bool:
        """Whether this is the same content, found out without reading it."""
        if self.bytes != file.bytes:
            return False
        if self.sha256 is not None:
            return self.sha256 == file.sha256
        return self.git_blob == file.git_blob()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A repository at its newest commit ``head``; all empty where there is none (to be seen).

    ``unseen`` says why nothing is known of it, such as a Hub that cannot be reached.
    """

    exists: bool = False
    private: bool = True
    head: str = ""
    files: Mapping[str, RemoteFile] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    unseen: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing but what every repository is made with."""
        return not set(self.files) - {_GIT_ATTRIBUTES}

    @property
    def is_ours(self) -> bool:
        """Whether it was published by this program."""
        return MARK in self.manifest and self.manifest.get("layout") == LAYOUT

    @property
    def rounds(self) -> tuple[int, ...]:
        """Rounds that are published there, ascending."""
        return tuple(sorted(int(number) for number in self.manifest.get("rounds", ())))

    @property
    def dates(self) -> Mapping[int, str]:
        """The day each round was published."""
        stated = self.manifest.get("dates", {})
        return {int(name.rpartition("-")[2]): str(date) for name, date in stated.items()}

    @property
    def listed(self) -> frozenset[str]:
        """Paths that were published: what else is there is somebody else's."""
        of_documents = self.manifest.get("documents", ())
        return frozenset(str(each["path"]) for each in (*of_documents, *self.manifest["files"]))

    def edited(self) -> list[str]:
        """Documents that were changed on the Hub after they were published."""
        return [
            str(each["path"])
            for each in self.manifest.get("documents", ())
            if (there := self.files.get(str(each["path"]))) is not None
            and there.git_blob != each["git_blob"]
            and there.sha256 != each["sha256"]
        ]
