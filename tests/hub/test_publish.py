"""`oneshot-emotic publish` against the loopback Hub, with the real huggingface_hub client."""

from __future__ import annotations

import hashlib
import json
import re
import shutil

import pyarrow.parquet as pq
import pytest
from hub.clients import FINGERPRINT, REPO, Client, place
from hub.loopback import Blob, Repo
from huggingface_hub import DatasetCard
from made import small_dataset, small_tasks

from oneshot_emotic.dataset.folder import MANIFEST
from oneshot_emotic.dataset.locate import BUNDLED
from oneshot_emotic.dataset.whole import ALL_FILES, check_publishable
from oneshot_emotic.errors import InputError
from oneshot_emotic.files import json_text
from oneshot_emotic.tasks import TASKS

SYNTHETIC = BUNDLED / "synthetic"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A quickly made data set called `emotic`."""
    folder = tmp_path_factory.mktemp("tiny") / "ds"
    small_dataset(folder)
    return folder


@pytest.fixture
def folder(tiny, tmp_path):
    shutil.copytree(tiny, tmp_path / "ds")
    return tmp_path / "ds"


def fingerprint(folder):
    return json.loads((folder / MANIFEST).read_text())["fingerprint"]


def digests(folder):
    return {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in ALL_FILES}


def content(repo, commit):
    files = {path: blob.sha256 for path, blob in repo.commits[commit].items()}
    files.pop(".gitattributes", None)
    return files


def assert_complete(repo, folder):
    assert repo.tags == {fingerprint(folder): repo.head}
    assert content(repo, repo.head) == digests(folder)
    assert len(repo.history) == 2  # the Hub's first commit, and one of ours


class TestPublish:
    def test_one_private_tagged_commit_and_again(self, client, hub, folder):
        # As a scheduler runs it: a process of its own, with nobody at standard input.
        result = client.run("-m", "oneshot_emotic", "publish", folder, "--repo-id", REPO)
        assert "%|" not in result.stderr  # no progress bars where nobody watches
        repo = hub.repos[REPO]
        assert repo.private
        assert_complete(repo, folder)
        assert f"tag {fingerprint(folder)}" in result.stdout
        assert f"private, commit {repo.head}" in result.stdout
        # Parquet went up as large files, the rest in the commit itself.
        assert {path for path, blob in repo.commits[repo.head].items() if blob.large} == {
            path for path in ALL_FILES if path.endswith(".parquet")
        }
        hub.requests.clear()
        assert "everything was there already" in client.publish(folder).stdout
        assert_complete(repo, folder)
        assert not re.findall("PUT|/create|/commit/|/tag/", "\n".join(hub.requests))

    def test_public_is_asked_for(self, client, hub, folder):
        client.publish(folder)
        assert "public, commit" in client.publish(folder, "--public").stdout
        assert not hub.repos[REPO].private
        assert_complete(hub.repos[REPO], folder)
        result = client.publish(folder, status=2)
        assert "the repository is public already" in result.stderr

    def test_it_becomes_public_last(self, client, hub, folder):
        client.ask("publish", folder, REPO, True)
        changes = [x.split("/")[-1] for x in hub.requests if x.startswith(("POST", "PUT"))]
        assert changes[-1] == "settings"
        assert any("/tag/" in request for request in hub.requests)

    def test_a_new_card_is_a_new_commit_and_the_tag_stays(self, client, hub, folder, published):
        before = published.head
        files = published.commits[before]  # as an older version wrote them
        card = files["README.md"] = Blob(b"# older\n", False)
        manifest = json.loads(files[MANIFEST].content)
        manifest["files"]["README.md"] = {"bytes": len(card.content), "sha256": card.sha256}
        files[MANIFEST] = Blob(json_text(manifest).encode(), False)
        client.publish(SYNTHETIC, "--public")
        assert published.tags == {FINGERPRINT: before}
        assert published.history[-2] == before
        assert content(published, published.head) == digests(SYNTHETIC)

    def test_changed_splits_are_a_new_commit_and_a_new_tag(self, client, hub, folder, tmp_path):
        client.publish(folder)
        other = tmp_path / "other"
        small_dataset(other, small_tasks(3))
        client.publish(other)
        repo = hub.repos[REPO]
        assert set(repo.tags) == {fingerprint(folder), fingerprint(other)}
        assert content(repo, repo.tags[fingerprint(folder)]) == digests(folder)
        assert content(repo, repo.tags[fingerprint(other)]) == digests(other)

    def test_dry_run_asks_nobody(self, server, stranger, folder):
        result = stranger.publish(folder, "--dry-run")
        assert server.hub.requests == []
        listed = {}
        for line in result.stdout.splitlines()[:-3]:
            digest, size, path = line.split()
            listed[path] = digest
            assert int(size.replace(",", "")) == (folder / path).stat().st_size
        assert listed == digests(folder)
        assert "visibility: private" in result.stdout
        assert f"tag: {fingerprint(folder)}" in result.stdout
        assert "visibility: public" in stranger.publish(folder, "--dry-run", "--public").stdout

    @pytest.mark.parametrize(
        "repo", ["emotion", "lab/emotion@main1", "lab/../x", "a/b/c", "lab/-x"]
    )
    def test_repository_names(self, run, folder, repo):
        result = run("publish", folder, "--repo-id", repo, status=2)
        assert "a repository is ORG/NAME" in result.output


class TestRefusedByTheHub:
    def test_no_token(self, server, stranger, folder):
        result = stranger.publish(folder, status=2)
        assert "there is no token" in result.stderr
        assert server.hub.requests == []

    def test_wrong_token(self, server, hub, tmp_path, folder):
        other = Client(server.url, tmp_path / "other", token="hf_wrong")
        result = other.publish(folder, status=2)
        other.close()
        assert "the Hub refused the token (401)" in result.stderr
        assert "HF_TOKEN" in result.stderr
        assert hub.repos == {}

    def test_offline(self, client, folder, hub):
        result = client.publish(folder, status=2, HF_HUB_OFFLINE="1")
        assert "HF_HUB_OFFLINE" in result.stderr
        assert hub.requests == []

    def test_the_hub_is_gone(self, client, server, folder):
        server.shutdown()
        server.server_close()
        assert "the work with the Hub failed" in client.publish(folder, status=2).stderr

    def test_a_repository_with_other_things(self, client, hub, folder):
        repo = hub.repos[REPO] = Repo(private=True)
        repo.add({"model.bin": Blob(b"x", True), "README.md": Blob(b"mine", False)})
        result = client.publish(folder, status=2)
        assert "holds other files: model.bin" in result.stderr
        assert len(repo.history) == 1

    def test_a_repository_with_another_data_set(self, client, published, folder):
        result = client.publish(folder, "--public", status=2)
        assert "holds the data set 'synthetic' (argmax), not 'emotic' (argmax)" in result.stderr
        assert len(published.history) == 2

    @pytest.mark.parametrize("other", [False, True], ids=["no data set", "other splits"])
    def test_a_tag_that_lies(self, client, hub, folder, other):
        tag = fingerprint(folder)
        repo = place(hub, SYNTHETIC if other else folder, private=True)
        repo.tags[tag] = repo.history[-1 if other else 0]
        repo.add(place(hub, folder).commits[hub.repos[REPO].head])
        hub.repos[REPO] = repo
        result = client.publish(folder, status=2)
        assert (
            "holds the splits" in result.stderr if other else "holds no manifest" in result.stderr
        )
        assert f"the tag {tag} is there already. If its commit does not hold" in result.stderr

    def test_somebody_else_commits_meanwhile(self, client, hub, folder, server):
        repo = place(hub, folder, private=True)
        repo.tags.clear()
        head = dict(repo.commits[repo.head])
        head["README.md"] = Blob(b"changed", False)
        repo.add(head)
        handler = server.RequestHandlerClass

        def do_post(request):
            handler.do(request)
            if "/preupload/" in request.path:
                repo.add(dict(head))

        handler.do_POST = do_post
        result = client.publish(folder, "--replace-card", status=2)
        assert "somebody else has changed the repository meanwhile" in result.stderr
        assert repo.tags == {}


class TestOtherPeoplesEdits:
    """What others put beside the data, on the Hub's pages."""

    @pytest.fixture
    def edited(self, hub, published):
        """A new card, a licence and a registration as a benchmark."""
        files = dict(published.commits[published.head])
        files["README.md"] = Blob(b"# ours, and better\n", False)
        files |= {name: Blob(b"theirs", False) for name in ("LICENSE", "eval.yaml")}
        published.add(files)
        return published

    def test_they_are_kept(self, client, edited):
        before = edited.head
        result = client.publish(SYNTHETIC, "--public")
        assert "keeping the card, which was edited on the Hub (--replace-card" in result.stderr
        assert "everything was there already" in result.stdout
        assert edited.head == before
        assert client.load(REPO) == [FINGERPRINT, 793]

    def test_the_card_is_replaced_on_demand(self, client, edited):
        client.publish(SYNTHETIC, "--public", "--replace-card")
        found = content(edited, edited.head)
        assert {found.pop("LICENSE"), found.pop("eval.yaml")} == {Blob(b"theirs", False).sha256}
        assert found == digests(SYNTHETIC)

    def test_an_edited_card_outlasts_new_splits(self, client, hub, folder, tmp_path):
        client.publish(folder)
        repo = hub.repos[REPO]
        card = Blob(b"# edited\n", False)
        repo.add({**repo.commits[repo.head], "README.md": card})
        other = tmp_path / "other"
        small_dataset(other, small_tasks(3))
        for _ in range(2):  # the manifest lists another card after the first
            client.publish(other)
            expected = {**digests(other), "README.md": card.sha256}
            assert content(repo, repo.head) == expected
        assert client.load(REPO)[0] == fingerprint(other)

    def test_a_card_taken_away_is_put_back(self, client, published):
        files = dict(published.commits[published.head])
        del files["README.md"]
        published.add(files)
        assert client.load(REPO) == [FINGERPRINT, 793]
        client.publish(SYNTHETIC, "--public")
        assert content(published, published.head) == digests(SYNTHETIC)

    def test_other_data_are_not_kept(self, client, edited):
        head = edited.add({**edited.commits[edited.head], "data/x.parquet": Blob(b"x", True)})
        result = client.publish(SYNTHETIC, "--public", status=2)
        assert "holds other files: data/x.parquet" in result.stderr
        assert edited.head == head


