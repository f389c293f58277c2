"""Writing a dataset folder, and reading its tasks back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oneshot_emotic.dataset.card import dataset_card
from oneshot_emotic.dataset.columns import COLUMNS
from oneshot_emotic.dataset.croissant import croissant
from oneshot_emotic.dataset.fingerprint import dataset_fingerprint, support_rows, task_digest
from oneshot_emotic.draws import shots_offered
from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.files import json_text, sha256_of_file, write_text
from oneshot_emotic.labels import LABEL_RULES
from oneshot_emotic.names import DATASET_NAME, SHA256, id_problems, text_problems
from oneshot_emotic.splits import FEWEST_PERSONS, BasePersons, DatasetIdentity, Persons, Task
from oneshot_emotic.tasks import MAX_SHOTS, PROTOCOL, TASKS, TaskDefinition, task_definition
from oneshot_emotic.untrusted.files import opened, sound
from oneshot_emotic.untrusted.limits import MAX_DATASET_FILE_BYTES, MAX_DOCUMENT_BYTES, MAX_ROWS
from oneshot_emotic.untrusted.parquet import open_parquet, read_texts, read_values
from oneshot_emotic.untrusted.strict_json import parse_json

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "oneshot-emotic-dataset/2"
MANIFEST = "manifest.json"
CARD = "README.md"
CROISSANT = "croissant.json"
#: What lies in a dataset folder, at its top.
CONTENTS = frozenset({MANIFEST, CARD, CROISSANT, "data"})
#: The files that hold the splits.
DATA_FILES = tuple(f"data/{task}/{part}.parquet" for task in TASKS for part in COLUMNS)
#: Every file of a dataset folder that its manifest lists.
LISTED_FILES = (CARD, CROISSANT, *DATA_FILES)

#: Draws that are read at most; a task has 1,000.
_MOST_DRAWS = 1 << 15

_NO_NAME = "is no name of a data set: 1 to 64 small letters, digits and hyphens"
_REBUILD = "Build the folder again with `oneshot-emotic build`, or fetch it again"


@dataclass(frozen=True)
class Manifest:
    """A manifest.json.

    Attributes:
        identity: Which data set it is; checked.
        document: All of the file, as parsed; the digests of its tasks are checked.
    """

    identity: DatasetIdentity
    document: Mapping[str, Any]


def write_dataset(
    folder: Path,
    tasks: Mapping[str, Task],
    name: str,
    label_rule: str,
    synthetic: Mapping[str, Any] | None = None,
) -> DatasetIdentity:
    """Write a dataset folder into `folder`, which exists and is empty.

    Args:
        folder: Where to.
        tasks: All eight tasks.
        name: The data set's name.
        label_rule: By which the tasks were built.
        synthetic: The settings of a synthetic stand-in; None for anything else.

    Returns:
        The data set's identity, with its fingerprint.

    Raises:
        InputError: The name is none for a data set, or an id holds characters that do not show.
    """
    import pyarrow.parquet as pq

    problems = [] if DATASET_NAME.fullmatch(name) else [Problem(f"{name!r} {_NO_NAME}")]
    for task in tasks.values():
        for persons in (task.base, task.novel):
            problems += _persons_problems(persons, task.name)
    if problems:
        raise InputError(dict.fromkeys(problems))
    digests = {task: task_digest(tasks[task]) for task in TASKS}
    fingerprint = dataset_fingerprint(name, label_rule, PROTOCOL, digests)
    identity = DatasetIdentity(name, label_rule, PROTOCOL, fingerprint)
    for task in tasks.values():
        (folder / "data" / task.name).mkdir(parents=True)
        for file, table in _parquet_tables(task).items():
            path = folder / f"data/{task.name}/{file}.parquet"
            pq.write_table(table, path, compression="zstd", compression_level=9)
    files = _listing(folder, DATA_FILES)
    write_text(folder / CARD, dataset_card(identity, tasks, synthetic is not None))
    description = json_text(croissant(identity, files, synthetic is not None))
    write_text(folder / CROISSANT, description)
    files = _listing(folder, LISTED_FILES)
    manifest = manifest_document(identity, tasks, digests, files, synthetic)
    write_text(folder / MANIFEST, json_text(manifest))
    return identity


def _listing(folder: Path, paths: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Path -> size and digest, as the manifest gives them."""
    return {
        path: {"bytes": (folder / path).stat().st_size, "sha256": sha256_of_file(folder / path)}
        for path in paths
    }


