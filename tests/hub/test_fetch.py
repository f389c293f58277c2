"""Loading and scoring from the loopback Hub, with the real huggingface_hub and datasets."""

from __future__ import annotations

import json
import shutil

import pytest
from conftest import REPOSITORY
from hub.clients import FINGERPRINT, REPO, Client
from hub.loopback import READER, Blob, Repo
from made import python, small_dataset, small_tasks

from oneshot_emotic import load_task, write_submission
from oneshot_emotic.dataset.hub.repository import OFFICIAL, Repository, parse_repository
from oneshot_emotic.dataset.locate import BUNDLED

WHOLE = [FINGERPRINT, 793]
SYNTHETIC = BUNDLED / "synthetic"


class TestFetch:
    def test_once_and_then_offline(self, client, hub, server, published):
        assert client.load(REPO) == WHOLE
        first = [request for request in hub.requests if "/resolve/" in request]
        assert any("base.parquet" in request for request in first)
        hub.requests.clear()
        assert client.load(REPO, "lev-6-4-arousal")[0] == FINGERPRINT
        assert not [x for x in hub.requests if "/resolve/" in x or "/_lfs/" in x]
        hub.requests.clear()
        assert client.load(REPO, HF_HUB_OFFLINE="1") == WHOLE
        assert hub.requests == []
        hub.fault(".", "500")
        assert client.load(REPO) == WHOLE  # the Hub is there, and ill
        server.shutdown()
        server.server_close()
        assert client.load(REPO) == WHOLE  # the network is gone

    def test_it_lies_in_the_usual_cache(self, client, published):
        client.load(REPO)
        snapshots = client.home / "hub/datasets--lab--emotion/snapshots"
        assert (snapshots / published.head / "data/cat-6-6/base.parquet").is_file()

    def test_a_fingerprint_needs_no_second_request(self, client, hub, published):
        dataset = f"{REPO}@{FINGERPRINT}"
        assert client.load(dataset) == WHOLE
        hub.requests.clear()
        assert client.load(dataset) == WHOLE
        assert client.load(f"{REPO}@{published.head}") == WHOLE  # nor the commit behind it
        assert hub.requests == []

    def test_a_branch_moves_on(self, client, published):
        assert client.load(REPO) == WHOLE
        files = dict(published.commits[published.head])
        old = published.head
        files["manifest.json"] = Blob(b"{}", False)
        published.add(files)
        assert "has the format None" in client.load(REPO)
        assert client.load(f"{REPO}@{old}") == WHOLE
        assert client.load(f"{REPO}@{FINGERPRINT}") == WHOLE

    def test_nothing_else_is_fetched(self, client, hub, published):
        published.commits[published.head]["huge.bin"] = Blob(b"x" * 1000, True)
        published.commits[published.head]["loader.py"] = Blob(b"raise SystemExit", False)
        assert client.load(REPO) == WHOLE
        assert not [x for x in hub.requests if "huge" in x or "loader" in x]

    def test_published_by_us_and_private(self, client, stranger):
        client.publish(SYNTHETIC)
        assert client.load(REPO) == WHOLE
        message = stranger.load(REPO)
        assert "no such dataset repository on the Hub to be read without a token" in message
        assert "HF_TOKEN" in message

    def test_score(self, client, published, hub):
        file = REPOSITORY / "submissions/colour-gradient/cat-6-6.safetensors"
        result = client.cli("score", file, "--dataset", REPO, "--shots", "1")
        assert "cat-6-6 on synthetic (argmax)" in result.stdout
        assert any("/resolve/" in request for request in hub.requests)
        again = client.cli("score", file, "--dataset", REPO, "--shots", "1", HF_HUB_OFFLINE="1")
        assert again.stdout == result.stdout
        assert client.cli("tasks", "--dataset", f"{REPO}@{FINGERPRINT}").stdout


class TestGated:
    """A repository that everybody sees, and whose files are given on request."""

    @pytest.fixture
    def gated(self, published):
        published.gated = "manual"
        return published

    @pytest.fixture
    def reader(self, server, tmp_path):
        client = Client(server.url, tmp_path / "reader", token=READER)
        yield client
        client.close()

    def test_no_access_yet(self, reader, server, gated):
        message = reader.load(f"{REPO}@{FINGERPRINT}")
        assert "is gated, and the token's owner has no access yet" in message
        assert f"ask for access at {server.url}/datasets/{REPO} " in message
        assert "no such" not in message.split("\n")[0]
        gated.readers.add(READER)
        assert reader.load(f"{REPO}@{FINGERPRINT}") == WHOLE

    def test_no_token(self, stranger, server, gated):
        message = stranger.load(REPO)
        assert "is gated, and there is no token" in message
        assert f"{server.url}/datasets/{REPO}" in message
        assert "HF_TOKEN" in message and "hf auth login" in message

    def test_what_was_fetched_stays(self, client, reader, gated):
        gated.readers.add(READER)
        assert reader.load(REPO) == WHOLE
        gated.readers.clear()
        assert reader.load(REPO) == WHOLE


