"""Publishing through the real client against a Hub on this machine, whatever goes wrong on it."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import socket
import time
import types
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hub_server import READER, TOKEN, Fault, Hub, Repository, running_hub
from hub_workspace import PER_ROUND, add_round, make_workspace, no_pictures
from huggingface_hub import close_session
from huggingface_hub import constants as hub_constants

from engine.errors import EnvironmentFault, InputError, OuroborosError, WorkspaceBusy
from engine.progress import QuietReporter
from engine.publishing import hub_client, manifest
from engine.publishing.hub import PublishSettings, PublishSummary, publish
from engine.workspace import Workspace

# The client's own way of handing files to its HTTP library.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

NAME = "user/rooms"
Publish = Callable[..., PublishSummary]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing pictures is tested with pictures."""
    monkeypatch.setattr("engine.publishing.published.frame_table", no_pictures)


@pytest.fixture(scope="module")
def three_rounds(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("hub") / "ws", 3)


@pytest.fixture
def workspace(three_rounds: Workspace, tmp_path: Path) -> Workspace:
    """A copy that a test may change."""
    shutil.copytree(three_rounds.root, tmp_path / "ws", symlinks=True)
    return Workspace.open(tmp_path / "ws")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    # The Xet protocol needs a server of its own: files go the way of LFS, as to any mirror.
    monkeypatch.setattr(hub_constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(hub_constants, "HF_TOKEN_PATH", str(tmp_path / "no token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with running_hub() as running:
        yield running


class Waits(list[float]):
    """Every wait, of the client's own retries and of ours, which takes no time."""


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    slept = Waits()
    clock = types.SimpleNamespace(**(vars(time) | {"sleep": slept.append}))
    monkeypatch.setattr("huggingface_hub.utils._http.time", clock)
    return slept


@pytest.fixture
def send(workspace: Workspace, hub: Hub, waits: Waits) -> Publish:
    """Publish the workspace's first two rounds to NAME, with other settings where given."""

    def sending(**changed: Any) -> PublishSummary:
        settings: dict[str, Any] = {
            "repo_id": NAME, "finished": (1, 2), "today": "2026-01-31", "endpoint": hub.url,
            "token": TOKEN,
        }  # fmt: skip
        settings |= changed
        return publish(workspace, PublishSettings(**settings), QuietReporter(), sleep=waits.append)

    return sending


def there(hub: Hub) -> Repository:
    return hub.repositories[NAME]


def writes(hub: Hub) -> list[str]:
    return [path for method, path in hub.requests if method in ("POST", "PUT", "DELETE")]


def refused(send: Publish, hub: Hub, match: str, **settings: Any) -> OuroborosError:
    """The error of a publication that must not send anything."""
    with pytest.raises(OuroborosError, match=match) as error:
        send(**settings)
    assert "\n" not in str(error.value)
    assert not hub.uploaded
    assert not hub.asked("POST", "/commit/")
    return error.value


def paths_named_in_card(card: str) -> set[str]:
    import yaml

    front = yaml.safe_load(card.split("---\n")[1])
    return {p for c in front["configs"] for split in c["data_files"] for p in split["path"]}


# What is published


def test_a_round_is_one_commit_and_one_tag_in_a_private_repository(send: Publish, hub: Hub) -> None:
    summary = send()
    assert there(hub).private
    titles = [commit.title for commit in there(hub).commits]
    assert titles == ["initial commit", *(f"Round {n}: {PER_ROUND} questions" for n in (1, 2))]
    assert there(hub).tags == {
        f"round-{n:04d}": commit.oid for n, commit in enumerate(there(hub).commits) if n
    }
    assert [step.commit for step in summary.steps] == list(there(hub).tags.values())


def test_every_commit_is_whole(send: Publish, hub: Hub) -> None:
    send()
    for commit in there(hub).commits[1:]:
        named = json.loads(commit.files["manifest.json"])
        hashes = {f["path"]: f["sha256"] for f in named["files"] + named["documents"]}
        assert hashes == {
            path: hashlib.sha256(content).hexdigest()
            for path, content in commit.files.items()
            if path not in ("manifest.json", ".gitattributes")
        }
        assert paths_named_in_card(commit.files["README.md"].decode()) == {
            path for path in hashes if path.endswith(".parquet")
        }


def test_a_third_round_sends_only_what_is_new(send: Publish, hub: Hub) -> None:
    send()
    sent, asked = len(hub.uploaded), len(hub.requests)
    before = dict(there(hub).head.files)
    summary = send(finished=(1, 2, 3))
    after = there(hub).head.files
    new = {path for path in after if path not in before}
    assert new == {"rounds/round-0003/train-00000-of-00001.parquet", "ledger/round-0003.parquet"}
    assert len(hub.uploaded) - sent == len(new)
    assert {path for path in before if before[path] != after[path]} == {
        "README.md", "CHANGELOG.md", "croissant.json", "manifest.json",
    }  # fmt: skip
    assert {c.path for c in summary.tree if c.what == "unchanged"} == set(before) - {
        "README.md", "CHANGELOG.md", "croissant.json", "manifest.json", ".gitattributes",
    }  # fmt: skip
    read = [path for method, path in hub.requests[asked:] if "/resolve/" in path]
    assert all(path.endswith("/manifest.json") for path in read), "something was downloaded"


@pytest.mark.slow
def test_published_rounds_stay_as_they_are_when_another_is_run(
    send: Publish, hub: Hub, workspace: Workspace
) -> None:
    send()
    add_round(workspace, 4)
    summary = send(finished=(1, 2, 3, 4))
    assert [step.tag for step in summary.steps] == ["round-0003", "round-0004"]
    assert {c.path for c in summary.tree if c.what == "changed"} == {
        "README.md", "CHANGELOG.md", "croissant.json", "manifest.json",
    }  # fmt: skip


def test_nothing_new_is_no_commit(send: Publish, hub: Hub) -> None:
    send()
    before = len(writes(hub))
    assert send(today="2026-02-28").steps == ()
    assert send(rounds=1).steps == ()
    assert len(writes(hub)) == before


@pytest.mark.slow
def test_a_new_card_alone_is_a_commit_without_a_tag(
    send: Publish, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    send()
    monkeypatch.setattr("engine.publishing.card._TAGS", ("other-tag",))
    (step,) = send().steps
    assert (step.tag, {c.path for c in step.changes}) == (None, {"README.md", "manifest.json"})
    assert len(there(hub).tags) == 2


@pytest.mark.slow
def test_files_of_others_are_left_alone(send: Publish, hub: Hub) -> None:
    send(rounds=1)
    there(hub).add("a picture for the card", {"assets/room.png": b"png"})
    send()
    assert there(hub).head.files["assets/room.png"] == b"png"


# What goes wrong on the way


def test_a_dropped_upload_goes_on_where_it_was(send: Publish, hub: Hub) -> None:
    hub.faults = [Fault("PUT", "/lfs/", skip=2, times=100, drop=True)]
    with pytest.raises(EnvironmentFault, match=r"cannot be reached .*run the same command again"):
        send()
    assert len(there(hub).commits) == 1, "half a round was published"
    hub.faults = []
    arrived = len(hub.uploaded)
    assert arrived
    send()
    assert len(hub.uploaded) == len(set(hub.uploaded)), "something was sent twice"
    assert len(there(hub).tags) == 2


def test_single_drops_anywhere_are_not_even_noticed(send: Publish, hub: Hub, waits: Waits) -> None:
    hub.faults = [
        Fault("GET", "/api/datasets/user/rooms$", drop=True),
        Fault("POST", "/repos/create", drop_after=True),
        Fault("GET", "/tree/", drop=True),
        Fault("POST", "/preupload/", drop=True),
        Fault("POST", "/objects/batch", drop_after=True),
        Fault("PUT", "/lfs/", drop_after=True),
        Fault("POST", "/lfs/verify", drop=True),
        Fault("POST", "/tag/", drop_after=True),
        Fault("POST", "/commit/", skip=1, drop=True),
    ]
    send()
    assert not any(fault.times for fault in hub.faults), "a fault did not happen"
    assert len(there(hub).commits) == 3
    assert len(there(hub).tags) == 2
    assert waits


def test_a_commit_whose_answer_is_lost_is_not_made_twice(send: Publish, hub: Hub) -> None:
    hub.faults = [Fault("POST", "/commit/", times=2, drop_after=True)]
    send()
    assert [commit.title[:7] for commit in there(hub).commits[1:]] == ["Round 1", "Round 2"]
    assert len(there(hub).tags) == 2


def test_a_tag_left_out_is_made_up_for(send: Publish, hub: Hub) -> None:
    hub.faults = [Fault("POST", "/tag/", times=100, status=500)]
    with pytest.raises(EnvironmentFault, match=r"500.*run the same command again"):
        send(rounds=1)
    hub.faults = []
    assert not there(hub).tags
    assert send(rounds=1).steps == ()
    assert there(hub).tags == {"round-0001": there(hub).head.oid}


@pytest.mark.parametrize(
    "path",
    [
        "/commit/",
        pytest.param("/preupload/", marks=pytest.mark.slow),
        pytest.param("/api/datasets/user/rooms$", marks=pytest.mark.slow),
    ],
)
def test_the_wait_that_the_hub_asks_for_is_kept(
    send: Publish, hub: Hub, waits: Waits, path: str
) -> None:
    method = "GET" if path.endswith("$") else "POST"
    hub.faults = [Fault(method, path, status=429, headers={"Retry_After": "37"})]
    send()
    assert max(waits) >= 37
    assert len(there(hub).tags) == 2


def test_a_wait_that_is_too_long_is_told(send: Publish, hub: Hub) -> None:
    fault = Fault("GET", "/rooms$", times=9, status=429, headers={"Retry_After": "86400"})
    hub.faults = [fault]
    refused(send, hub, "come back in 86400 s")


def test_server_errors_are_waited_out_longer_each_time(
    send: Publish, hub: Hub, waits: Waits
) -> None:
    hub.faults = [Fault("POST", "/commit/", times=3, status=503)]
    send()
    assert waits == [1.0, 2.0, 4.0]
    hub.faults = [Fault("GET", "/refs", times=100, status=502, message="bad gateway")]
    with pytest.raises(EnvironmentFault, match="502: bad gateway"):
        send()


@pytest.mark.slow
def test_slow_answers_are_waited_for(send: Publish, hub: Hub) -> None:
    hub.faults = [Fault("POST", "/commit/", seconds=0.2), Fault("PUT", "/lfs/", seconds=0.1)]
    send(rounds=1)
    assert len(there(hub).tags) == 1


def test_a_card_that_the_hub_does_not_accept_stops_the_round(
    send: Publish, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.publishing.card._size", lambda rows: "small")
    with pytest.raises(InputError, match=r"400: .size_categories. 'small' is not allowed"):
        send()
    assert len(there(hub).commits) == 1


# Who may


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"token": "hf_wrong"}, r"401.*hf auth login"),
        ({"token": None}, r"401.*HF_TOKEN"),
        ({"token": READER}, r"403.*may write to user"),
        ({"repo_id": "somebody/rooms"}, r"403.*somebody"),
        ({"repo_id": "rooms"}, "'rooms': write the repository as user/name"),
        ({"repo_id": "/rooms"}, "user/name"),
        ({"repo_id": "user/a/b"}, "no name of a repository"),
        ({"repo_id": "user/röoms"}, "no name of a repository"),
        ({"repo_id": "user/a\nb"}, r"user/a\?b"),
        ({"repo_id": "user/x--y"}, "no name of a repository"),
        ({"repo_id": f"user/{'x' * 120}"}, "no name of a repository"),
        ({"rounds": 9}, "--rounds 9: only 2 rounds are finished"),
        ({"finished": ()}, "no round is finished"),
    ],
)
def test_what_is_refused_is_one_line(
    send: Publish, hub: Hub, settings: dict[str, Any], match: str
) -> None:
    refused(send, hub, match, **settings)


def test_a_token_that_may_only_look_is_told_so_at_an_existing_repository(
    send: Publish, hub: Hub
) -> None:
    hub.create(NAME)
    refused(send, hub, r"403: You don't have the rights", token=READER)


def test_a_repository_of_others_is_left_alone(send: Publish, hub: Hub) -> None:
    hub.create(NAME).add("data", {"train.csv": b"a,b\n"})
    refused(send, hub, r"did not publish \(\.gitattributes, train\.csv\)")
    hub.repositories.clear()
    hub.create(NAME).add("data", {"manifest.json": b'["not ours"]'})
    refused(send, hub, "did not publish")


@pytest.mark.slow
def test_an_empty_repository_is_filled(send: Publish, hub: Hub) -> None:
    hub.create(NAME)
    send()
    assert len(there(hub).tags) == 2


def test_public_is_said_once_when_the_repository_is_made(send: Publish, hub: Hub) -> None:
    assert not send(public=True, rounds=1).private
    assert not there(hub).private
    assert not send().private, "a public repository was taken for a private one"
    there(hub).private = True
    with pytest.raises(InputError, match="is private, and --public only says"):
        send(public=True)


# Others at the same time


def overtaking(hub: Hub, changes: dict[str, bytes | None]) -> list[Fault]:
    """Somebody else commits right before our second commit arrives."""

    def commit() -> None:
        with hub.lock:
            there(hub).add("somebody else", changes)

    return [Fault("POST", "/commit/", skip=1, before=commit)]


def test_a_commit_that_touches_nothing_of_ours_is_built_upon(send: Publish, hub: Hub) -> None:
    hub.faults = overtaking(hub, {"assets/room.png": b"png"})
    send()
    titles = [commit.title[:7] for commit in there(hub).commits[1:]]
    assert titles == ["Round 1", "somebod", "Round 2"]
    assert there(hub).head.files["assets/room.png"] == b"png"


def test_a_commit_to_our_files_is_not_overwritten(send: Publish, hub: Hub) -> None:
    hub.faults = overtaking(hub, {"README.md": b"mine"})
    with pytest.raises(InputError, match=r"another publisher changed README\.md.*round-0002"):
        send()
    assert there(hub).head.files["README.md"] == b"mine"
    assert set(there(hub).tags) == {"round-0001"}


def test_another_publisher_of_the_same_set_is_no_conflict(
    send: Publish, hub: Hub, three_rounds: Workspace
) -> None:
    send(rounds=1)

    def same() -> None:
        settings = PublishSettings(
            repo_id=NAME, finished=(1, 2), today="2026-01-31", endpoint=hub.url, token=TOKEN
        )
        publish(three_rounds, settings, QuietReporter())

    hub.faults = [Fault("POST", "/commit/", before=same)]
    send()
    assert [c.title[:7] for c in there(hub).commits[1:]] == ["Round 1", "Round 2"]
    assert len(there(hub).tags) == 2


def test_two_publishers_of_one_workspace_exclude_each_other(
    send: Publish, hub: Hub, workspace: Workspace
) -> None:
    import filelock

    with (
        filelock.FileLock(workspace.root / ".publish.lock"),
        pytest.raises(WorkspaceBusy, match="another process is publishing"),
    ):
        send()


# What is there already, and differs


def test_rounds_of_another_workspace_are_only_replaced_when_asked(
    send: Publish, hub: Hub, workspace: Workspace
) -> None:
    send(finished=(1, 2, 3))
    add_round(workspace, 2, answer="4")
    with pytest.raises(InputError, match=r"round-0002/train.* differ .*--replace"):
        send(finished=(1, 2, 3))
    assert len(there(hub).commits) == 4
    send(replace=True)
    assert "ledger/round-0003.parquet" not in there(hub).head.files
    files = {c.title[:7]: set(c.files) for c in there(hub).commits[4:]}
    assert not {path for path in files["Round 1"] if "0002" in path}
    assert there(hub).tags["round-0002"] == there(hub).head.oid


@pytest.mark.slow
def test_rounds_that_this_workspace_lacks_are_not_taken_back(send: Publish, hub: Hub) -> None:
    send()
    with pytest.raises(InputError, match=r"round-0002 is published there.* ends with round-0001"):
        send(finished=(1,))


def test_a_card_edited_on_the_hub_is_not_overwritten_unasked(send: Publish, hub: Hub) -> None:
    send(rounds=1)
    there(hub).add("Edit the card", {"README.md": b"---\n---\nby hand\n"})
    with pytest.raises(InputError, match=r"README\.md was changed on the Hub"):
        send()
    send(replace=True)
    assert b"by hand" not in there(hub).head.files["README.md"]


def test_a_tag_that_names_something_else_is_not_moved_unasked(send: Publish, hub: Hub) -> None:
    first = hub.create(NAME).head.oid
    there(hub).tags["round-0002"] = first
    refused(send, hub, f"tag round-0002 is there .commit {first[:8]}")
    send(replace=True)
    assert there(hub).tags["round-0002"] != first


# What must not be published


def test_a_leaked_room_is_refused_before_anything_is_sent(
    send: Publish, hub: Hub, workspace: Workspace
) -> None:
    plan = workspace.plan(2)
    assert plan is not None
    scenes = plan["inputs"]["scenes"].items()
    held_out = next(scene for scene, facts in scenes if facts["role"] == "held_out")
    add_round(workspace, 2, scene_id=held_out)
    refused(send, hub, rf"scene {held_out} are from rooms held out")
    assert not writes(hub)


def test_benchmark_scenes_are_published_in_public_only_when_asked(
    send: Publish, hub: Hub, workspace: Workspace
) -> None:
    add_round(workspace, 2, benchmark=True)
    refused(send, hub, "6 samples .*--allow-benchmark-scenes", public=True)
    summary = send()
    assert "Made from benchmark scenes" in summary.card
    assert "benchmark-scenes" in summary.card
    there(hub).private = False
    with pytest.raises(InputError, match="--allow-benchmark-scenes"):
        send(finished=(1, 2, 3))
    send(finished=(1, 2, 3), allow_benchmark=True)
    assert len(there(hub).tags) == 3


def test_an_unknown_dataset_is_refused_unless_the_rights_are_vouched_for(
    send: Publish, hub: Hub, workspace: Workspace
) -> None:
    add_round(workspace, 2, dataset="my | scans")
    refused(send, hub, r"my \| scans.*--i-hold-redistribution-rights")
    assert r"| my \| scans |" in send(holds_rights=True).card


def test_a_full_disk_is_one_line_and_leaves_nothing_behind(
    send: Publish, hub: Hub, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(rounds=1)
    before = {p: p.read_bytes() for p in (workspace.root / "published").rglob("*") if p.is_file()}

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(manifest.HashedFile, "write", full)
    with pytest.raises(EnvironmentFault, match="No space left on device"):
        send()
    after = {p: p.read_bytes() for p in (workspace.root / "published").rglob("*") if p.is_file()}
    assert after == before
    assert not list(workspace.root.glob(".published*"))
    assert len(there(hub).tags) == 1
    monkeypatch.undo()


# Looking first


def test_a_dry_run_shows_everything_and_sends_nothing(send: Publish, hub: Hub) -> None:
    summary = send(dry_run=True)
    assert not writes(hub)
    assert "no such repository" in summary.unseen
    assert {c.what for c in summary.tree} == {"added"}
    send(rounds=1)
    sent = len(writes(hub))
    summary = send(dry_run=True)
    assert len(writes(hub)) == sent
    assert [step.tag for step in summary.steps] == ["round-0002"]
    assert {c.what for c in summary.tree} == {"added", "changed", "unchanged"}
    assert paths_named_in_card(summary.card) <= {c.path for c in summary.tree}


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", None])
def test_a_dry_run_works_without_a_hub(
    send: Publish, endpoint: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if endpoint is None:
        monkeypatch.setattr(hub_constants, "HF_HUB_OFFLINE", True)
        close_session()
    summary = send(dry_run=True, endpoint=endpoint)
    assert "cannot be reached" in summary.unseen
    assert len(summary.steps) == 2
    if endpoint is None:
        close_session()


def test_a_hub_that_is_not_there_is_one_line(send: Publish, hub: Hub) -> None:
    error = refused(send, hub, "cannot be reached", endpoint="http://127.0.0.1:9")
    assert isinstance(error, EnvironmentFault)


def test_a_hub_that_never_answers_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, waits: Waits
) -> None:
    """The client asks for what a repository holds, and for its files, without a limit of time."""
    monkeypatch.setattr(hub_client, "_SILENCE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = hub_client.HubClient(
            NAME, note=print, endpoint=endpoint, token=TOKEN, sleep=waits.append, tries=2
        )
        listing = partial(client._ask, "to list", lambda: client._files("main"), tries=1)
        for ask in (client.remote, client.head, listing):
            with pytest.raises(EnvironmentFault, match="cannot be reached"):
                ask()
    assert waits, "nothing was tried again"


def test_the_same_workspace_gives_the_same_bytes(
    send: Publish, hub: Hub, three_rounds: Workspace
) -> None:
    send()
    settings = PublishSettings(
        repo_id="user/rooms", finished=(1, 2), today="2026-01-31", endpoint=hub.url, token=TOKEN
    )
    before = there(hub)
    del hub.repositories[NAME]
    publish(three_rounds, settings, QuietReporter())
    assert [c.files for c in there(hub).commits] == [c.files for c in before.commits]
