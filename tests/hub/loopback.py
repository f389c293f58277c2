"""A small Hugging Face Hub on loopback, for tests: dataset repositories kept in memory.

It speaks as much of the Hub's HTTP as `huggingface_hub` and `datasets` use: make a repository,
preupload, LFS upload, commit (whole or not at all), tag, info, tree, resolve with ETag and commit
headers, redirects of large files. Parquet files are large ones, as on the Hub.

In a test it runs as a thread (`serve()`); as a process of its own it is started by

    python tests/hub/loopback.py

and prints its address. It can be told to fail (`Hub.fault`), and tells what it holds
(`GET /_control/state`). `TOKEN` is the owner's; `READER` is that of somebody who may read what is
public, and what is gated after being put into `Repo.readers`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import threading
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath

TOKEN = "hf_loopback"
READER = "hf_reader"
DATE = "2026-01-01T00:00:00.000Z"
LARGE = re.compile(r"\.parquet$|\.bin$|checkpoint\.safetensors$")


@dataclass
class Blob:
    """A file in a commit."""

    content: bytes
    large: bool

    @property
    def sha256(self):
        return hashlib.sha256(self.content).hexdigest()

    @property
    def oid(self):
        head = f"blob {len(self.content)}\0".encode()
        return hashlib.sha1(head + self.content).hexdigest()

    @property
    def etag(self):
        return self.sha256 if self.large else self.oid


@dataclass
class Repo:
    private: bool
    gated: str | bool = False
    readers: set = field(default_factory=set)  # tokens with access to a gated one
    commits: dict = field(default_factory=dict)  # oid -> {path: Blob}
    history: list = field(default_factory=list)
    tags: dict = field(default_factory=dict)

    @property
    def head(self):
        return self.history[-1]

    def add(self, files):
        listing = "".join(f"{path} {blob.oid}\n" for path, blob in sorted(files.items()))
        parent = self.head if self.history else ""
        oid = hashlib.sha1(f"{len(self.history)} {parent}\n{listing}".encode()).hexdigest()
        self.commits[oid] = files
        self.history.append(oid)
        return oid

    def resolve(self, revision):
        if revision in ("main", "refs/heads/main"):
            return self.head
        return self.tags.get(revision, revision if revision in self.commits else None)


@dataclass
class Fault:
    """What goes wrong: on requests whose `METHOD /path` matches, so many times.

    kind: `500` or `503` answers that status; `drop-before` closes the connection unanswered;
    `drop-after` does the work and then closes it unanswered; `cut` sends half of the body; `flip`
    changes a byte of the body.
    """

    match: str
    kind: str
    times: int = 1_000_000
    after: int = 0  # let so many pass first


class Hub:
    def __init__(self):
        self.lock = threading.RLock()
        self.clear()

    def clear(self):
        with self.lock:
            self.repos, self.large, self.faults, self.requests = {}, {}, [], []

    def fault(self, match, kind, times=1_000_000, after=0):
        with self.lock:
            self.faults.append(Fault(match, kind, times, after))

    def next_fault(self, request):
        with self.lock:
            for fault in self.faults:
                if re.search(fault.match, request) and fault.times > 0:
                    if fault.after > 0:
                        fault.after -= 1
                        continue
                    fault.times -= 1
                    return fault.kind
        return None

    def state(self):
        with self.lock:
            return {
                name: {
                    "private": repo.private,
                    "gated": repo.gated,
                    "history": list(repo.history),
                    "tags": dict(repo.tags),
                    "files": {
                        oid: {path: blob.sha256 for path, blob in files.items()}
                        for oid, files in repo.commits.items()
                    },
                }
                for name, repo in self.repos.items()
            }


class RefusalError(Exception):
    def __init__(self, status, code="", message=""):
        self.status, self.code, self.message = status, code, message or code


REPO = r"(?P<repo>[^/]+/[^/]+)"
ROUTES = []


def route(method, pattern):
    def register(function):
        ROUTES.append((method, re.compile(pattern), function))
        return function

    return register


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    hub: Hub

    def log_message(self, *arguments):
        pass

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # a client that was killed

    def do(self):
        url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(url.query))
        # A model's repository is like a data set's, at other addresses.
        path = re.sub(r"^/api/models/", "/api/datasets/", url.path)
        path = re.sub(
            r"^/(?!api/|datasets/|_)([^/]+/[^/]+/resolve/|.*[.]git/)", r"/datasets/\1", path
        )
        request = f"{self.command} {urllib.parse.unquote(path)}"
        self.body = self.read_body()
        if self.body is None:
            self.close_connection = True  # cut off half-way: as if it never came
            return
        with self.hub.lock:
            self.hub.requests.append(request)
        self.kind = None if path.startswith("/_control") else self.hub.next_fault(request)
        if self.kind == "drop-before":
            self.close_connection = True
            return
        if self.kind in ("500", "503"):
            self.answer(int(self.kind), {"error": "Internal Server Error"})
            return
        method = "GET" if self.command == "HEAD" else self.command
        for known, pattern, function in ROUTES:
            match = pattern.fullmatch(path)
            if known == method and match:
                arguments = {k: urllib.parse.unquote(v) for k, v in match.groupdict("").items()}
                try:
                    with self.hub.lock:
                        result = function(self, **arguments)
                except RefusalError as refusal:
                    headers = {"X-Error-Code": refusal.code, "X-Error-Message": refusal.message}
                    self.answer(refusal.status, {"error": refusal.message}, headers)
                else:
                    self.answer(*result)
                return
        self.answer(404, {"error": f"no route for {request}"})

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.do
        raise AttributeError(name)

    def read_body(self):
        size = int(self.headers.get("Content-Length", 0))
        content = self.rfile.read(size)
        return content if len(content) == size else None

    def answer(self, status, content=b"", headers=None):
        if self.kind == "drop-after":
            self.close_connection = True
            return
        headers = dict(headers or {})
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
            headers["Content-Type"] = "application/json"
        if self.kind == "flip" and content:
            content = content[:-1] + bytes([content[-1] ^ 1])
        self.send_response(status)
        headers.setdefault("Content-Length", str(len(content)))
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            if self.kind == "cut" and len(content) > 1:
                content, self.close_connection = content[: len(content) // 2], True
            self.wfile.write(content)
        self.wfile.flush()

    # what requests share

    @property
    def base(self):
        return f"http://{self.headers['Host']}"

    @property
    def token(self):
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def known(self):
        return self.token in (TOKEN, READER)

    def writer(self):
        if not self.known():
            raise RefusalError(401, "", "Invalid username or password.")
        if self.token != TOKEN:
            raise RefusalError(403, "", "You don't have the rights to do this.")

    def repo(self, name):
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and self.token != TOKEN):
            # The Hub answers 401 to strangers, whether the repository exists or not.
            raise RefusalError(404 if self.known() else 401, "RepoNotFound", "Repository not found")
        return repo

    def commit(self, name, revision):
        repo = self.repo(name)
        oid = repo.resolve(revision)
        if oid is None:
            raise RefusalError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return repo, oid, repo.commits[oid]


@route("POST", "/api/validate-yaml")
def validate_yaml(self):
    import yaml

    content = json.loads(self.body)["content"]
    match = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
    try:
        metadata = yaml.safe_load(match[1]) if match else {}
        errors = [] if isinstance(metadata, dict) else [{"message": "no mapping"}]
    except yaml.YAMLError as error:
        errors = [{"message": str(error)}]
    return 400 if errors else 200, {"errors": errors, "warnings": []}


def is_private(asked):
    """What a request says, in the form of old versions of the library or of new ones."""
    return asked.get("visibility", "private" if asked.get("private") else "public") == "private"


@route("POST", "/api/repos/create")
def create(self):
    self.writer()
    asked = json.loads(self.body)
    name = f"{asked.get('organization') or 'tester'}/{asked['name']}"
    if asked.get("type", "model") not in ("dataset", "model"):
        raise RefusalError(400, "", "data sets and models only")
    url = f"{self.base}/{'datasets/' if asked.get('type') == 'dataset' else ''}{name}"
    if name in self.hub.repos:
        return 409, {"error": "You already created this dataset repo", "url": url}
    repo = self.hub.repos[name] = Repo(is_private(asked))
    repo.add({".gitattributes": Blob(b"*.parquet filter=lfs diff=lfs merge=lfs -text\n", False)})
    return 200, {"url": url, "name": name, "id": name}


@route("PUT", f"/api/datasets/{REPO}/settings")
def settings(self, repo):
    self.writer()
    asked = json.loads(self.body)
    if "private" in asked or "visibility" in asked:
        self.repo(repo).private = is_private(asked)
    if "gated" in asked:
        self.repo(repo).gated = asked["gated"]
    return 200, {}


@route("POST", f"/api/datasets/{REPO}/preupload/(?P<revision>[^/]+)")
def preupload(self, repo, revision):
    self.writer()
    _, _, files = self.commit(repo, revision)
    answers = []
    for item in json.loads(self.body)["files"]:
        mode = "lfs" if LARGE.search(item["path"]) else "regular"
        old = files.get(item["path"])
        answer = {"path": item["path"], "uploadMode": mode, "shouldIgnore": False}
        answers.append({**answer, "oid": old.etag} if old else answer)
    return 200, {"files": answers}


@route("POST", rf"/datasets/{REPO}\.git/info/lfs/objects/batch")
def lfs_batch(self, repo):
    self.writer()
    self.repo(repo)
    objects = []
    for item in json.loads(self.body)["objects"]:
        answer = {"oid": item["oid"], "size": item["size"]}
        if item["oid"] not in self.hub.large:
            answer["actions"] = {
                "upload": {"href": f"{self.base}/_lfs/{item['oid']}", "header": {}},
                "verify": {"href": f"{self.base}/_lfs/{item['oid']}/verify", "header": {}},
            }
        objects.append(answer)
    return 200, {"transfer": "basic", "objects": objects}


@route("PUT", "/_lfs/(?P<oid>[0-9a-f]{64})")
def lfs_put(self, oid):
    if hashlib.sha256(self.body).hexdigest() != oid:
        raise RefusalError(400, "", "the content is not that of its oid")
    self.hub.large[oid] = self.body
    return 200, b""


@route("POST", "/_lfs/(?P<oid>[0-9a-f]{64})/verify")
def lfs_verify(self, oid):
    if len(self.hub.large.get(oid, b"")) != json.loads(self.body)["size"]:
        raise RefusalError(404, "", "no such object")
    return 200, {}


@route("GET", "/_lfs/(?P<oid>[0-9a-f]{64})")
def lfs_get(self, oid):
    if oid not in self.hub.large:
        raise RefusalError(404, "", "no such object")
    return ranged(self, self.hub.large[oid], {"ETag": f'"{oid}"'})


@route("POST", f"/api/datasets/{REPO}/commit/(?P<revision>[^/]+)")
def commit(self, repo, revision):
    self.writer()
    repository, head, files = self.commit(repo, revision)
    if revision != "main":
        raise RefusalError(400, "", "commits go to main")
    files = dict(files)
    for line in self.body.decode().splitlines():
        item = json.loads(line)
        value = item["value"]
        if item["key"] == "header":
            if value.get("parentCommit", head) != head:
                raise RefusalError(412, "", "A commit has happened since. Try again")
        elif item["key"] == "file":
            files[value["path"]] = Blob(base64.b64decode(value["content"]), False)
        elif item["key"] == "lfsFile":
            if value["oid"] not in self.hub.large:
                raise RefusalError(400, "", f"LFS object {value['oid']} was not uploaded")
            files[value["path"]] = Blob(self.hub.large[value["oid"]], True)
        else:
            raise RefusalError(400, "", f"unknown operation {item['key']}")
    oid = repository.add(files)
    url = f"{self.base}/datasets/{repo}/commit/{oid}"
    return 200, {"success": True, "commitOid": oid, "commitUrl": url}


@route("POST", f"/api/datasets/{REPO}/tag/(?P<revision>[^/]+)")
def make_tag(self, repo, revision):
    self.writer()
    repository, oid, _ = self.commit(repo, revision)
    name = json.loads(self.body)["tag"]
    if name in repository.tags:
        raise RefusalError(409, "", "Tag reference exists already.")
    repository.tags[name] = oid
    return 200, {}


@route("GET", f"/api/datasets/{REPO}(/revision/(?P<revision>.+))?")
def info(self, repo, revision):
    repository, oid, files = self.commit(repo, revision or "main")
    siblings = []
    for path, blob in sorted(files.items()):
        entry = {"rfilename": path}
        if "blobs" in self.query:
            entry |= {"size": len(blob.content), "blobId": blob.oid}
            if blob.large:
                entry["lfs"] = {
                    "sha256": blob.sha256,
                    "size": len(blob.content),
                    "pointerSize": 130,
                }
        siblings.append(entry)
    return 200, {
        "_id": "0" * 24,
        "id": repo,
        "author": repo.split("/")[0],
        "sha": oid,
        "lastModified": DATE,
        "createdAt": DATE,
        "private": repository.private,
        "visibility": "private" if repository.private else "public",
        "gated": repository.gated,
        "disabled": False,
        "tags": [],
        "downloads": 0,
        "likes": 0,
        "siblings": siblings,
    }


@route("GET", f"/api/datasets/{REPO}/tree/(?P<revision>[^/]+)(/(?P<folder>.*))?")
def tree(self, repo, revision, folder):
    _, _, files = self.commit(repo, revision)
    prefix = f"{folder}/" if folder else ""
    entries = {}
    for path, blob in sorted(files.items()):
        if not path.startswith(prefix):
            continue
        for parent in PurePosixPath(path).parents:
            if str(parent).startswith(prefix) and str(parent) != ".":
                name = str(parent)
                oid = hashlib.sha1(name.encode()).hexdigest()
                entries[name] = {"type": "directory", "path": name, "size": 0, "oid": oid}
        entries[path] = {"type": "file", "path": path, "size": len(blob.content), "oid": blob.oid}
    if not entries:
        raise RefusalError(404, "EntryNotFound", "no such folder")
    if self.query.get("recursive", "").lower() not in ("true", "1"):
        entries = {name: item for name, item in entries.items() if "/" not in name[len(prefix) :]}
    return 200, list(entries.values())


@route("GET", f"/datasets/{REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
def resolve(self, repo, revision, path):
    repository, oid, files = self.commit(repo, revision)
    if repository.gated and self.token not in (TOKEN, *repository.readers):
        status = 403 if self.known() else 401
        raise RefusalError(status, "GatedRepo", f"Access to dataset {repo} is restricted.")
    headers = {"X-Repo-Commit": oid, "Accept-Ranges": "bytes"}
    if path not in files:
        return 404, {"error": "Entry not found"}, {**headers, "X-Error-Code": "EntryNotFound"}
    blob = files[path]
    if blob.large:
        self.hub.large[blob.sha256] = blob.content
        headers |= {
            "X-Linked-Etag": f'"{blob.etag}"',
            "X-Linked-Size": str(len(blob.content)),
            # Another host than the Hub's, as its content delivery network is.
            "Location": f"http://localhost:{self.server.server_port}/_lfs/{blob.sha256}",
        }
        return 302, b"", headers
    return ranged(self, blob.content, {**headers, "ETag": f'"{blob.etag}"'})


def ranged(self, content, headers):
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
    if not match:
        return 200, content, headers
    start, end = int(match[1]), int(match[2] or len(content) - 1)
    if start >= len(content):
        return 416, b"", {**headers, "Content-Range": f"bytes */{len(content)}"}
    span = f"bytes {start}-{end}/{len(content)}"
    return 206, content[start : end + 1], {**headers, "Content-Range": span}


# the control of the tests


@route("GET", "/_control/state")
def state(self):
    return 200, self.hub.state()


@route("POST", "/_control/clear")
def clear(self):
    self.hub.clear()
    return 200, {}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self):
        self.hub = Hub()
        handler = type("HubHandler", (Handler,), {"hub": self.hub})
        super().__init__(("127.0.0.1", 0), handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def serve():
    """A Hub in a thread of this process; `server.shutdown()` ends it."""
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def main():
    server = Server()
    print(f"HF_ENDPOINT={server.url} HF_TOKEN={TOKEN}", flush=True)
    server.serve_forever(0.05)


if __name__ == "__main__":
    main()
