"""The Hub's own client with what a long upload needs: patience, time limits, and one-line errors.

The client tries uploads and listings again by itself, honouring ``Retry-After``; other requests are
tried again here the same way. A commit is never sent blindly twice: where its answer was
lost, the repository's head tells whether it was made (:class:`Overtaken`).
"""

from __future__ import annotations

import contextlib
import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from engine.errors import EnvironmentFault, InputError
from engine.publishing.hub_diff import REMOVED, Change
from engine.publishing.hub_faults import AGAIN, OVERTAKEN, Fault, explained, fault_of
from engine.publishing.hub_remote import Remote, RemoteFile
from engine.publishing.manifest import MANIFEST
from engine.publishing.published import Tree

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    Operations = Sequence[CommitOperationAdd | CommitOperationDelete]

_T = TypeVar("_T")
Sleep = Callable[[float], None]

TRIES = 6
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 30.0
# The Hub's rate limits reset within 5 minutes; a longer wait is better known than sat through.
_PATIENCE_S = 330.0
# A connection that says nothing for so long is dropped and tried again.
_SILENCE_S = 120.0
# Large files sent at the same time, as many as the client's own default.
_TOGETHER = 5
_BRANCH = "main"
_KIND = "dataset"


class Overtaken(Exception):
    """The repository has another head than the one a commit was made for."""