class TestNotThere:
    @pytest.mark.parametrize(
        ("dataset", "message"),
        [
            ("lab/nothing", "no such dataset repository"),
            ("lab/nothing", "there is no folder of this name either"),
            (f"{REPO}@v9", "has no such revision"),
            ("./lab/emotion", "there is no such folder"),
            ("lab/emotion/deeper", "there is no such folder"),
        ],
    )
    def test_no_such_thing(self, client, published, dataset, message):
        assert message in client.load(dataset)

    def test_no_data_set(self, client, hub):
        hub.repos[REPO] = Repo(private=False)
        hub.repos[REPO].add({"README.md": Blob(b"hello", False)})
        assert "holds no manifest.json" in client.load(REPO)

    def test_nothing_in_the_cache(self, client, server, published):
        assert "could not be fetched" in client.load(REPO, HF_HUB_OFFLINE="1")
        server.shutdown()
        server.server_close()
        assert "could not be fetched" in client.load(REPO)

    def test_too_large(self, client, hub, published):
        code = (
            "import sys; from oneshot_emotic.dataset.hub import fetch; fetch.MAX_BYTES = 1000\n"
            "from oneshot_emotic import load_task\n"
            "try: load_task('cat-6-6', dataset=sys.argv[1])\n"
            "except ValueError as e: print(e)"
        )
        output = client.run("-c", code, REPO).stdout
        assert "more than the 1,000 that are fetched" in output
        assert not [x for x in hub.requests if "/resolve/" in x]

    def test_a_folder_comes_before_a_repository(self, client, hub):
        shutil.copytree(SYNTHETIC, client.home.parent / REPO)
        assert client.load(REPO) == WHOLE
        assert hub.requests == []


class TestWrong:
    @pytest.mark.parametrize("path", ["data/cat-6-4/novel.parquet", "data/cat-6-6/base.parquet"])
    def test_a_file_that_the_manifest_does_not_list(self, client, published, path):
        """Even when it is a file of another task."""
        files = published.commits[published.head]
        content = files["data/cat-6-6/novel.parquet"].content
        files[path] = Blob(content, files[path].large)
        message = client.load(REPO)
        assert path in message and "is not the file that the manifest lists" in message

    def test_a_missing_file(self, client, published):
        del published.commits[published.head]["data/cat-6-4/novel.parquet"]
        assert "data/cat-6-4/novel.parquet: there is no such file" in client.load(REPO)

    def test_a_tag_with_other_splits(self, client, published):
        published.tags["0" * 64] = published.head
        assert "holds the splits" in client.load(f"{REPO}@{'0' * 64}")

    def test_damage_on_the_way(self, client, hub, published):
        """A byte flipped in a large file, which the library does not notice; once."""
        hub.fault("GET /_lfs/", "flip", times=1)
        assert client.load(REPO) == WHOLE

    def test_damage_in_the_cache_heals(self, client, published):
        client.load(REPO)
        file = next(client.home.rglob("snapshots/*/data/cat-6-6/base.parquet")).resolve()
        file.write_bytes(file.read_bytes()[:-1] + b"x")
        message = client.load(REPO, HF_HUB_OFFLINE="1")
        assert "base.parquet: is not the file that the manifest lists" in message
        assert client.load(REPO) == WHOLE
        assert client.load(REPO, HF_HUB_OFFLINE="1") == WHOLE

    @pytest.mark.parametrize("kind", ["500", "cut", "drop-before"])
    def test_failing_half_way(self, client, hub, published, kind):
        hub.fault("GET /_lfs/", kind, after=5)
        client.ask("hurry")
        message = client.load(REPO)
        assert isinstance(message, str) and REPO in message
        hub.faults.clear()
        hub.requests.clear()
        assert client.load(REPO) == WHOLE
        # What was there is not fetched again.
        assert len([x for x in hub.requests if x.startswith("GET /_lfs/")]) <= 24 - 5


@pytest.mark.filterwarnings("ignore")
def test_the_real_load_dataset(client, hub):
    """From a repository that `publish` made, with no code from here."""
    client.publish(SYNTHETIC)
    code = (
        "import json, sys\n"
        "from datasets import load_dataset\n"
        "loaded = load_dataset(sys.argv[1], sys.argv[2], revision=sys.argv[3])\n"
        "print(json.dumps({s: {c: list(d[c]) for c in d.column_names} for s, d in loaded.items()}))"
    )
    result = client.run("-W", "ignore", "-c", code, REPO, "cat-6-6", FINGERPRINT)
    loaded = json.loads(result.stdout)
    task = load_task("cat-6-6")
    names = [*task.definition.base_classes, *task.definition.novel_classes]
    for split in loaded.values():
        split["label"] = [names[number] for number in split["label"]]
    novel = {**task.novel.to_pandas().to_dict("list"), "shares_image": [None] * 793}
    assert loaded == {"base": task.base.to_pandas().to_dict("list"), "novel": novel}