def read_manifest(folder: Path) -> Manifest:
    """Read and check a folder's manifest.

    Raises:
        InputError: There is none, or it is not one of this format and protocol.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise InputError("there is no such folder", folder)
    if not path.exists():
        what = f"there is no {MANIFEST}: this is not a dataset folder"
        raise InputError(what, folder, "`oneshot-emotic build EMOTIC_ROOT -o DIR` makes one")
    with _say_what_to_do():
        with opened(path, MAX_DOCUMENT_BYTES, remedy="") as stream:
            content = parse_json(stream.read(MAX_DOCUMENT_BYTES), str(path))
        if (found := content.get("format")) != FORMAT:
            raise InputError(f"has the format {found!r}, not {FORMAT!r}", path)
        return _checked_manifest(content, str(path))


def _checked_manifest(content: dict[str, Any], where: str) -> Manifest:
    problems = text_problems(content, where)
    if (found := content.get("protocol")) != PROTOCOL:
        what = f"is of protocol {found!r}; this version of oneshot-emotic scores protocol"
        problems.append(Problem(f"{what} {PROTOCOL}", where))
    if content.get("label_rule") not in LABEL_RULES:
        problems.append(Problem(f"has the label rule {content.get('label_rule')!r}", where))
    name: Any = content.get("dataset")
    tasks: Any = content.get("tasks")
    if not isinstance(name, str) or not DATASET_NAME.fullmatch(name):
        problems.append(Problem(f"{name!r} {_NO_NAME}", where))
    if not _is_sha256(content.get("fingerprint")):
        problems.append(Problem("has no fingerprint of 64 hexadecimal digits", where))
    if not isinstance(tasks, dict) or not all(
        isinstance(tasks.get(task), dict) and _is_sha256(tasks[task].get("digest"))
        for task in TASKS
    ):
        problems.append(Problem("does not describe all eight tasks", where))
    if problems:
        raise InputError(problems)
    identity = DatasetIdentity(name, content["label_rule"], PROTOCOL, content["fingerprint"])
    digests = {task: tasks[task]["digest"] for task in TASKS}
    if identity.fingerprint != dataset_fingerprint(name, identity.label_rule, PROTOCOL, digests):
        raise InputError("its fingerprint does not fit the digests of its tasks", where)
    return Manifest(identity, content)


def read_task(folder: Path, name: str) -> Task:
    """Read one task of a dataset folder and check it against the manifest.

    What counts is the content: parquet files written anew by another program are as good.

    Raises:
        InputError: There is no such task, or the folder is damaged.
    """
    definition = task_definition(name)
    manifest = read_manifest(folder)
    files = folder / "data" / definition.name
    path = files / "novel.parquet"
    novel = _checked_persons(_read_columns(path, COLUMNS["novel"]), definition.novel_classes, path)
    base = _read_base(files / "base.parquet", definition, novel)
    classes = tuple(item for item in definition.novel_classes if item in novel.counts)
    entry = manifest.document["tasks"][name]
    dropped_classes = entry.get("dropped_classes")
    missing = set(definition.novel_classes).difference(classes)
    if not (
        isinstance(dropped_classes, dict)
        and dropped_classes.keys() == missing
        and all(type(x) is int and 0 <= x < FEWEST_PERSONS for x in dropped_classes.values())
    ):
        what = f"the classes left out of {name} are not those without persons"
        raise InputError(what, folder / MANIFEST, _REBUILD)
    support = _read_support(files / "support.parquet", novel, classes)
    task = Task(definition, base, novel, classes, support, dropped_classes, manifest.identity)
    if task_digest(task) != entry["digest"]:
        raise InputError("its content is not what the manifest says", files, _REBUILD)
    return task


def read_tasks(folder: Path) -> dict[str, Task]:
    """All eight tasks of a dataset folder."""
    return {name: read_task(folder, name) for name in TASKS}


def manifest_document(
    identity: DatasetIdentity,
    tasks: Mapping[str, Task],
    digests: Mapping[str, str],
    files: Mapping[str, Any],
    synthetic: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The content of manifest.json.

    Args:
        identity: Which data set it is.
        tasks: All eight tasks.
        digests: Task name -> digest.
        files: Path -> `{"bytes", "sha256"}` of every other file.
        synthetic: The settings of a synthetic stand-in; None for anything else.
    """
    return {
        "format": FORMAT,
        "dataset": identity.name,
        **{key: value for key, value in identity.to_dict().items() if key != "name"},
        **({} if synthetic is None else {"synthetic": dict(synthetic)}),
        "tasks": {task: _summary(tasks[task], digests[task]) for task in TASKS},
        "files": dict(files),
    }


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and SHA256.fullmatch(value) is not None


def _summary(task: Task, digest: str) -> dict[str, Any]:
    return {
        "digest": digest,
        "base": {name: task.base.counts.get(name, 0) for name in task.definition.base_classes},
        "novel": {name: task.novel.counts[name] for name in task.classes},
        "dropped_classes": dict(task.dropped_classes),
        "draws": task.draws,
        "shots": {name: shots_offered(task.novel.counts[name]) for name in task.classes},
        **({"unscorable": task.unscorable} if task.unscorable else {}),
    }


