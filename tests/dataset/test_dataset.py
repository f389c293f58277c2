"""The dataset folder: written, read back, fingerprinted, damaged, and loaded by `datasets`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import REPOSITORY
from hypothesis import example, given, settings, strategies
from made import python, small_dataset, small_tasks

from oneshot_emotic.dataset.fingerprint import dataset_fingerprint, task_digest
from oneshot_emotic.dataset.folder import MANIFEST, read_task, read_tasks, write_dataset
from oneshot_emotic.dataset.load import load_task
from oneshot_emotic.dataset.locate import (
    BUNDLED,
    DATA_VARIABLE,
    dataset_folder,
    named_dataset_folder,
)
from oneshot_emotic.dataset.whole import check_files, check_publishable
from oneshot_emotic.errors import InputError
from oneshot_emotic.splits import split_task
from oneshot_emotic.tasks import TASKS

FINGERPRINT = "f3238c35bd98d648c50f0e8cfecaaef86d0ea38680f9f64812409871044b9378"


TASKS_HERE = small_tasks(4, engagement=1)


@pytest.fixture
def folder(tmp_path):
    small_dataset(tmp_path / "ds", TASKS_HERE)
    return tmp_path / "ds"


def refused(folder, message):
    with pytest.raises(InputError, match=message) as error:
        read_task(folder, "cat-6-6")
    return str(error.value)


@pytest.mark.stored
def test_golden_fingerprint_of_the_bundled_data_set():
    """Splits and draws may never change under protocol 1."""
    assert load_task("cat-6-6").dataset.fingerprint == FINGERPRINT


@pytest.mark.stored
def test_the_bundled_data_set_is_the_default_stand_in(tmp_path, run):
    run("synth", tmp_path / "stand-in", "--annotations-only")
    result = run("build", tmp_path / "stand-in", "-o", tmp_path / "ds")
    assert FINGERPRINT in result.output
    assert "the same as the synthetic data set inside the package" in result.output


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.stored
def test_digest_by_the_book():
    """docs/data.md followed word for word on a task of four persons."""
    rows = [("b#0", "b", "7"), ("a#0", "ä", "2"), ('c"\\#0', "c", "2"), ("d#0", "d", "7")]
    task = split_task("lev-7-3-valence", [*rows, ("e#0", "e", "1")], draws=2)
    name_of = {'c"\\#0': r"c\"\\#0"}
    draws = []
    for draw in range(2):
        ids = task.support_ids(draw, 5)
        for level in ("2", "7"):
            (name,) = ids[level]
            draws.append(f'[{draw},0,"{level}","{name_of.get(name, name)}"]')
    text = (
        '["oneshot-emotic-task/2","lev-7-3-valence",[["e#0","e","1"]],'
        '[["a#0","ä","2"],["b#0","b","7"],["c\\"\\\\#0","c","2"],["d#0","d","7"]],'
        f"[{','.join(draws)}]]"
    )
    assert task_digest(task) == sha256(text)


@pytest.mark.stored
def test_fingerprint_by_the_book():
    digests = {name: f"{number:064x}" for number, name in enumerate(TASKS)}
    listed = ",".join(f'["{name}","{digests[name]}"]' for name in TASKS)
    expected = sha256(f'["oneshot-emotic-dataset/2","x","argmax",1,[{listed}]]')
    assert dataset_fingerprint("x", "argmax", 1, digests) == expected


CELLS = strategies.text('ab\t\n",[]\\', max_size=4)
ROWS = strategies.lists(strategies.tuples(CELLS, CELLS, strategies.just("1")), max_size=3)


@settings(max_examples=50, deadline=None)
@given(ROWS, ROWS)
@example([("a", "i", "1"), ("b", "j", "1")], [("a\ti\t1\nb", "j", "1")])
@example([("novel", "i", "1")], [("novel\ti", "", "1")])
def test_other_persons_have_another_digest(one, other):
    """Whatever the ids hold: fields and rows cannot be merged into each other."""
    first, second = (task_digest(split_task("lev-7-3-valence", rows)) for rows in (one, other))
    assert (first == second) == (sorted(one) == sorted(other))


def test_marks_of_the_bundled_data_set():
    """As in the table of docs/protocol.md."""
    text = (REPOSITORY / "docs/protocol.md").read_text()
    for name in TASKS:
        task = load_task(name)
        beside = [image in set(task.novel.image_ids) for image in task.base.image_ids]
        assert list(task.base.shares_image) == beside
        images = [set(persons.image_ids) for persons in (task.base.clean, task.novel)]
        assert images[0].isdisjoint(images[1])
        assert len(task.base.clean) == len(task.base) - sum(beside)
        novel = sum(image in set(task.base.image_ids) for image in task.novel.image_ids)
        cells = []
        for count, persons in ((sum(beside), task.base), (novel, task.novel)):
            cells.append(f"{len(persons):,} | {count:,} ({100 * count / len(persons):.0f} %)")
        assert f"| `{name}` | {' | '.join(cells)} |" in text


def test_read_back(folder):
    for name, task in read_tasks(folder).items():
        written = TASKS_HERE[name]
        for field in ("base", "novel", "classes", "dropped_classes"):
            assert getattr(task, field) == getattr(written, field)
        assert (task.support == written.support).all()


def test_only_the_designed_columns_and_files(folder):
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    parts = ("base", "novel", "support")
    assert files == {
        "README.md",
        "croissant.json",
        "manifest.json",
        *(f"data/{task}/{part}.parquet" for task in TASKS for part in parts),
    }
    persons = {"sample_id": "string", "image_id": "string", "label": "string"}
    columns = {
        "base": {**persons, "shares_image": "bool"},
        "novel": persons,
        "support": {"draw": "int16", "shot": "int8", "label": "string", "sample_id": "string"},
    }
    for task in TASKS:
        for part in parts:
            schema = pq.read_schema(folder / f"data/{task}/{part}.parquet")
            assert {field.name: str(field.type) for field in schema} == columns[part]


def test_manifest(folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    task = manifest["tasks"]["cat-6-6"]
    assert task["dropped_classes"] == {"Engagement": 1}
    assert task["novel"]["Esteem"] == 4
    assert task["base"]["Joy"] == 4
    assert task["shots"]["Esteem"] == 3
    assert task["draws"] == 1000
    for name, entry in manifest["files"].items():
        content = (folder / name).read_bytes()
        assert entry == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "none", "row_group_size": 7},
        {"compression": "gzip", "use_dictionary": False, "version": "1.0"},
        {"compression": "zstd", "data_page_version": "2.0"},
    ],
)
def test_rewritten_parquet_is_as_good(folder, options):
    before = load_task("cat-6-6", folder)
    for path in folder.rglob("*.parquet"):
        table = pq.read_table(path)
        table = table.cast(
            pa.schema(
                [
                    pa.field(f.name, pa.large_string() if f.type == pa.string() else f.type)
                    for f in table.schema
                ]
            )
        )
        pq.write_table(table, path, **options)
    after = load_task("cat-6-6", folder)
    assert task_digest(after) == task_digest(before)
    assert after.dataset == before.dataset


def test_row_order_does_not_matter(folder):
    for path in folder.rglob("*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.take(list(range(len(table)))[::-1]), path)
    assert load_task("cat-6-6", folder).dataset.name == "emotic"


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_another_process_with_another_hash_seed(tmp_path, folder, seed):
    code = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "from pathlib import Path; from test_dataset import TASKS_HERE, small_dataset\n"
        "print(small_dataset(Path(sys.argv[3]), TASKS_HERE).fingerprint)"
    )
    out = tmp_path / "other"
    here = Path(__file__).parent
    result = python("-c", code, here, here.parent, out, PYTHONHASHSEED=seed)
    assert result.stdout.strip() == load_task("cat-6-6", folder).dataset.fingerprint
    for path in folder.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (out / path.relative_to(folder)).read_bytes(), path


@pytest.mark.parametrize("name", ["Emotic", "a\tb", "-"])
def test_no_folder_is_written_under_a_name_that_is_none(tmp_path, name):
    with pytest.raises(InputError, match="is no name of a data set"):
        write_dataset(tmp_path, TASKS_HERE, name, "argmax")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("row", [("a\tb#0", "i/a", "Joy"), ("a#0", "i/\u3164", "Esteem")])
def test_no_folder_is_written_with_ids_that_do_not_show(tmp_path, row):
    tasks = {**TASKS_HERE, "cat-6-6": split_task("cat-6-6", [row, ("b#0", "i/b", "Esteem")])}
    with pytest.raises(InputError, match="characters that do not show"):
        write_dataset(tmp_path, tasks, "emotic", "argmax")
    assert list(tmp_path.iterdir()) == []


def test_name_rule_and_content_are_in_the_fingerprint(tmp_path):
    changed = {**TASKS_HERE, "cat-6-4": split_task("cat-6-4", [])}
    seen = {
        small_dataset(tmp_path / f"{name}{rule}{len(tasks['cat-6-4'].base)}", tasks, name, rule)
        for name, rule, tasks in [
            ("a", "argmax", TASKS_HERE),
            ("b", "argmax", TASKS_HERE),
            ("a", "rarest", TASKS_HERE),
            ("a", "argmax", changed),
        ]
    }
    assert len({identity.fingerprint for identity in seen}) == 4


def column(name, values, kind=None):
    """An edit of a table: other values in a column, the last one in all rows that are left."""

    def edit(table):
        filled = [*values, *[values[-1]] * (len(table) - len(values))]
        place = table.column_names.index(name)
        return table.set_column(place, name, pa.array(filled, kind))

    return edit


class TestDamage:
    def change(self, folder, edit):
        path = folder / MANIFEST
        manifest = json.loads(path.read_text())
        edit(manifest)
        path.write_text(json.dumps(manifest))

    @pytest.mark.parametrize(
        ("edit", "message"),
        [
            (lambda m: m.update(format="other/1"), "has the format 'other/1'"),
            (lambda m: m.update(protocol=2), "protocol 2"),
            (lambda m: m.update(label_rule="best"), "label rule 'best'"),
            (lambda m: m.update(label_rule="best\x1b[31m"), "label_rule: holds characters"),
            (lambda m: m["tasks"].pop("cat-6-4"), "all eight tasks"),
            (lambda m: m["tasks"]["cat-6-4"].update(digest="x" * 64), "all eight tasks"),
            (lambda m: m["tasks"]["cat-6-4"].update(digest=["0" * 64]), "all eight tasks"),
            (lambda m: m.update(fingerprint="F" * 64), "no fingerprint of 64"),
            (lambda m: m.update(fingerprint=None), "no fingerprint of 64"),
            (lambda m: m.update(dataset="\ud800"), r"U\+D800"),
            (lambda m: m.update(note="a\u3164"), r"note: holds characters .*U\+3164"),
            (lambda m: m.update(fingerprint="0" * 64), "does not fit the digests"),
            (lambda m: m.update(dataset="other"), "does not fit the digests"),
            (lambda m: m["tasks"]["cat-6-4"].update(digest="0" * 64), "does not fit the digests"),
        ],
    )
    def test_manifest(self, folder, edit, message):
        self.change(folder, edit)
        refused(folder, message)

    @pytest.mark.parametrize(
        "name", ["x\x1b[31m", "a\nb", "a|b", "<b>", "Emotic", "a b", "a" * 65, "é", "", None, ["a"]]
    )
    def test_a_name_that_is_none(self, folder, name):
        """With a fingerprint that fits it: made here, not by the package."""
        document = json.loads((folder / MANIFEST).read_text())
        digests = [[task, document["tasks"][task]["digest"]] for task in TASKS]
        content = ["oneshot-emotic-dataset/2", name, "argmax", 1, digests]
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        self.change(folder, lambda m: m.update(dataset=name, fingerprint=sha256(text)))
        assert "\x1b" not in refused(folder, "is no name of a data set")

    @pytest.mark.parametrize(
        ("file", "edit", "message"),
        [
            ("novel", lambda t: t.slice(1), "does not fit novel.parquet"),
            ("base", lambda t: t.slice(1), "not what the manifest says"),
            ("support", lambda t: t.slice(1), "does not fit"),
            ("support", lambda t: pa.concat_tables([t, t.slice(0, 1)]), "does not fit"),
            ("support", lambda t: t.slice(0, 0), "does not fit"),
            ("base", lambda t: t.append_column("age", t["label"]), "has the columns"),
            ("base", lambda t: t.rename_columns(["a", *t.column_names[1:]]), "has the columns"),
            (
                "base",  # as older versions wrote it
                lambda t: t.drop_columns("shares_image"),
                "not sample_id, image_id, label, shares_image. Build the folder again",
            ),
            (
                "base",
                column("shares_image", [False, True]),
                "`shares_image` does not fit novel.parquet: wrong for train/i/Angry1.jpg#0, .*B",
            ),
            ("base", lambda t: pa.concat_tables([t, t]), "more than once"),
            ("base", column("label", ["Bliss"]), "unknown classes Bliss"),
            ("base", column("label", [None], pa.string()), "column `label` has empty cells"),
            ("support", column("shot", [9], pa.int8()), "does not fit"),
            # types
            ("base", column("shares_image", [0]), "is of type int64, not true or false"),
            *(
                ("base", column(name, [value]), f"column `{name}` is of type .* not text")
                for name, value in [
                    ("sample_id", ["a"]), ("image_id", {"x": "a"}), ("sample_id", b"a"),
                    ("label", 1.0),
                ]
            ),
            *(
                ("support", column(name, [value]), f"column `{name}` is of type .* not whole")
                for name, value in [("draw", [1]), ("draw", "0"), ("shot", 1.5), ("shot", True)]
            ),
            ("support", column("sample_id", [7]), "column `sample_id` is of type int64, not text"),
            # integers that int64 does not hold, and such as would take memory
            *(
                ("support", column("draw", [value, 0], kind), r"does not fit novel\.parquet")
                for value, kind in [
                    (2**63, pa.uint64()), (2**64 - 1, pa.uint64()), (40_000, pa.uint64()),
                    (-1, pa.int64()),
                ]
            ),
            # ids that do not show
            *(
                ("base", column(name, [f"a{char}b", "c"]), f"{name}s hold control or other")
                for name in ("sample_id", "image_id")
                for char in ("\t", "\n", "\x1b", "\u202e", "\u3164", "\u2800")
            ),
        ],
    )  # fmt: skip
    def test_parquet(self, folder, file, edit, message):
        path = folder / f"data/cat-6-6/{file}.parquet"
        pq.write_table(edit(pq.read_table(path)), path)
        refused(folder, message)
        assert read_task(folder, "cat-6-4").name == "cat-6-4"  # the other tasks are whole

    @pytest.mark.parametrize("raw", [b"\xed\xa0\x80#0", b"\xff#0", b"a\xc0\x80"])
    def test_text_that_is_no_utf_8(self, folder, raw):
        path = folder / "data/cat-6-6/base.parquet"
        table = pq.read_table(path)
        ids = [raw, *(x.encode() for x in table["sample_id"].to_pylist()[1:])]
        offsets = np.cumsum([0, *map(len, ids)]).astype("<i4")
        buffers = [pa.py_buffer(offsets.tobytes()), pa.py_buffer(b"".join(ids))]
        column = pa.StringArray.from_buffers(len(ids), *buffers)
        pq.write_table(table.set_column(0, "sample_id", column), path)
        refused(folder, r"base\.parquet: is not a valid \.parquet file")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"[" * 100_000, "nested more than 16"),
            (b'{"format": "x", "format": "y"}', "more than once"),
            (b" " * 2_000_000, "2,000,000 bytes, more than the 1,048,576"),
            (b'{"a": NaN}', "is not JSON"),
            (b"\xff\xfe", "UTF-8"),
            (b'{"format"', "is not JSON"),
        ],
    )
    def test_manifests_made_to_hurt(self, folder, content, message):
        (folder / MANIFEST).write_bytes(content)
        refused(folder, message)

    @pytest.mark.parametrize(
        "dropped_classes",
        [None, [], {}, {"Engagement": 2}, {"Engagement": -1}, {"Engagement": True},
         {"Engagement": "1"}, {"Engagement": 1, "Esteem": 1}, {"\x1b[31m": 1}, {"Engage\nment": 1}],
    )  # fmt: skip
    def test_classes_left_out(self, folder, dropped_classes):
        """They are printed by `tasks`, and no digest is over them."""
        self.change(folder, lambda m: m["tasks"]["cat-6-6"].update(dropped_classes=dropped_classes))
        refused(folder, r"classes left out|characters that do not show")

    @pytest.mark.parametrize("make", ["pipe", "device", "folder", "loop"])
    @pytest.mark.parametrize("file", [MANIFEST, "data/cat-6-6/novel.parquet", "README.md"])
    @pytest.mark.parametrize("read", [read_tasks, check_files, check_publishable])
    def test_what_is_no_file_does_not_hang(self, folder, file, make, read):
        path = folder / file
        if file != MANIFEST:  # a size that would be taken for read
            self.change(folder, lambda m: m["files"][file].update(bytes=0))
        path.unlink()
        if make == "pipe":
            os.mkfifo(path)
        elif make == "folder":
            path.mkdir()
        else:
            path.symlink_to("/dev/zero" if make == "device" else path)
        if file == "README.md" and read != check_publishable:  # no score depends on the card
            read(folder)
            return
        with pytest.raises(
            InputError, match=r"is not a file|is a folder|loop of links|no manifest"
        ):
            read(folder)

    @pytest.mark.parametrize("content", [b"", b"PAR1 but not really PAR1", None])
    def test_broken_files(self, folder, content):
        path = folder / "data/cat-6-6/base.parquet"
        path.unlink() if content is None else path.write_bytes(content)
        refused(folder, "there is no such" if content is None else "not a valid")


BOMB = """
import sys
from pathlib import Path
from oneshot_emotic.dataset.folder import read_task
from oneshot_emotic.errors import InputError
try: read_task(Path(sys.argv[1]), "cat-6-6")
except InputError as error: print(error)
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the peak")
class TestBombs:
    def message(self, folder, file, table, **options):
        path = folder / f"data/cat-6-6/{file}.parquet"
        pq.write_table(table, path, **options)
        assert path.stat().st_size < 1_000_000
        message, peak = python("-c", BOMB, folder).stdout.rsplit("\n", 2)[:2]
        assert int(peak) < 400_000  # kB
        return message

    def columns(self, ids, labels):
        marks = pa.array([False] * len(ids))
        return {"sample_id": ids, "image_id": labels, "label": labels, "shares_image": marks}

    def test_a_long_text_many_times(self, folder):
        """20 GB of sample_ids in 50 KB."""
        indices = pa.array(np.zeros(20_000, np.int32))
        long = pa.DictionaryArray.from_arrays(indices, ["x" * (1 << 20)])
        short = pa.array(["Joy"] * 20_000)
        table = pa.table(self.columns(long, short))
        assert "a text of more than 1,000 characters" in self.message(folder, "base", table)

    def test_many_rows(self, folder):
        short = pa.array(["Joy"] * 1_000_001)
        table = pa.table(self.columns(short, short))
        message = self.message(folder, "base", table)
        assert "has 1,000,001 rows; at most 1,000,000" in message

    def test_much_that_is_pressed_hard(self, folder):
        texts = pa.array(["x" * 1_000] * 70_000)
        table = pa.table(self.columns(texts, texts))
        message = self.message(folder, "base", table, compression="zstd", use_dictionary=False)
        assert "unpacks to more than 67,108,864 bytes" in message