class TestGated:
    def changes(self, hub):
        return [x.split("/")[-1] for x in hub.requests if re.match("(POST|PUT) /api/datasets", x)]

    @pytest.mark.parametrize("kind", ["auto", "manual"])
    def test_closed_before_anything_is_to_be_seen(self, client, hub, folder, kind):
        result = client.publish(folder, "--public", "--gated", kind)
        assert f"public, gated ({kind}), commit" in result.stdout
        repo = hub.repos[REPO]
        assert (repo.private, repo.gated) == (False, kind)
        assert_complete(repo, folder)
        changes = [step for step in self.changes(hub) if step != "main"]
        assert changes[0] == changes[-1] == "settings"
        hub.requests.clear()
        assert "already" in client.publish(folder, "--public", "--gated", kind).stdout
        assert "settings" not in self.changes(hub)
        # Nothing but the owner's hand opens it.
        assert f"gated ({kind})" in client.publish(folder, "--public").stdout
        assert repo.gated == kind

    def test_one_that_is_public_is_closed_first(self, client, hub, published):
        published.add({".gitattributes": Blob(b"", False)})
        client.publish(SYNTHETIC, "--public", "--gated", "manual")
        assert self.changes(hub)[0] == "settings"
        assert published.gated == "manual"

    @pytest.mark.parametrize("kind", ["drop-before", "drop-after", "500"])
    def test_stopped_at_closing_it(self, client, hub, tiny, kind):
        client.ask("hurry")
        hub.fault("/settings", kind)
        assert isinstance(client.ask("publish", tiny, REPO, True, "manual"), str)
        repo = hub.repos[REPO]
        assert repo.private and len(repo.history) == 1
        hub.faults.clear()
        done = client.ask("publish", tiny, REPO, True, "manual")
        assert (done.gated, done.private, repo.gated, repo.private) == ("manual", False) * 2
        assert_complete(repo, tiny)

    def test_dry_run(self, client, folder):
        result = client.publish(folder, "--dry-run", "--gated", "manual")
        assert "visibility: private, gated (manual)" in result.stdout
        client.publish(folder, "--gated", "everybody", status=2)