class HubClient:
    """One dataset repository, as the user whose token is found (or given) may see and change it."""

    def __init__(
        self,
        repo_id: str,
        *,
        note: Callable[[str], None],
        endpoint: str | None = None,
        token: str | None = None,
        sleep: Sleep = time.sleep,
        tries: int = TRIES,
    ) -> None:
        """``tries`` is how often a request is made that the client does not repeat by itself.

        Raises InputError for a name that is none, EnvironmentFault without the client.
        """
        try:
            from huggingface_hub import HfApi
        except ImportError as error:
            raise EnvironmentFault(
                "huggingface_hub is not installed, which publishing needs; "
                "pip install 'ouroboros-spatial[hub]'"
            ) from error
        check_name(repo_id)
        self.repo_id = repo_id
        self._api = HfApi(endpoint=endpoint, token=token, library_name="ouroboros-spatial")
        self.endpoint = str(self._api.endpoint)
        self._note = note
        self._sleep = sleep
        self._tries = tries

    def remote(self) -> Remote:
        """The repository as it is now; :attr:`Remote.exists` is false where none is to be seen."""
        info, fault = self._or_fault(
            "to say what it holds", lambda: self._api.repo_info(self.repo_id, repo_type=_KIND)
        )
        if info is None:
            if fault is not None and fault.missing:
                return Remote()
            assert fault is not None
            raise explained(fault, self.repo_id, self.endpoint, "to say what it holds")
        head = str(info.sha)
        # Tried again by the client itself, page by page.
        files = self._ask("to list its files", lambda: self._files(head), tries=1)
        refs = self._ask(
            "to list its tags", lambda: self._api.list_repo_refs(self.repo_id, repo_type=_KIND)
        )
        return Remote(
            exists=True,
            private=bool(info.private),
            head=head,
            files=files,
            tags={tag.name: tag.target_commit for tag in refs.tags},
            manifest=self._manifest(head) if MANIFEST in files else {},
        )

    def create(self, *, private: bool) -> None:
        """Make the repository."""
        self._ask(
            "to create it",
            lambda: self._api.create_repo(
                self.repo_id, repo_type=_KIND, private=private, exist_ok=True
            ),
        )

    def send(
        self, tree: Tree, changes: Sequence[Change], reached: Callable[[int], None]
    ) -> Operations:
        """Send the large files among the changed ones, those the Hub has already aside.

        Returns what :meth:`commit` commits.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        additions = [
            CommitOperationAdd(each.path, tree.files[each.path].content)
            for each in changes
            if each.what != REMOVED
        ]
        for start in range(0, len(additions), _TOGETHER):
            group = additions[start : start + _TOGETHER]
            # Tried again by the client itself, request by request.
            self._ask("to take files", partial(self._preupload, group), tries=1)
            reached(start + len(group))
        gone = [CommitOperationDelete(each.path) for each in changes if each.what == REMOVED]
        return [*additions, *gone]

    def commit(
        self,
        operations: Operations,
        *,
        parent: str,
        title: str,
    ) -> str:
        """Commit on top of ``parent`` and return the commit's id.

        Raises Overtaken when the repository's head is not ``parent``: someone else's commit, or
        this very one, whose answer was lost.
        """
        doing = "to commit"
        for attempt in range(1, TRIES + 1):
            made, fault = self._or_fault(
                doing, lambda: self._commit(operations, parent, title), tries=1
            )
            if made is not None:
                return made
            assert fault is not None
            if fault.status == OVERTAKEN or (fault.passing and self.head() != parent):
                raise Overtaken(self.repo_id)
            if not fault.passing or attempt == TRIES:
                raise explained(fault, self.repo_id, self.endpoint, doing)
            self._wait(fault, attempt, doing)
        raise AssertionError("unreachable")

    def head(self) -> str:
        """The newest commit's id."""
        info = self._ask(
            "to say where it stands", lambda: self._api.repo_info(self.repo_id, repo_type=_KIND)
        )
        return str(info.sha)

    def tag(self, name: str, commit: str, *, message: str, replace: bool = False) -> None:
        """Tag a commit; one that is tagged so already is fine.

        Raises InputError where the tag names another commit, unless it may be moved.
        """
        doing = f"to tag {name}"
        for _ in range(2):
            _, fault = self._or_fault(
                doing,
                lambda: self._api.create_tag(
                    self.repo_id, repo_type=_KIND, tag=name, revision=commit, tag_message=message
                ),
            )
            if fault is None:
                return
            if not fault.taken:
                raise explained(fault, self.repo_id, self.endpoint, doing)
            refs = self._ask(doing, lambda: self._api.list_repo_refs(self.repo_id, repo_type=_KIND))
            if commit in [tag.target_commit for tag in refs.tags if tag.name == name]:
                return
            if not replace:
                break
            self._ask(doing, lambda: self._api.delete_tag(self.repo_id, repo_type=_KIND, tag=name))
        raise InputError(
            f"{self.repo_id}: the tag {name} was given to another commit meanwhile; look at the "
            "repository's history, delete the tag and run the command again"
        )

    # What is asked

    def _files(self, revision: str) -> dict[str, RemoteFile]:
        from huggingface_hub.hf_api import RepoFile

        entries = self._api.list_repo_tree(
            self.repo_id, repo_type=_KIND, revision=revision, recursive=True
        )
        return {
            each.path: RemoteFile(
                path=each.path,
                bytes=each.size,
                git_blob=each.blob_id,
                sha256=each.lfs.sha256 if each.lfs else None,
            )
            for each in entries
            if isinstance(each, RepoFile)
        }

    def _manifest(self, revision: str) -> Mapping[str, Any]:
        """The published manifest; empty where it is none."""
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = self._ask(
                "to read its manifest",
                lambda: self._api.hf_hub_download(
                    self.repo_id, MANIFEST, repo_type=_KIND, revision=revision, local_dir=folder
                ),
                tries=min(self._tries, 2),
            )
            try:
                with open(path, encoding="utf-8") as file:  # noqa: PTH123  a path as text
                    content = json.load(file)
            except ValueError:
                return {}
        return content if isinstance(content, dict) else {}

    def _preupload(self, additions: Sequence[CommitOperationAdd]) -> bool:
        self._api.preupload_lfs_files(
            self.repo_id, list(additions), repo_type=_KIND, revision=_BRANCH, num_threads=_TOGETHER,
            free_memory=False,
        )  # fmt: skip
        return True

    def _commit(self, operations: Operations, parent: str, title: str) -> str:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", UserWarning)
            made = self._api.create_commit(
                self.repo_id, list(operations), commit_message=title, repo_type=_KIND,
                revision=_BRANCH, parent_commit=parent,
            )  # fmt: skip
        for each in said:
            if each.category is UserWarning:
                self._note(" ".join(str(each.message).split()))
        return str(made.oid)

    # How it is asked

    def _ask(self, doing: str, request: Callable[[], _T], *, tries: int | None = None) -> _T:
        """The answer, tried again while what fails may pass. Raises one line else."""
        answer, fault = self._or_fault(doing, request, tries=tries)
        if fault is not None:
            raise explained(fault, self.repo_id, self.endpoint, doing)
        return answer  # type: ignore[return-value]

    def _or_fault(
        self, doing: str, request: Callable[[], _T], *, tries: int | None = None
    ) -> tuple[_T | None, Fault | None]:
        tries = self._tries if tries is None else tries
        for attempt in range(1, tries + 1):
            try:
                with _quiet_client():
                    return request(), None
            except Exception as error:  # the boundary to the client: see fault_of
                fault = fault_of(error)
                if fault is None:
                    if isinstance(error, ValueError):
                        raise _given_up(error, self.repo_id) from error
                    raise
                if not fault.passing or attempt == tries:
                    return None, fault
            self._wait(fault, attempt, doing)
        raise AssertionError("unreachable")

    def _wait(self, fault: Fault, attempt: int, doing: str) -> None:
        """Wait as long as the Hub asks, else longer each time. Raises where that is too long."""
        seconds = fault.wait_s
        if seconds is None:
            seconds = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (attempt - 1))
        elif seconds > _PATIENCE_S:
            raise EnvironmentFault(
                f"{self.repo_id}: the Hub asks to come back in {seconds:.0f} s {doing} "
                f"({fault.status}); {AGAIN}"
            )
        if seconds > _LONGEST_WAIT_S:
            self._note(f"the Hub asks to wait {seconds:.0f} s {doing}")
        self._sleep(seconds)


