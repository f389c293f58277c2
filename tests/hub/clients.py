"""The loopback Hub in a thread, and clients of it in processes of their own.

`huggingface_hub` reads its settings when it is imported, so every client is a new process, as a
user's is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub.loopback import TOKEN, Blob, Repo, serve

from oneshot_emotic.dataset.locate import BUNDLED

REPO = "lab/emotion"
FINGERPRINT = "ab6e3edff555486dfab2dc7142abf0efef0ca0e043e03a232a01241bb7593ccc"


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
    """A machine with a cache of its own."""

    def __init__(self, endpoint, home, token=TOKEN):
        self.environment = client_environment(endpoint, home, token)
        self.home = Path(home)

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
        assert result.returncode == status, f"{result.stdout}\n{result.stderr}"
        assert "Traceback" not in result.stderr
        return result

    def cli(self, *arguments, status=0, **environment):
        return self.run("-m", "oneshot_emotic", *arguments, status=status, **environment)

    def publish(self, folder, *options, status=0, repo=REPO, **environment):
        return self.cli("publish", folder, "--repo-id", repo, *options, status=status, **environment)

    def load(self, dataset, task="cat-6-6", **environment):
        """(fingerprint, novel persons) by load_task, or the message of its InputError."""
        code = (
            "import json, sys\n"
            "from oneshot_emotic import InputError, load_task\n"
            "try: t = load_task(sys.argv[2], dataset=sys.argv[1])\n"
            "except InputError as e: print(json.dumps(str(e)))\n"
            "else: print(json.dumps([t.dataset.fingerprint, len(t.novel)]))"
        )
        return json.loads(self.run("-c", code, dataset, task, **environment).stdout)


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
    home = tmp_path / "home"
    home.mkdir()
    return Client(server.url, home)


@pytest.fixture
def published(server):
    """The synthetic data set at REPO, as `publish` leaves it, put there without a client."""
    folder = BUNDLED / "synthetic"
    files = {
        path.relative_to(folder).as_posix(): Blob(path.read_bytes(), path.suffix == ".parquet")
        for path in folder.rglob("*")
        if path.is_file()
    }
    repo = server.hub.repos[REPO] = Repo(private=False)
    repo.add({".gitattributes": Blob(b"", False)})
    repo.tags[FINGERPRINT] = repo.add(files)
    return repo
