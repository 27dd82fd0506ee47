"""Publishing a workspace to a dataset repository on the Hub: one commit and one tag a round.

A commit holds a round's files together with the card, changelog, description and manifest that
speak of them, so the repository never names what it does not hold. What it holds already is known
from its listing and is neither downloaded nor sent again. Stopped anywhere, the same command goes
on: files that were sent are known to the Hub by their hash, rounds by the manifest.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.errors import EnvironmentFault, InputError, OuroborosError, WorkspaceBusy
from engine.progress import Reporter
from engine.publishing import hub_diff
from engine.publishing.hub_client import TRIES, HubClient, Overtaken, Sleep
from engine.publishing.hub_diff import UNCHANGED, Change
from engine.publishing.hub_remote import Remote, RemoteFile
from engine.publishing.manifest import MANIFEST
from engine.publishing.published import CARD, Edition, Published, Tree, prepare
from engine.publishing.published_files import round_name
from engine.workspace import Workspace, reported_os_errors

PUBLIC, ALLOW_BENCHMARK = "--public", "--allow-benchmark-scenes"
# How often one commit is made anew on top of others' that do not touch its files.
_REBASES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishSettings:
    """What to publish, where, and what the user vouches for.

    ``finished`` are the workspace's finished rounds, of which those up to ``rounds`` (None: all)
    are published. ``today`` (``2026-01-31``) is the date of what is new. ``replace`` overwrites
    what is on the Hub where it differs from what this workspace published or would publish.
    ``media`` is ``omitted`` or ``embedded``.
    """

    repo_id: str
    finished: Sequence[int]
    today: str
    rounds: int | None = None
    public: bool = False
    dry_run: bool = False
    media: str = "omitted"
    holds_rights: bool = False
    allow_benchmark: bool = False
    replace: bool = False
    endpoint: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One commit: the round it publishes (its tag), or a new card for a round that is there."""

    title: str
    tag: str | None
    changes: tuple[Change, ...]
    commit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishSummary:
    """What was done, or would be: commits, and the newest tree against what was there before.

    ``unseen`` says why nothing is known of the repository; then everything counts as added.
    """

    repo_id: str
    url: str
    exists: bool
    private: bool
    unseen: str
    steps: tuple[Step, ...]
    tree: tuple[Change, ...]
    card: str


def publish(
    workspace: Workspace,
    settings: PublishSettings,
    reporter: Reporter,
    *,
    sleep: Sleep = time.sleep,
) -> PublishSummary:
    """Bring the repository up to the workspace's rounds, or with ``dry_run`` say what that takes.

    Raises:
        InputError: the name, the token, what is there, or what the samples and the sources' terms
            do not allow; before anything is sent, except where another publisher came between.
        EnvironmentFault: the Hub or the disk refuses; what was committed is whole.
    """
    with _alone(workspace):
        client = HubClient(
            settings.repo_id, note=reporter.note, endpoint=settings.endpoint, token=settings.token,
            sleep=sleep, tries=1 if settings.dry_run else TRIES,
        )  # fmt: skip
        remote = _look(client, settings)
        rounds = _rounds(settings, remote)
        published = prepare(
            workspace,
            rounds,
            Edition(
                repo_id=settings.repo_id,
                dates={n: remote.dates.get(n, settings.today) for n in rounds},
                media=settings.media,
                holds_rights=settings.holds_rights,
            ),
            wanted=rounds if settings.replace else _after(rounds, remote),
            reporter=reporter,
        )
        _refuse_exposure(settings, remote, published)
        plan = _plan(settings, remote, published)
        steps: Sequence[Step] = _foreseen(plan, remote)
        tree = tuple(hub_diff.changes(published.newest, remote))
        if not settings.dry_run:
            steps = _carry_out(client, settings, remote, plan, reporter)
        card = published.newest.files[CARD].content
        assert isinstance(card, bytes)
        return PublishSummary(
            repo_id=settings.repo_id,
            url=f"{client.endpoint}/datasets/{settings.repo_id}",
            exists=remote.exists,
            private=remote.private if remote.exists else not settings.public,
            unseen=remote.unseen,
            steps=tuple(steps),
            tree=tree,
            card=card.decode(),
        )