class TestLocate:
    @pytest.fixture(autouse=True)
    def empty_data_folder(self, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))

    def test_synthetic_is_always_here(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "synthetic").mkdir()
        assert dataset_folder("synthetic") == BUNDLED / "synthetic"

    def test_a_folder(self, folder):
        assert dataset_folder(folder) == folder
        assert dataset_folder(str(folder)) == folder

    @pytest.mark.parametrize("name", ["emotic", "emotic-cvpr17"])
    def test_emotic_says_how_to_get_it(self, monkeypatch, name):
        monkeypatch.delenv(DATA_VARIABLE, raising=False)
        with pytest.raises(InputError, match=r"on request only.*oneshot-emotic build") as error:
            dataset_folder(name)
        assert DATA_VARIABLE in str(error.value)

    def test_by_the_environment(self, monkeypatch, folder):
        for value in (folder, folder.parent):
            monkeypatch.setenv(DATA_VARIABLE, str(value))
            assert dataset_folder("emotic") == folder
            with pytest.raises(InputError, match="'other' is not here"):
                dataset_folder("other")

    def test_the_fingerprint_chooses_among_several(self, monkeypatch, folder, tmp_path):
        rarest = tmp_path / "a-rarest"
        identity = small_dataset(rarest, rule="rarest")
        monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
        assert dataset_folder("emotic") == folder  # the official rule
        assert named_dataset_folder("emotic", identity.fingerprint) == rarest

    def test_a_name_in_a_submission_is_never_a_path(self, monkeypatch, folder, tmp_path):
        monkeypatch.chdir(tmp_path)
        assert dataset_folder("ds").resolve() == folder
        for name in ("ds", str(folder), "./ds", "../ds"):
            with pytest.raises(InputError, match="is not here"):
                named_dataset_folder(name)

    def test_a_folder_without_a_manifest(self, tmp_path):
        with pytest.raises(InputError, match="not a dataset folder"):
            dataset_folder(tmp_path)

    @pytest.mark.parametrize("name", ["no/such/folder", "./nowhere", Path("nowhere/x")])
    def test_a_folder_that_is_not_there(self, name):
        with pytest.raises(InputError, match="there is no such folder") as error:
            dataset_folder(name)
        assert "again" not in str(error.value)

    @pytest.mark.parametrize("name", [None, 3, ["synthetic"]])
    def test_what_names_no_data_set(self, name):
        with pytest.raises(InputError, match="a data set is a name, a folder or a repository"):
            load_task("cat-6-6", name)

    def test_unknown_task(self):
        with pytest.raises(InputError, match="there is no task"):
            load_task("cat-1-1")


