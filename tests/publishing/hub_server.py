"""A small Hub on this machine: what the real client asks for to make, fill and tag a dataset.

Written after the client's own source (huggingface_hub 2.4: ``hf_api.py``, ``_commit_api.py``,
``lfs.py``): creating repositories, validating a card, preupload, the LFS batch with PUT and verify,
the commit as newline-delimited JSON with ``parentCommit``, listings in pages, tags, and the
downloads that ``snapshot_download`` and ``datasets`` make. A :class:`Fault` makes any of these go
wrong: refused, dropped before or after the work was done, slow, or overtaken by someone else.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_writer"
READER = "hf_reader"  # a token that may look and not write
PAGE = 4  # entries of a listing's page: few, so that the pages are followed

_GITATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"
_LICENSES = {"apache-2.0", "cc-by-4.0", "cc0-1.0", "mit", "other", "unknown", "cc-by-nc-4.0",
             "cc-by-nc-sa-4.0"}  # fmt: skip
_SIZES = {"n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M"}
_TASKS = {"visual-question-answering", "question-answering", "image-text-to-text",
          "video-text-to-text"}  # fmt: skip


def git_blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass(frozen=True)
class Commit:
    oid: str
    parent: str | None
    title: str
    files: Mapping[str, bytes]


@dataclass
class Repository:
    private: bool
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def head(self) -> Commit:
        return self.commits[-1]

    def add(self, title: str, changes: Mapping[str, bytes | None]) -> Commit:
        """A commit on top: contents by path, None where a file goes."""
        before = self.commits[-1] if self.commits else None
        files = dict(before.files) if before else {}
        for path, content in changes.items():
            if content is None:
                del files[path]
            else:
                files[path] = content
        parent = before.oid if before else None
        oid = hashlib.sha1(f"{parent} {len(self.commits)} {title}".encode()).hexdigest()
        self.commits.append(Commit(oid, parent, title, files))
        return self.head

    def at(self, revision: str) -> Commit | None:
        wanted = self.tags.get(revision, revision)
        if wanted == "main":
            return self.head
        return next((each for each in self.commits if each.oid == wanted), None)


@dataclass
class Fault:
    """Something that happens to the next ``times`` requests that ``method`` and ``path`` match.

    ``status`` refuses; ``drop`` closes the connection before anything is done, ``drop_after`` once
    it is done and before the answer; ``before`` runs first, as another client would.
    """

    method: str
    path: str
    times: int = 1
    skip: int = 0
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "injected"
    drop: bool = False
    drop_after: bool = False
    seconds: float = 0.0
    before: Callable[[], None] | None = None

    def meets(self, method: str, path: str) -> bool:
        if self.times == 0 or method != self.method or not re.search(self.path, path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class Hub:
    """The state of the server, which tests look at and change."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.lfs: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.uploaded: list[str] = []  # sha256 of every LFS object received, in order
        self.lock = threading.RLock()
        self.url = ""

    def create(self, name: str, *, private: bool = True) -> Repository:
        self.repositories[name] = Repository(private)
        self.repositories[name].add("initial commit", {".gitattributes": _GITATTRIBUTES})
        return self.repositories[name]

    def asked(self, method: str, pattern: str) -> int:
        """How many requests matched."""
        return sum(m == method and re.search(pattern, p) is not None for m, p in self.requests)


class Refused(Exception):
    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@contextlib.contextmanager