@contextlib.contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """No two processes stage or send the same workspace at a time; a run may go on meanwhile."""
    import filelock

    lock = filelock.FileLock(workspace.root / ".publish.lock", timeout=0)
    with reported_os_errors(workspace.root):
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise WorkspaceBusy(
                f"{workspace.root}: another process is publishing this workspace; wait for it"
            ) from error
    try:
        yield
    finally:
        lock.release()


def _look(client: HubClient, settings: PublishSettings) -> Remote:
    """The repository as it is. A dry run goes on without it, saying why it cannot be seen."""
    try:
        remote = client.remote()
    except OuroborosError as error:
        if not settings.dry_run:
            raise
        return Remote(unseen=str(error).removeprefix(f"{settings.repo_id}: "))
    hub_diff.refuse_foreign(settings.repo_id, remote)
    if not remote.exists:
        return dataclasses.replace(remote, unseen="there is no such repository to be seen")
    return remote


def _rounds(settings: PublishSettings, remote: Remote) -> list[int]:
    """The rounds that are to stand there: never fewer than do, as far as the workspace has them."""
    wanted = settings.rounds
    if wanted is None:
        return sorted(settings.finished)
    missing = settings.finished and wanted > max(settings.finished)
    if missing:
        raise InputError(
            f"--rounds {wanted}: only {max(settings.finished)} rounds are finished; run more with "
            f"`ouroboros run --rounds {wanted}`, or leave the option out"
        )
    last = max(wanted, max(remote.rounds, default=0))
    return sorted(number for number in settings.finished if number <= last)


def _after(rounds: Sequence[int], remote: Remote) -> list[int]:
    """Rounds that are not published there yet."""
    newest = max(remote.rounds, default=0)
    return [number for number in rounds if number > newest]