@pytest.fixture
def offline(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "hf"


@pytest.mark.filterwarnings("ignore")
class TestHuggingFaceDatasets:
    """In a process of its own: `datasets` reads its settings when it is imported."""

    CODE = (
        "import json, sys\n"
        "from datasets import load_dataset\n"
        "loaded = load_dataset(*sys.argv[1:])\n"
        "tables = {s: {c: list(d[c]) for c in d.column_names} for s, d in loaded.items()}\n"
        "for split, table in tables.items():\n"
        "    table['label'] = loaded[split].features['label'].int2str(table['label'])\n"
        "stream = load_dataset(*sys.argv[1:], streaming=True)\n"
        "assert all(next(iter(stream[s])) == loaded[s][0] for s in loaded)\n"
        "print(json.dumps(tables))"
    )

    def load(self, folder, *config):
        return json.loads(python("-W", "ignore", "-c", self.CODE, folder, *config).stdout)

    def test_rows_equal_the_api(self, offline, tmp_path):
        folder = tmp_path / "copy"
        shutil.copytree(BUNDLED / "synthetic", folder)
        task = load_task("cat-6-6", folder)
        loaded = self.load(folder)  # cat-6-6 is the default
        # `datasets` gives all splits the columns of the first.
        novel = {**task.novel.to_pandas().to_dict("list"), "shares_image": [None] * 793}
        assert loaded == {"base": task.base.to_pandas().to_dict("list"), "novel": novel}
        assert sum(loaded["base"]["shares_image"]) == 417
        draws = self.load(folder, "cat-6-6-draws")["support"]
        assert len(draws["draw"]) == 1000 * 5 * 6
        for row in (0, 31, 17_000, 29_999):
            ids = task.support_ids(draws["draw"][row], 5)[draws["label"][row]]
            assert ids[draws["shot"][row]] == draws["sample_id"][row]
        levels = self.load(folder, "lev-6-4-arousal")
        assert set(levels["novel"]["label"]) == {"2", "4", "7", "10"}

    def test_empty_splits_are_left_out(self, offline, tmp_path):
        folder = tmp_path / "ds"
        only_base = split_task("cat-6-4", [("train/i/a.jpg#0", "i/a.jpg", "Joy")])
        small_dataset(folder, {**TASKS_HERE, "cat-6-4": only_base})
        assert self.load(folder, "cat-6-4") == {
            "base": {
                "sample_id": ["train/i/a.jpg#0"],
                "image_id": ["i/a.jpg"],
                "label": ["Joy"],
                "shares_image": [False],
            }
        }
        assert "cat-6-4-draws" not in (folder / "README.md").read_text().split("---")[1]


class TestBesideTheSplits:
    """The card and the description are no part of what is loaded."""

    @pytest.mark.parametrize("content", [None, b"# edited"])
    @pytest.mark.parametrize("name", ["README.md", "croissant.json"])
    def test_they_may_be_other_ones_or_missing(self, folder, name, content):
        path = folder / name
        path.unlink() if content is None else path.write_bytes(content)
        (folder / "LICENSE").write_text("x")
        assert check_files(folder).identity == load_task("cat-6-6", folder).dataset
        with pytest.raises(InputError):
            check_publishable(folder)

    def test_a_folder_of_before_there_was_a_description(self, folder):
        (folder / "croissant.json").unlink()
        manifest = json.loads((folder / MANIFEST).read_text())
        del manifest["files"]["croissant.json"]
        (folder / MANIFEST).write_text(json.dumps(manifest))
        assert check_files(folder).identity == load_task("cat-6-6", folder).dataset

    def test_croissant_lists_the_files(self, folder):
        document = json.loads((folder / "croissant.json").read_text())
        listed = {file["contentUrl"]: file["sha256"] for file in document["distribution"]}
        assert listed == {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*.parquet")
        }
        fields = {item["@id"]: [x["name"] for x in item["field"]] for item in document["recordSet"]}
        for path in listed:
            record_set = path.removeprefix("data/").removesuffix(".parquet")
            assert fields.pop(record_set) == pq.read_schema(folder / path).names
        assert fields == {}

    @pytest.mark.filterwarnings("ignore")
    def test_mlcroissant_reads_it(self, folder):
        mlcroissant = pytest.importorskip("mlcroissant")
        dataset = mlcroissant.Dataset(str(folder / "croissant.json"))
        issues = dataset.metadata.ctx.issues
        assert not issues.errors
        # When it was published is not known when it is built.
        assert all("datePublished" in warning for warning in issues.warnings)
        task = load_task("cat-6-6", folder)
        rows = dataset.records(record_set="cat-6-6/novel")
        ids = [row["cat-6-6/novel/sample_id"].decode() for row in rows]
        assert tuple(ids) == task.novel.sample_ids


def test_the_card_says_what_it_does_not_hold(folder):
    card = (folder / "README.md").read_text()
    assert "no** image" in card.replace("\n", " ")
    assert "on request" in card
    assert "license: other" in card
    assert "Left out for lack of persons: Engagement (1)" in card
    synthetic = (BUNDLED / "synthetic/README.md").read_text()
    assert "Synthetic stand-in" in synthetic