def running_hub() -> Iterator[Hub]:
    """A Hub that listens on a free port of this machine until the context ends."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


Route = tuple[str, str, str]
_REPO = r"/api/datasets/(?P<repo>[^/]+/[^/]+)"
_ROUTES: tuple[Route, ...] = (
    ("GET", r"/api/whoami-v2", "whoami"),
    ("POST", r"/api/repos/create", "create"),
    ("POST", r"/api/validate-yaml", "validate"),
    ("GET", rf"{_REPO}(/revision/(?P<rev>[^/]+))?", "info"),
    ("GET", rf"{_REPO}/refs", "refs"),
    ("GET", rf"{_REPO}/tree/(?P<rev>[^/]+)(/(?P<path>.+))?", "tree"),
    ("GET", rf"{_REPO}/commits/(?P<rev>[^/]+)", "commits"),
    ("POST", rf"{_REPO}/paths-info/(?P<rev>[^/]+)", "paths_info"),
    ("POST", rf"{_REPO}/preupload/(?P<rev>[^/]+)", "preupload"),
    ("POST", rf"{_REPO}/commit/(?P<rev>[^/]+)", "commit"),
    ("POST", rf"{_REPO}/tag/(?P<rev>[^/]+)", "tag"),
    ("DELETE", rf"{_REPO}/tag/(?P<rev>[^/]+)", "untag"),
    ("POST", r"/datasets/(?P<repo>[^/]+/[^/]+)\.git/info/lfs/objects/batch", "batch"),
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", "put"),
    ("POST", r"/lfs/verify", "verify"),
    ("GET", r"/datasets/(?P<repo>[^/]+/[^/]+)/resolve/(?P<rev>[^/]+)/(?P<path>.+)", "resolve"),
    ("HEAD", r"/datasets/(?P<repo>[^/]+/[^/]+)/resolve/(?P<rev>[^/]+)/(?P<path>.+)", "resolve"),
)


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"
    # An answer in one packet: two small ones would wait for each other's acknowledgement (40 ms).
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing is printed."""

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        body = self._body()
        with self.hub.lock:
            self.hub.requests.append((self.command, path))
            fault = next((f for f in self.hub.faults if f.meets(self.command, path)), None)
        if fault and fault.before:
            fault.before()
        if fault and fault.seconds:
            time.sleep(fault.seconds)
        if fault and fault.drop:
            self._hang_up()
            return
        try:
            if fault and fault.status:
                raise Refused(fault.status, fault.message, **fault.headers)
            with self.hub.lock:
                status, headers, content = self._route(path, body)
        except Refused as refusal:
            status, headers = refusal.status, {"X-Error-Message": str(refusal)} | refusal.headers
            content = json.dumps({"error": str(refusal)}).encode()
        if fault and fault.drop_after:
            self._hang_up()
            return
        self._send(status, headers, content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            found = b""
            while size := int(self.rfile.readline(), 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return found
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _route(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        for method, pattern, name in _ROUTES:
            match = re.fullmatch(pattern, path)
            if match and method == self.command:
                given = {key: unquote(value) for key, value in match.groupdict().items() if value}
                answer = getattr(self, f"_{name}")(body=body, **given)
                if isinstance(answer, tuple):
                    return answer
                return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()
        raise Refused(404, f"no such place: {self.command} {path}")

    # Who asks, and for what

    def _token(self) -> str | None:
        sent = self.headers.get("Authorization")
        token = sent.removeprefix("Bearer ") if sent else None
        if token is not None and token not in (TOKEN, READER):
            raise Refused(401, "Invalid credentials in Authorization header")
        return token

    def _repository(self, repo: str, *, write: bool = False) -> Repository:
        token = self._token()
        found = self.hub.repositories.get(repo)
        if found is None or (found.private and token is None):
            status = 404 if token else 401
            raise Refused(status, "Repository not found", X_Error_Code="RepoNotFound")
        if write and token != TOKEN:
            raise Refused(403, "You don't have the rights to write to this repository")
        return found

    def _at(self, repo: str, rev: str) -> Commit:
        found = self._repository(repo).at(rev)
        if found is None:
            raise Refused(404, "Revision not found", X_Error_Code="RevisionNotFound")
        return found

    # The routes

    def _whoami(self, body: bytes) -> object:
        if self._token() is None:
            raise Refused(401, "Invalid username or password.")
        return {"type": "user", "name": "user"}

    def _create(self, body: bytes) -> object:
        wanted = json.loads(body)
        if self._token() is None:
            raise Refused(401, "Invalid username or password.")
        name = f"{wanted['organization']}/{wanted['name']}"
        url = f"{self.hub.url}/datasets/{name}"
        if self._token() != TOKEN or wanted["organization"] != "user":
            raise Refused(403, f"You don't have the rights to create a dataset under {name!r}")
        if name in self.hub.repositories:
            exists = {"error": "You already created this dataset repo", "url": url}
            return 409, {}, json.dumps(exists).encode()
        self.hub.create(name, private=wanted.get("visibility") == "private")
        return {"url": url, "name": name}

    def _validate(self, body: bytes) -> object:
        import yaml

        asked = json.loads(body)
        errors = []
        try:
            found = yaml.safe_load(asked["content"].split("---\n")[1])
        except (yaml.YAMLError, IndexError) as error:
            errors.append(f"not YAML: {error}")
            found = {}
        given = found.get("license")
        licences = given if isinstance(given, list) else [given]
        errors += [f'"license" {one} is not known' for one in licences if one not in _LICENSES]
        for key, allowed in (("size_categories", _SIZES), ("task_categories", _TASKS)):
            errors += [f'"{key}" {v!r} is not allowed' for v in found[key] if v not in allowed]
        names = [each["config_name"] for each in found["configs"]]
        errors += [f"bad config name {n!r}" for n in names if not re.fullmatch(r"[\w-]+", n)]
        if len(names) != len(set(names)) or sum(c.get("default", 0) for c in found["configs"]) != 1:
            errors.append("config names must differ, and one be the default")
        status = 400 if errors else 200
        answer = {"errors": [{"message": error} for error in errors], "warnings": []}
        return status, {}, json.dumps(answer).encode()

    def _info(self, body: bytes, repo: str, rev: str = "main") -> object:
        there = self._repository(repo)
        files = self._at(repo, rev).files
        return {
            "id": repo, "sha": self._at(repo, rev).oid, "private": there.private, "tags": [],
            "siblings": [{"rfilename": path} for path in sorted(files)], "gated": False,
            "disabled": False, "downloads": 0, "likes": 0, "author": repo.split("/")[0],
            "lastModified": "2026-01-01T00:00:00.000Z", "createdAt": "2026-01-01T00:00:00.000Z",
        }  # fmt: skip

    def _refs(self, body: bytes, repo: str) -> object:
        there = self._repository(repo)
        tags = there.tags.items()
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": there.head.oid}
        return {
            "branches": [main],
            "converts": [],
            "tags": [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": c} for n, c in tags],
        }

    def _commits(self, body: bytes, repo: str, rev: str) -> object:
        return [
            {"id": each.oid, "title": each.title, "message": "", "authors": [],
             "date": "2026-01-01T00:00:00.000Z"}
            for each in reversed(self._repository(repo).commits)
        ]  # fmt: skip

    def _entry(self, path: str, content: bytes) -> dict[str, Any]:
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content)}
        entry["oid"] = git_blob(content)
        if _is_large(path):
            sha256 = hashlib.sha256(content).hexdigest()
            pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\n"
            entry["oid"] = git_blob(pointer.encode())
            entry["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": len(pointer)}
        return entry

    def _tree(self, body: bytes, repo: str, rev: str, path: str = "") -> object:
        query = parse_qs(urlsplit(self.path).query)
        files = self._at(repo, rev).files
        inside = f"{path.rstrip('/')}/" if path else ""
        found = {p: self._entry(p, c) for p, c in files.items() if p.startswith(inside)}
        if path and not found and path not in files:
            raise Refused(404, f"{path} does not exist", X_Error_Code="EntryNotFound")
        folders = {"/".join(p.split("/")[:n]) for p in found for n in range(1, p.count("/") + 1)}
        for name in folders - {path.rstrip("/")}:
            if name.startswith(inside):
                found[name] = {"type": "directory", "path": name, "size": 0,
                               "oid": git_blob(name.encode())}  # fmt: skip
        entries = [found[name] for name in sorted(found)]
        if query.get("recursive", ["false"])[0].lower() != "true":
            entries = [each for each in entries if "/" not in each["path"][len(inside) :]]
        start = int(query.get("cursor", ["0"])[0])
        headers = {"Content-Type": "application/json"}
        if start + PAGE < len(entries):
            asked = urlsplit(self.path)
            kept = "&".join(p for p in asked.query.split("&") if not p.startswith("cursor="))
            more = f"{self.hub.url}{asked.path}?{kept}&cursor={start + PAGE}"
            headers["Link"] = f'<{more}>; rel="next"'
        return 200, headers, json.dumps(entries[start : start + PAGE]).encode()

    def _paths_info(self, body: bytes, repo: str, rev: str) -> object:
        content_type = self.headers.get("Content-Type") or ""
        asked = json.loads(body) if "json" in content_type else parse_qs(body.decode())
        files = self._at(repo, rev).files
        found = [self._entry(path, files[path]) for path in asked["paths"] if path in files]
        folders = {p.rpartition("/")[0] for p in files}
        folder = {"type": "directory", "size": 0, "oid": git_blob(b"")}
        return [*found, *({"path": p} | folder for p in asked["paths"] if p in folders)]

    def _preupload(self, body: bytes, repo: str, rev: str) -> object:
        files = self._repository(repo, write=True).head.files
        answers = []
        for each in json.loads(body)["files"]:
            path = each["path"]
            mode = "lfs" if _is_large(path) else "regular"
            answer = {"path": path, "uploadMode": mode, "shouldIgnore": False}
            if path in files:
                content = files[path]
                large = hashlib.sha256(content).hexdigest()
                answer["oid"] = large if mode == "lfs" else git_blob(content)
            answers.append(answer)
        return {"files": answers}

    def _batch(self, body: bytes, repo: str) -> object:
        self._repository(repo, write=True)
        objects = []
        for each in json.loads(body)["objects"]:
            oid = each["oid"]
            entry: dict[str, Any] = {"oid": oid, "size": each["size"]}
            if oid not in self.hub.lfs:
                entry["actions"] = {
                    "upload": {"href": f"{self.hub.url}/lfs/{oid}"},
                    "verify": {"href": f"{self.hub.url}/lfs/verify"},
                }
            objects.append(entry)
        return {"transfer": "basic", "objects": objects}

    def _put(self, body: bytes, oid: str) -> object:
        if hashlib.sha256(body).hexdigest() != oid:
            raise Refused(400, "content does not match its hash")
        self.hub.lfs[oid] = body
        self.hub.uploaded.append(oid)
        return {}

    def _verify(self, body: bytes) -> object:
        asked = json.loads(body)
        there = self.hub.lfs.get(asked["oid"])
        if there is None or len(there) != asked["size"]:
            raise Refused(404, "not received whole")
        return {}

    def _commit(self, body: bytes, repo: str, rev: str) -> object:
        there = self._repository(repo, write=True)
        lines = [json.loads(line) for line in body.splitlines()]
        header = lines[0]["value"]
        if header.get("parentCommit") not in (None, there.head.oid):
            raise Refused(412, "A commit has happened since. Please refresh and try again.")
        changes: dict[str, bytes | None] = {}
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                changes[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.hub.lfs:
                    raise Refused(422, f"LFS object {value['oid']} was never uploaded")
                changes[value["path"]] = self.hub.lfs[value["oid"]]
            else:
                if value["path"] not in there.head.files:
                    raise Refused(404, "A file with this name doesn't exist",
                                  X_Error_Code="EntryNotFound")  # fmt: skip
                changes[value["path"]] = None
        made = there.add(header["summary"], changes)
        url = f"{self.hub.url}/datasets/{repo}/commit/{made.oid}"
        return {"commitUrl": url, "commitOid": made.oid, "success": True}

    def _tag(self, body: bytes, repo: str, rev: str) -> object:
        there = self._repository(repo, write=True)
        name = json.loads(body)["tag"]
        if name in there.tags:
            raise Refused(409, f"Tag {name} already exists")
        there.tags[name] = self._at(repo, rev).oid
        return {}

    def _untag(self, body: bytes, repo: str, rev: str) -> object:
        there = self._repository(repo, write=True)
        if there.tags.pop(rev, None) is None:
            raise Refused(404, "Tag not found", X_Error_Code="RevisionNotFound")
        return {}

    def _resolve(self, body: bytes, repo: str, rev: str, path: str) -> object:
        commit = self._at(repo, rev)
        if path not in commit.files:
            raise Refused(404, "Entry not found", X_Error_Code="EntryNotFound")
        content = commit.files[path]
        entry = self._entry(path, content)
        etag = entry["lfs"]["oid"] if "lfs" in entry else entry["oid"]
        headers = {
            "ETag": f'"{etag}"', "X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream", "X-Linked-Size": str(len(content)),
            "X-Linked-Etag": f'"{etag}"',
        }  # fmt: skip
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            first, last = int(asked[1]), int(asked[2] or len(content) - 1)
            part = content[first : last + 1]
            headers["Content-Range"] = f"bytes {first}-{first + len(part) - 1}/{len(content)}"
            return 206, headers, part
        return 200, headers | {"Content-Length": str(len(content))}, content


def _is_large(path: str) -> bool:
    return path.endswith(".parquet")
