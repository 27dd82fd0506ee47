"""Which of a set's pictures are here, and are the very ones it was made with."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

import polars as pl

from engine.errors import InputError, SceneFormatError
from engine.progress import Reporter
from engine.publishing.frame_hashes import Hasher, pixels_hash
from engine.publishing.media import RENDERED_PLAN, Key

# Ids named of each fault.
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How a picture is recognised: by its hash; by nothing where the set does not say."""

    hashed: str | None
    sha256: str | None


@dataclass(slots=True)
class Faults:
    """What cannot be joined, each once, in the order it was met."""

    no_scene: list[str] = field(default_factory=list)
    no_frame: dict[Key, str] = field(default_factory=dict)
    different: list[Key] = field(default_factory=list)
    not_listed: list[Key] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.no_scene or self.no_frame or self.different or self.not_listed)

    def in_words(self, where: str) -> str:
        """The faults in one line, with counts and the first ids."""
        parts = []
        if self.no_scene:
            count = len(self.no_scene)
            parts.append(f"{_are(count, 'scene')} not in {where} ({_some(self.no_scene)})")
        if self.no_frame:
            reason = next(iter(self.no_frame.values()))
            named = _some(map(_shown, self.no_frame))
            count = len(self.no_frame)
            parts.append(
                f"{_are(count, 'frame')} not to be had here ({named}; the first: {reason})"
            )
        if self.different:
            count = len(self.different)
            verb = "differs" if count == 1 else "differ"
            named = _some(map(_shown, self.different))
            parts.append(
                f"{count} frame{'' if count == 1 else 's'} {verb} from the published (another "
                f"download or re-encoded: {named})"
            )
        if self.not_listed:
            named = _some(map(_shown, self.not_listed))
            parts.append(f"{_are(len(self.not_listed), 'frame')} not in the set's table ({named})")
        return ", ".join(parts)


def _are(count: int, noun: str) -> str:
    return f"{count} {noun} is" if count == 1 else f"{count} {noun}s are"


def _shown(key: Key) -> str:
    return f"{key[0]} {key[1]}"


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = ", ..." if len(listed) > _NAMED else ""
    return ", ".join(listed[:_NAMED]) + more


def expected(table: pl.DataFrame | None) -> dict[Key, Expected] | None:
    """The frame table by key."""
    if table is None:
        return None
    return {
        (scene, frame): Expected(hashed=hashed, sha256=sha256)
        for scene, frame, hashed, sha256 in table.iter_rows()
    }


def wanted_pictures(
    rows: pl.DataFrame, known: Mapping[Key, Expected] | None, hasher: Hasher, faults: Faults
) -> dict[tuple[str, tuple[str, ...]], tuple[str, ...]]:
    """The pictures that belong to each (scene, frames) pair of the rows.

    The set's table says which those are: the frames themselves, or the plan where the publisher had
    no pictures of them. Without a table it is what the catalog here has.
    """
    asked = rows.select("scene_id", "frame_ids").unique(maintain_order=True)
    pairs = {(scene, tuple(frames or ())) for scene, frames in asked.iter_rows()}
    found: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}
    for scene, frames in sorted(pairs):
        if known is not None:
            found[scene, frames] = _by_table(scene, frames, known, faults)
            continue
        try:
            found[scene, frames] = hasher.source.shown(scene, frames)
        except (InputError, SceneFormatError) as error:
            faults.no_frame[scene, frames[0] if frames else RENDERED_PLAN] = str(error)
            found[scene, frames] = ()
    return found


def _by_table(
    scene: str, frames: Sequence[str], known: Mapping[Key, Expected], faults: Faults
) -> tuple[str, ...]:
    photographs = tuple(name for name in frames if not name.startswith("rendered:"))
    absent = [name for name in photographs if (scene, name) not in known]
    if photographs and not absent:
        return photographs
    if len(absent) == len(photographs) and (scene, RENDERED_PLAN) in known:
        return (RENDERED_PLAN,)
    faults.not_listed.append((scene, absent[0] if absent else RENDERED_PLAN))
    return ()


def check_pictures(
    wanted: Collection[Key],
    known: Mapping[Key, Expected] | None,
    hasher: Hasher,
    faults: Faults,
    reporter: Reporter,
) -> frozenset[Key]:
    """The wanted pictures that are here and are the published ones; the others are ``faults``."""
    here = set(hasher.catalog.scene_ids())
    good: set[Key] = set()
    with reporter.stage("check frames", len(wanted), "frames") as reached:
        done = 0
        for scene, keys in groupby(sorted(wanted), key=itemgetter(0)):
            asked = list(keys)
            if scene in here:
                # Streams are opened once a scene and let go; what is wrong is said frame by frame.
                with contextlib.suppress(InputError, SceneFormatError):
                    hasher.source.locate(scene, [frame for _, frame in asked])
            else:
                faults.no_scene.append(scene)
            for key in asked:
                expect = known[key] if known is not None else None
                if scene in here and _agrees(key, expect, hasher, faults):
                    good.add(key)
                done += 1
                reached(done)
    return frozenset(good)


def _agrees(key: Key, expect: Expected | None, hasher: Hasher, faults: Faults) -> bool:
    """Whether the picture here is the one meant; says what is wrong with it otherwise."""
    try:
        if key[1] == RENDERED_PLAN:
            found = hasher.plan(key[0]).sha256
        else:
            content = hasher.source.read(*key).content
            by_pixels = expect is not None and expect.hashed == "pixels"
            found = pixels_hash(content) if by_pixels else hashlib.sha256(content).hexdigest()
    except (InputError, SceneFormatError) as error:
        faults.no_frame[key] = str(error)
        return False
    if expect is not None and found != expect.sha256:
        faults.different.append(key)
        return False
    return True
