"""What publishing a tree changes on the Hub, and what forbids it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from engine.errors import InputError
from engine.publishing.hub_remote import Remote
from engine.publishing.published import Tree
from engine.publishing.published_files import round_name

ADDED, CHANGED, UNCHANGED, REMOVED = "added", "changed", "unchanged", "removed"
REPLACE = "--replace"
# Paths named in a message.
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of one path, and its size (bytes) afterwards (before, for one removed)."""

    path: str
    what: str
    bytes: int


def changes(tree: Tree, remote: Remote) -> list[Change]:
    """What publishing ``tree`` does to the repository, by path.

    Only what was published before is ever removed: other files there are left alone.
    """
    found = []
    for path, file in tree.files.items():
        there = remote.files.get(path)
        what = ADDED if there is None else UNCHANGED if there.holds(file) else CHANGED
        found.append(Change(path=path, what=what, bytes=file.bytes))
    gone = (remote.listed & remote.files.keys()) - tree.files.keys() if remote.is_ours else ()
    found += [Change(path=p, what=REMOVED, bytes=remote.files[p].bytes) for p in gone]
    return sorted(found, key=lambda each: each.path)


def counted(found: Sequence[Change]) -> Mapping[str, int]:
    """How many paths each thing happens to."""
    return {
        what: sum(each.what == what for each in found)
        for what in (ADDED, CHANGED, REMOVED, UNCHANGED)
    }


def touched(before: Remote, now: Remote, tree: Tree) -> list[str]:
    """Paths of ``tree``, or published before, that others changed to something else meanwhile."""
    found = []
    for path in sorted(tree.files.keys() | (before.listed if before.is_ours else frozenset())):
        file, was, there = tree.files.get(path), before.files.get(path), now.files.get(path)
        unchanged = there.same_as(was) if there and was else there is was
        as_wanted = there.holds(file) if there and file else (there is None) == (file is None)
        if not unchanged and not as_wanted:
            found.append(path)
    return found


def refuse_foreign(repo_id: str, remote: Remote) -> None:
    """Raise InputError for a repository that holds what this program did not publish."""
    if remote.is_empty or remote.is_ours:
        return
    raise InputError(
        f"{repo_id}: holds files that this program did not publish ({listed(remote.files)}); "
        "choose another name, or empty the repository"
    )


def data_conflict(tree: Tree, remote: Remote) -> str | None:
    """Why the newest ``tree`` cannot follow what is published there; None where it can.

    What is there would be taken back or rewritten: another workspace's set, or rounds that this
    one does not have.
    """
    if not remote.is_ours:
        return None
    if max(remote.rounds, default=0) > tree.round:
        return (
            f"{round_name(max(remote.rounds))} is published there, and this workspace ends with "
            f"{round_name(tree.round)}; publish the workspace that has it, or choose another name"
        )
    # Data that is there and not listed was laid down by others: ours would overwrite it.
    differing = [c.path for c in changes(tree, remote) if c.what == CHANGED and c.path in tree.data]
    differing += (remote.listed & remote.files.keys()) - tree.files.keys()
    if not differing:
        return None
    return (
        f"{listed(differing)} there differ from this workspace's: published from another one, or "
        "with another version; choose another name"
    )


def document_conflict(remote: Remote) -> str | None:
    """Which documents were changed on the Hub, and would lose what was written there."""
    edited = remote.edited() if remote.is_ours else []
    if not edited:
        return None
    verb = "was" if len(edited) == 1 else "were"
    return (
        f"{listed(edited)} {verb} changed on the Hub after publishing; keep a copy of what was "
        "written there"
    )


def tag_conflict(rounds: Collection[int], remote: Remote) -> str | None:
    """A tag that is there before its round is."""
    for number in sorted(rounds):
        tag = round_name(number)
        if tag in remote.tags:
            return (
                f"the tag {tag} is there (commit {remote.tags[tag][:8]}) and the round is not; "
                "delete the tag on the Hub"
            )
    return None


def listed(paths: Collection[str]) -> str:
    """The first few paths and how many more."""
    named = sorted(paths)
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"{', '.join(named[:_NAMED])}{more}"