def check_name(repo_id: str) -> None:
    """Raise InputError unless ``repo_id`` is a user's or organisation's name, ``/`` and a name."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # no __all__

    shown = "".join(c if c.isprintable() else "?" for c in repo_id)[:120]
    user, _, name = repo_id.partition("/")
    if not user or not name:
        raise InputError(f"{shown!r}: write the repository as user/name")
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise InputError(
            f"{shown!r}: is no name of a repository; write user/name with letters, digits, '-', "
            "'_' and '.', at most 96 signs, neither '--' nor '..', no '-' or '.' at the ends"
        ) from error


def _given_up(error: ValueError, repo_id: str) -> EnvironmentFault:
    """What the client itself complains of: a card or an answer it cannot make sense of."""
    reason = " ".join(str(error).split())[:300]
    return EnvironmentFault(
        f"{repo_id}: the Hub's client gave up ({reason}); nothing of this round was published"
    )


@contextlib.contextmanager
def _quiet_client() -> Iterator[None]:
    """No bars and no warnings of the client's own, and no waiting for ever."""
    from huggingface_hub import get_session
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # no __all__
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
        logging,
    )

    level, bars = logging.get_verbosity(), not are_progress_bars_disabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    disable_progress_bars()
    session = get_session()
    session.timeout = _SILENCE_S
    hooks = session.event_hooks
    if _bounded not in hooks["request"]:
        session.event_hooks = hooks | {"request": [*hooks["request"], _bounded]}
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            enable_progress_bars()


def _bounded(request: Any) -> None:
    """Bound a request's silence: the client asks for some, such as listings, to wait for ever."""
    asked = request.extensions.get("timeout", {})
    request.extensions["timeout"] = {
        phase: _SILENCE_S if asked.get(phase) is None else asked[phase]
        for phase in ("connect", "read", "write", "pool")
    }
