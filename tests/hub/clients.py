"""The loopback Hub in a thread, and clients of it in processes of their own.

`huggingface_hub` reads its settings when it is imported, so every client is a process of its own,
as a user's is.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from hub import worker
from hub.loopback import TOKEN, Blob, Repo, serve

from oneshot_emotic.dataset.locate import BUNDLED

REPO = "lab/emotion"
FINGERPRINT = "7a50806f03606b9216ebb5197a882e42ea42feaf379fc9f73a2a180ce18331ad"


def client_environment(endpoint, home, token=TOKEN):
    """The environment of a client that can reach nothing but the loopback Hub."""
    hidden = ("HF_", "HUGGING", "ONESHOT_", "TRANSFORMERS_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(hidden) and not name.lower().endswith("_proxy")
    }
    # Anything that is not on loopback would meet a closed port.
    closed = "http://127.0.0.1:9"
    settings = {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "XDG_DATA_HOME": str(Path(home) / "data"),
        # The content-addressed store behind the Hub is not imitated; LFS goes over plain HTTP.
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_ETAG_TIMEOUT": "5",
        "HTTP_PROXY": closed,
        "HTTPS_PROXY": closed,
        "NO_PROXY": "127.0.0.1,localhost",
    }
    return {**kept, **settings, **({"HF_TOKEN": token} if token else {})}


class Client:
    """A machine with a cache of its own, and one process on it that goes on.

    With settings given to a call, it is a new process.
    """

    def __init__(self, endpoint, home, token=TOKEN):
        self.environment = client_environment(endpoint, home, token)
        self.home = Path(home)
        self.home.mkdir()
        self.connection = self.process = None

    def ask(self, kind, *arguments):
        if self.process is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(worker.PRELOAD)
            self.connection, other = context.Pipe()
            self.process = context.Process(
                target=worker.main, args=(other, self.environment, self.home.parent), daemon=True
            )
            self.process.start()
            other.close()
        self.connection.send((kind, arguments))
        return self.connection.recv()

    def close(self):
        if self.process is not None:
            self.connection.close()
            self.process.join(10)

    def run(self, *arguments, status=0, **environment):
        result = subprocess.run(
            [sys.executable, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
            cwd=self.home.parent,
            env={**self.environment, **environment},
        )
        return Outcome.of(result.returncode, result.stdout, result.stderr, status)

    def cli(self, *arguments, status=0, **environment):
        if environment:
            return self.run("-m", "oneshot_emotic", *arguments, status=status, **environment)
        return Outcome.of(*self.ask("cli", [str(item) for item in arguments]), status)

    def publish(self, folder, *options, status=0, repo=REPO, **environment):
        return self.cli(
            "publish", folder, "--repo-id", repo, *options, status=status, **environment
        )

    def load(self, dataset, task="cat-6-6", **environment):
        """[fingerprint, novel persons] by load_task, or the message of its InputError."""
        if not environment:
            return self.ask("load", dataset, task)
        code = (
            "import json, sys; sys.path.insert(0, sys.argv[3]); from hub import worker\n"
            "print(json.dumps(worker.load(*sys.argv[1:3])))"
        )
        tests = Path(__file__).parent.parent
        return json.loads(self.run("-c", code, dataset, task, tests, **environment).stdout)


class Outcome(NamedTuple):
    """What a command said."""

    stdout: str
    stderr: str

    @classmethod
    def of(cls, status, stdout, stderr, expected):
        assert status == expected, f"{stdout}\n{stderr}"
        assert "Traceback" not in stderr
        return cls(stdout, stderr)


@pytest.fixture
def server():
    server = serve()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def hub(server):
    return server.hub


@pytest.fixture
def client(server, tmp_path):
    client = Client(server.url, tmp_path / "home")
    yield client
    client.close()


@pytest.fixture
def stranger(server, tmp_path):
    """A client without a token."""
    client = Client(server.url, tmp_path / "stranger", token=None)
    yield client
    client.close()


def place(hub, folder, private=False):
    """Put a dataset folder at REPO, as `publish` leaves it, without a client."""
    files = {
        path.relative_to(folder).as_posix(): Blob(path.read_bytes(), path.suffix == ".parquet")
        for path in Path(folder).rglob("*")
        if path.is_file()
    }
    repo = hub.repos[REPO] = Repo(private)
    repo.add({".gitattributes": Blob(b"", False)})
    fingerprint = json.loads(files["manifest.json"].content)["fingerprint"]
    repo.tags[fingerprint] = repo.add({".gitattributes": Blob(b"", False), **files})
    return repo


@pytest.fixture
def published(hub):
    """The synthetic data set at REPO."""
    return place(hub, BUNDLED / "synthetic")