#: Every kind of request of a publication that changes something, and one of looking.
STEPS = [
    "POST /api/repos/create",
    "/preupload/",
    "objects/batch",
    "PUT /_lfs/",
    "/verify",
    "/commit/main",
    "GET .*/revision/[0-9a-f]{64}$",
    "/tag/",
    "/settings",
]


class TestStoppedAnywhere:
    """The exact places; random ones are in test_kill.py."""

    def test_failing_at_every_step(self, client, hub, tiny):
        client.ask("hurry")
        for step in STEPS:
            for kind in ("drop-before", "drop-after", "500"):
                hub.clear()
                hub.fault(step, kind, after=3 if "_lfs" in step or "verify" in step else 0)
                message = client.ask("publish", tiny, REPO, True)
                assert isinstance(message, str) and message.startswith(f"{REPO}: the "), step
                self.check_nothing_half_there(hub, tiny, step)
                hub.faults.clear()
                done = client.ask("publish", tiny, REPO, True)
                assert_complete(hub.repos[REPO], tiny)
                assert not done.private and not hub.repos[REPO].private
        assert not client.ask("publish", tiny, REPO, True).changed

    def check_nothing_half_there(self, hub, tiny, step):
        repo = hub.repos.get(REPO)
        if repo is None:
            return
        assert repo.private or step == "/settings"
        assert len(repo.history) <= 2
        assert content(repo, repo.head) in ({}, digests(tiny))
        if repo.tags:
            assert_complete(repo, tiny)

    def test_a_short_failure_is_overcome(self, client, hub, tiny):
        hub.fault("PUT /_lfs/", "503", times=1)
        client.ask("publish", tiny, REPO, False)
        assert_complete(hub.repos[REPO], tiny)