class TestSubmissionsNames:
    """A name in a submission fetches nothing, and is never a path."""

    @pytest.fixture
    def predictions(self, tmp_path):
        def write(name):
            task = load_task("cat-6-6")
            path = tmp_path / "preds.json"
            embeddings = {item: [float(len(item))] for item in task.novel.sample_ids}
            write_submission(path, embeddings, task)
            document = json.loads(path.read_text())
            document["dataset"]["name"] = name
            path.write_text(json.dumps(document))
            return path

        return write

    def test_a_repository_is_not_fetched(self, client, hub, published, predictions):
        result = client.cli("score", predictions(REPO), status=2)
        assert "a submission's word is not enough to fetch it" in result.stderr
        assert hub.requests == []
        wanted = f"{REPO}@{FINGERPRINT}"
        assert f"--dataset {wanted}" in result.stderr

    @pytest.mark.parametrize("revision", ["", f"@{FINGERPRINT}"])
    def test_what_the_user_fetched_is_found(self, client, hub, published, predictions, revision):
        client.cli("tasks", "--dataset", REPO + revision)
        hub.requests.clear()
        result = client.cli("score", predictions(REPO), "--shots", "1")
        assert "cat-6-6 on synthetic" in result.stdout
        assert hub.requests == []

    def test_a_local_folder_of_the_fingerprint_is_found(self, client, hub, predictions):
        shutil.copytree(SYNTHETIC, client.home / "data/oneshot-emotic/any-name")
        assert client.cli("score", predictions(REPO), "--shots", "1").stdout
        assert hub.requests == []

    @pytest.mark.parametrize(
        "name", ["../x", "/etc/x", "lab/..", "lab/x@main", "lab/x/y", "a--b/c", "lab/x\n", "x\n"]
    )
    def test_other_names_are_refused(self, run, predictions, name):
        result = run("score", predictions(name), status=2)
        assert "dataset.name" in result.output
        assert parse_repository(name) is None or "@" in name


class TestOfficial:
    CODE = (
        "import sys\n"
        "from oneshot_emotic.dataset.hub import repository\n"
        "from oneshot_emotic.dataset import locate\n"
        "table = {'emotic': repository.Repository(sys.argv[1], sys.argv[2])}\n"
        "locate.OFFICIAL = table\n"
        "print(locate.named_dataset_folder(sys.argv[3], sys.argv[2]))"
    )

    def test_not_yet_published(self, client, hub):
        message = client.load("emotic")
        assert "not yet published on the Hub (as oneshot-emotic/emotic)" in message
        assert "oneshot-emotic build EMOTIC_ROOT" in message
        assert "on request only" in message
        assert hub.requests == []
        assert OFFICIAL["emotic"].fingerprint is None

    def test_once_published_it_is_fetched(self, client, hub, published):
        result = client.run("-c", self.CODE, REPO, FINGERPRINT, "emotic")
        assert f"snapshots/{published.head}" in result.stdout
        hub.requests.clear()
        client.run("-c", self.CODE, REPO, FINGERPRINT, "emotic")  # pinned: nothing to ask
        assert hub.requests == []

    def test_other_splits_of_the_name_do_not_stand_in_for_it(self, client, hub, published):
        folder = client.home / "data/oneshot-emotic/mine"
        small_dataset(folder)
        result = client.run("-c", self.CODE, REPO, FINGERPRINT, "emotic")
        assert f"snapshots/{published.head}" in result.stdout

    def test_a_submission_may_name_its_repository(self, client, hub, published):
        result = client.run("-c", self.CODE, REPO, FINGERPRINT, REPO)
        assert f"snapshots/{published.head}" in result.stdout

    def test_the_users_data_folder(self, client, hub, tmp_path):
        place = client.home / "data/oneshot-emotic"
        folder = place / "mine"
        identity = small_dataset(folder)
        assert client.load("emotic")[0] == identity.fingerprint
        # The environment variable comes first.
        other = tmp_path / "other"
        second = small_dataset(other, small_tasks(3))
        assert client.load("emotic", ONESHOT_EMOTIC_DATA=str(other))[0] == second.fingerprint
        assert hub.requests == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lab/emotic", Repository("lab/emotic", "main")),
        ("Lab-1/emotic.v2@refs/pr/1", Repository("Lab-1/emotic.v2", "refs/pr/1")),
        ("lab/x@v1.0", Repository("lab/x", "v1.0")),
        ("a/b", Repository("a/b")),
        *((text, None) for text in ("emotic", "a/b/c", "/a/b", "a/", "a/b@", "a/b@/x", "a/b@x//y")),
        *((text, None) for text in ("a/b@x..y", "a/b@x/", "a--b/c", "a/b.git", "a/.b", "ä/b", "")),
    ],
)
def test_the_grammar_of_repositories(text, expected):
    assert parse_repository(text) == expected


def test_the_library_is_imported_when_used():
    code = "import sys, oneshot_emotic.dataset.locate, oneshot_emotic.dataset.hub.fetch\n"
    code += "import oneshot_emotic.dataset.hub.publish\nprint('huggingface_hub' in sys.modules)"
    assert python("-c", code).stdout == "False\n"