def _parquet_tables(task: Task) -> dict[str, pa.Table]:
    import pyarrow as pa

    def persons_table(persons: Persons) -> pa.Table:
        columns = (persons.sample_ids, persons.image_ids, persons.labels)
        texts = [pa.array(column, pa.string()) for column in columns]
        return pa.table(texts, list(COLUMNS["novel"]))

    marks = pa.array(task.base.shares_image, pa.bool_())
    rows = list(support_rows(task))
    types = (pa.int16(), pa.int8(), pa.string(), pa.string())
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(types)
    support = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    return {
        "base": persons_table(task.base).append_column("shares_image", marks),
        "novel": persons_table(task.novel),
        "support": pa.table(support, list(COLUMNS["support"])),
    }


def _read_columns(path: Path, kinds: Mapping[str, str]) -> list[list[Any]]:
    """The columns of a parquet file, which must be exactly these, without empty cells."""
    where = str(path)
    most = MAX_DATASET_FILE_BYTES
    with _say_what_to_do(), opened(path, most, remedy="") as stream, sound(where, ".parquet"):
        file = open_parquet(stream, kinds, MAX_ROWS, most, where)
        return [
            read_texts(file, name, where) if kind == "text" else read_values(file, name, where)
            for name, kind in kinds.items()
        ]


@contextlib.contextmanager
def _say_what_to_do() -> Iterator[None]:
    """Give every problem of a damaged folder a remedy."""
    try:
        yield
    except InputError as error:
        raise InputError(
            replace(problem, remedy=problem.remedy or _REBUILD) for problem in error.problems
        ) from None


def _read_base(path: Path, definition: TaskDefinition, novel: Persons) -> BasePersons:
    *columns, marks = _read_columns(path, COLUMNS["base"])
    persons = _checked_persons(columns, definition.base_classes, path)
    base = BasePersons.beside(novel, persons, definition)
    expected = dict(zip(base.sample_ids, base.shares_image, strict=True))
    wrong = [name for name, mark in zip(columns[0], marks, strict=True) if mark != expected[name]]
    if wrong:
        what = f"column `shares_image` does not fit novel.parquet: wrong for {some(wrong)}"
        raise InputError(what, path, _REBUILD)
    return base


def _checked_persons(columns: list[list[Any]], classes: tuple[str, ...], path: Path) -> Persons:
    persons = Persons.sorted_from(zip(*columns, strict=True))
    problems = _persons_problems(persons, str(path))
    if len(set(persons.sample_ids)) != len(persons):
        problems.append(Problem("lists a sample_id more than once", str(path), _REBUILD))
    if strange := sorted(set(persons.labels) - set(classes)):
        problems.append(Problem(f"has the unknown classes {some(strange)}", str(path), _REBUILD))
    if problems:
        raise InputError(problems)
    return persons


def _persons_problems(persons: Persons, where: str) -> list[Problem]:
    """Ids that hold characters that do not show."""
    return [
        *id_problems("sample_ids", persons.sample_ids, where),
        *id_problems("image_ids", persons.image_ids, where),
    ]


def _read_support(path: Path, novel: Persons, classes: tuple[str, ...]) -> Any:
    """The draws as places in `novel`, of shape (draws, MAX_SHOTS, classes), -1 for none."""
    draws, shots, labels, sample_ids = _read_columns(path, COLUMNS["support"])
    class_of = {name: index for index, name in enumerate(classes)}
    place_of = {sample_id: index for index, sample_id in enumerate(novel.sample_ids)}
    places = [place_of.get(sample_id, -1) for sample_id in sample_ids]
    fits = (
        all(0 <= draw < _MOST_DRAWS for draw in draws)
        and all(0 <= shot < MAX_SHOTS for shot in shots)
        and all(place >= 0 for place in places)
        and labels == [novel.labels[place] for place in places]
    )
    if fits:
        shape = (max(draws, default=-1) + 1, MAX_SHOTS, len(classes))
        support = np.full(shape, -1, dtype=np.int32)
        support[draws, shots, [class_of[label] for label in labels]] = places
        # In every draw, every class has the shots that it offers: at least one, and no other.
        offered = [shots_offered(novel.counts[name]) for name in classes]
        cells = np.arange(MAX_SHOTS)[:, None] < np.array(offered)
        fits = (
            len(draws) == len(support) * cells.sum()
            and bool(((support >= 0) == cells).all())
            and (not classes or (len(support) > 0 and min(offered) > 0))
        )
    if not fits:
        raise InputError("does not fit novel.parquet", path, _REBUILD)
    return support