class TestCheckPublishable:
    def refused(self, folder, message):
        with pytest.raises(InputError) as error:
            check_publishable(folder)
        assert re.search(message, str(error.value)), error.value

    def rewrite(self, folder, edit, listed=True):
        """Change the manifest, and its list of files to what is there."""
        path = folder / MANIFEST
        manifest = json.loads(path.read_text())
        if listed:
            for name, digest in digests(folder).items():
                if name != MANIFEST:
                    size = (folder / name).stat().st_size
                    manifest["files"][name] = {"bytes": size, "sha256": digest}
        edit(manifest)
        path.write_text(json_text(manifest))

    def test_the_bundled_one_passes(self):
        identity, files = check_publishable(SYNTHETIC)
        assert identity.fingerprint == FINGERPRINT
        assert {file.path: file.sha256 for file in files} == digests(SYNTHETIC)

    @pytest.mark.parametrize(
        "name", ["notes.txt", ".DS_Store", "data/x.jpg", "data/cat-6-6/extra.parquet", "data/new/a"]
    )
    def test_another_file(self, folder, name):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
        self.refused(folder, "is not part of a dataset folder")

    def test_an_empty_folder_and_a_link(self, folder):
        (folder / "images").mkdir()
        file = folder / "data/cat-6-6/base.parquet"
        file.rename(folder.parent / "elsewhere.parquet")
        file.symlink_to(folder.parent / "elsewhere.parquet")
        self.refused(folder, r"images: is not part of.*\n.*base.parquet: is a link")

    def test_a_missing_and_a_changed_file(self, folder):
        (folder / "data/cat-6-4/base.parquet").unlink()
        path = folder / "data/cat-6-6/base.parquet"
        pq.write_table(pq.read_table(path), path, compression="none")
        where = r"cat-6-4/base.parquet: there is no such file.*\n.*cat-6-6/base.parquet"
        self.refused(folder, f"{where}: is not the file that the manifest lists")

    @pytest.mark.parametrize(
        ("edit", "message"),
        [
            (
                lambda t: t.append_column("age", t["label"]),
                "has the columns sample_id, image_id, label, shares_image, age",
            ),
            (
                lambda t: t.replace_schema_metadata({"ages": "31, 44"}),
                "carries metadata beyond its columns: ages",
            ),
            (
                lambda t: t.cast(t.schema.set(2, t.schema.field(2).with_metadata({"ages": "31"}))),
                "carries metadata beyond its columns: ages",
            ),
        ],
        ids=["column", "schema", "field"],
    )
    def test_more_in_a_parquet_file(self, folder, edit, message):
        path = folder / "data/cat-6-6/base.parquet"
        pq.write_table(edit(pq.read_table(path)), path)
        self.rewrite(folder, lambda m: None)
        self.refused(folder, message)

    @pytest.mark.parametrize(
        ("edit", "message"),
        [
            (lambda m: m.update(ages=[31]), "more than it should: ages"),
            (lambda m: m["tasks"]["cat-6-6"].update(ages=[31]), "more than it should: tasks"),
            (lambda m: m["tasks"]["cat-6-6"]["base"].update(Joy=7), "more than it should: tasks"),
            (lambda m: m["tasks"]["cat-6-6"].update(dropped_classes={"Esteem": [1]}), "left out"),
            (lambda m: m["files"].pop("README.md"), "does not list the files.*README.md"),
            (lambda m: m["files"].update({"../x": {}}), "does not list the files.*../x"),
            (lambda m: m["files"]["README.md"].update(age=3), "no size and SHA-256 of README"),
            (lambda m: m.update(synthetic={"seed": 1}), "stand-in"),
            (lambda m: m.update(fingerprint="0" * 64), "does not fit the digests"),
        ],
    )
    def test_another_manifest(self, folder, edit, message):
        self.rewrite(folder, edit)
        self.refused(folder, message)

    def test_a_key_hidden_behind_another_of_its_name(self, folder):
        path = folder / MANIFEST
        path.write_text(path.read_text().replace("{", '{\n  "dataset": "ages: 31, 44",', 1))
        self.refused(folder, "1 key comes more than once, such as dataset")

    def test_another_card(self, folder):
        for name in ("README.md", "croissant.json"):
            with (folder / name).open("a") as stream:
                stream.write("\nages: 31, 44\n")
        self.rewrite(folder, lambda m: None)
        where = r"README.md: is not the one that this version writes.*\n.*croissant.json: is not"
        self.refused(folder, where)

    def test_a_stand_in_under_another_name(self, folder):
        shutil.rmtree(folder)
        shutil.copytree(SYNTHETIC, folder)
        self.rewrite(folder, lambda m: m.pop("synthetic"))
        self.refused(folder, "settings of a synthetic stand-in")