def _refuse_exposure(settings: PublishSettings, remote: Remote, published: Published) -> None:
    """Raise InputError for what everyone would see and should not, or for a wish not granted."""
    if remote.exists and settings.public and remote.private:
        raise InputError(
            f"{settings.repo_id}: exists and is private, and {PUBLIC} only says how a new "
            "repository is made; change its visibility in its settings on the Hub"
        )
    public = not remote.private if remote.exists else settings.public
    if public and published.benchmark and not settings.allow_benchmark:
        # Who trains on whatever the Hub has would train on VSI-Bench's rooms without knowing.
        raise InputError(
            f"{settings.repo_id}: {published.benchmark} samples are from a benchmark's scenes, and "
            "a public training set of them spoils that benchmark for everyone; publish privately, "
            f"or pass {ALLOW_BENCHMARK}, which marks it in the card"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A commit to be: the tree, its title, and its tag; ``moves`` says the tag may be moved."""

    tree: Tree
    title: str
    tag: str | None
    moves: bool = False


def _plan(settings: PublishSettings, remote: Remote, published: Published) -> list[_Planned]:
    """The commits to make, in order. Raises InputError for what only --replace may do."""
    newest = published.newest
    anew = hub_diff.data_conflict(newest, remote)
    first = 0 if anew else max(remote.rounds, default=0)
    coming = sorted(number for number in published.trees if number > first)
    conflict = (
        anew
        or (hub_diff.document_conflict(remote) if remote.is_ours else None)
        or hub_diff.tag_conflict(coming, remote)
    )
    if conflict and not settings.replace:
        raise InputError(
            f"{settings.repo_id}: {conflict}, or overwrite what is there with {hub_diff.REPLACE}"
        )
    if coming:
        return [
            _Planned(
                tree=published.trees[number],
                title=_title(published, number),
                tag=round_name(number),
                moves=settings.replace,
            )
            for number in coming
        ]
    if all(change.what == UNCHANGED for change in hub_diff.changes(newest, remote)):
        return []
    return [_Planned(tree=newest, title=f"New card for {round_name(newest.round)}", tag=None)]


def _title(published: Published, number: int) -> str:
    samples = published.numbers[number].samples
    return f"Round {number}: {samples:,} question{'' if samples == 1 else 's'}"


def _foreseen(plan: Sequence[_Planned], remote: Remote) -> list[Step]:
    """What each commit will change if nobody comes between."""
    steps = []
    for each in plan:
        found = tuple(c for c in hub_diff.changes(each.tree, remote) if c.what != UNCHANGED)
        steps.append(Step(title=each.title, tag=each.tag, changes=found))
        remote = _after_commit(remote, each.tree, remote.head)
    return steps


def _carry_out(
    client: HubClient,
    settings: PublishSettings,
    remote: Remote,
    plan: Sequence[_Planned],
    reporter: Reporter,
) -> list[Step]:
    """Make the repository where there is none, the commits, and the tags."""
    if not remote.exists:
        client.create(private=not settings.public)
        remote = client.remote()
        hub_diff.refuse_foreign(settings.repo_id, remote)
        if remote.private is settings.public:
            raise EnvironmentFault(
                f"{settings.repo_id}: was made {'private' if remote.private else 'public'}, which "
                "was not asked for; nothing was sent: delete it, or change it in its settings"
            )
    elif not remote.private:
        reporter.note(f"{settings.repo_id} is public")
    if not settings.replace:
        _tag_the_last(client, remote)
    steps = []
    for each in plan:
        remote, step = _commit(client, remote, each, reporter)
        steps.append(step)
    return steps


def _tag_the_last(client: HubClient, remote: Remote) -> None:
    """Give the newest round there the tag that a publisher stopped after its commit left out."""
    if remote.is_ours and remote.rounds and round_name(remote.rounds[-1]) not in remote.tags:
        name = round_name(remote.rounds[-1])
        client.tag(name, remote.head, message=f"After {name}")


def _commit(
    client: HubClient, remote: Remote, planned: _Planned, reporter: Reporter
) -> tuple[Remote, Step]:
    """One commit and its tag; the repository as it is afterwards."""
    tree = planned.tree
    for _ in range(_REBASES):
        found = [c for c in hub_diff.changes(tree, remote) if c.what != UNCHANGED]
        if not found:  # made before, its answer lost, or by another publisher of the same
            commit = remote.head
            break
        with reporter.stage(f"round {tree.round}", len(found), "files") as reached:
            operations = client.send(tree, found, reached)
            reached(len(found))
        try:
            commit = client.commit(operations, parent=remote.head, title=planned.title)
            break
        except Overtaken:
            now = client.remote()
            _refuse_overtaken(client.repo_id, remote, now, tree)
            remote = now
    else:
        raise EnvironmentFault(
            f"{client.repo_id}: others commit there faster than this does; wait and run the same "
            "command again"
        )
    if planned.tag is not None:
        client.tag(planned.tag, commit, message=f"After {planned.tag}", replace=planned.moves)
    step = Step(title=planned.title, tag=planned.tag, changes=tuple(found), commit=commit)
    return _after_commit(remote, tree, commit), step


def _refuse_overtaken(repo_id: str, before: Remote, now: Remote, tree: Tree) -> None:
    touched = hub_diff.touched(before, now, tree)
    if touched:
        raise InputError(
            f"{repo_id}: another publisher changed {hub_diff.listed(touched)} there meanwhile "
            f"(commit {now.head[:8]}); nothing of {round_name(tree.round)} was committed: look at "
            "what is there now, then run the command again"
        )


def _after_commit(remote: Remote, tree: Tree, commit: str) -> Remote:
    """The repository once ``tree`` is committed, without asking the Hub."""
    ours = remote.listed if remote.is_ours else frozenset()
    kept = {path: file for path, file in remote.files.items() if path not in ours}
    new = {
        path: RemoteFile(path=path, bytes=f.bytes, git_blob=f.git_blob(), sha256=f.sha256)
        for path, f in tree.files.items()
    }
    manifest = tree.files[MANIFEST].content
    assert isinstance(manifest, bytes)
    return dataclasses.replace(
        remote, exists=True, head=commit, files=kept | new, manifest=json.loads(manifest)
    )