class TestCard:
    """What the Hub's page makes of the README."""

    @pytest.mark.parametrize("which", ["synthetic", "emotic"])
    def test_the_metadata(self, tiny, which):
        folder = SYNTHETIC if which == "synthetic" else tiny
        card = DatasetCard.load(folder / "README.md")
        data = card.data.to_dict()
        assert data["pretty_name"] == f"One-shot EMOTIC ({which}, argmax)"
        if which == "emotic":
            assert data["license"] == "other"
            assert re.fullmatch(r"[a-z-]+", data["license_name"])
            assert data["license_link"].startswith("https://")
            assert "non-commercial research and education only" in card.text.replace("\n", " ")
        else:
            assert data["license"] == "mit"
            assert "synthetic" in data["tags"]
        gate = {key: data[key] for key in data if key.startswith("extra_gated_")}
        assert bool(gate) == (which == "emotic")
        if gate:  # as the Hub's documentation of gated data sets has it
            fields = gate.pop("extra_gated_fields")
            assert "research and education only" in gate["extra_gated_prompt"]
            assert "https://s3.sunai.uoc.edu/emotic" in gate["extra_gated_prompt"]
            assert all(isinstance(text, str) for text in gate.values())
            kinds = [x if isinstance(x, str) else x["type"] for x in fields.values()]
            assert set(kinds) == {"text", "country", "select", "checkbox"}
        rows = sum(pq.read_metadata(path).num_rows for path in folder.rglob("*.parquet"))
        sizes = {"10K<n<100K": range(10_000, 100_000), "100K<n<1M": range(100_000, 1_000_000)}
        (size,) = data["size_categories"]
        assert rows in sizes[size]
        configs = {item["config_name"]: item["data_files"] for item in data["configs"]}
        assert set(configs) == {x for task in TASKS for x in (task, f"{task}-draws")}
        for files in configs.values():
            for file in files:
                assert (folder / file["path"]).is_file()
        assert fingerprint(folder) in card.text
        assert "@inproceedings{peng2021" in card.text and "@article{kosti2020" in card.text

    def test_what_datasets_makes_of_it(self):
        pytest.importorskip("datasets")
        from datasets.info import DatasetInfosDict
        from datasets.utils.metadata import MetadataConfigs

        data = DatasetCard.load(SYNTHETIC / "README.md").data
        configs = MetadataConfigs.from_dataset_card_data(data)
        assert configs.get_default_config_name() == "cat-6-6"
        infos = DatasetInfosDict.from_dataset_card_data(data)
        assert set(infos) == set(configs) == {x for t in TASKS for x in (t, f"{t}-draws")}
        for name, task in TASKS.items():
            features = infos[name].features
            assert list(features) == ["sample_id", "image_id", "label", "shares_image"]
            assert features["label"].names == [*task.base_classes, *task.novel_classes]
            draws = infos[f"{name}-draws"].features
            assert list(draws) == ["draw", "shot", "label", "sample_id"]
            assert draws["label"].names == list(task.novel_classes)

    def test_the_class_tables(self):
        text = (SYNTHETIC / "README.md").read_text()
        manifest = json.loads((SYNTHETIC / MANIFEST).read_text())
        for task, summary in manifest["tasks"].items():
            section = text.split(f"### {task}\n")[1].split("\n### ")[0]
            for name, count in summary["novel"].items():
                assert f"| {name} | {count:,} |" in section
            for name, count in summary["base"].items():
                assert f"{name} {count:,}" in section

    def test_the_markdown_is_well_formed(self):
        from markdown_it import MarkdownIt

        text = (SYNTHETIC / "README.md").read_text().split("---\n", 2)[2]
        tokens = MarkdownIt("commonmark").enable("table").parse(text)
        kinds = [token.type for token in tokens]
        assert kinds.count("table_open") == 1 + len(TASKS)
        assert kinds.count("fence") == 3
        assert text.count("```") == 6
