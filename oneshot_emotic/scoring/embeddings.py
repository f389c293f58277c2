"""Embeddings as they are scored: one finite vector for each novel person of a task.

Every problem of a set of embeddings is found before any is reported.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt

from oneshot_emotic.errors import InputError, Problem, counted, printable, some
from oneshot_emotic.splits import Task

#: float32 or float64.
EmbeddingArray: TypeAlias = npt.NDArray[np.floating]

#: What `evaluate` takes: sample_id -> vector, or (sample_ids, array (persons, dimensions)).
#: Vectors and arrays may be NumPy, torch tensors on any device, or lists. A pandas table indexed by
#: sample_id will do too.
Embeddings: TypeAlias = Mapping[str, Any] | tuple[Sequence[str], Any]

#: Notes a problem and what to do about it.
_Report: TypeAlias = Callable[..., Any | None]

#: Beyond it squared distances overflow, and every person would be as far from every other.
LARGEST = float(np.finfo(np.float32).max)

#: Integers beyond it are not all float64 numbers.
MAX_INTEGER = 1 << 53

_DIGEST_HEADING = "oneshot-emotic-embeddings/2"


def check_arguments(embeddings: object, task: object) -> None:
    """Refuse a task's name in place of a task, and arguments in the wrong order.

    Raises:
        InputError: `task` is no task.
    """
    if isinstance(task, Task):
        return
    what, remedy = f"the task is a {type(task).__name__}", "Give what load_task returns"
    if isinstance(embeddings, Task):
        what, remedy = "the task stands where the embeddings belong", "Give embeddings, then task"
    elif isinstance(task, str):
        what, remedy = f"{task!r} is a task's name, not a task", f"Give load_task({task!r})"
    raise InputError(what, remedy=remedy)


def aligned_embeddings(embeddings: Embeddings, task: Task) -> EmbeddingArray:
    """The embeddings of a task's novel persons in the order of `task.novel`.

    Args:
        embeddings: See `Embeddings`. Exactly the novel persons of the task, in any order.
        task: What they are for.

    Returns:
        Array of shape (novel persons, dimensions), float32 if that holds all values without
        rounding, else float64; -0.0 has become 0.0.

    Raises:
        InputError: Persons are missing, unknown or named twice; vectors are ragged, empty, not
            numbers, not finite or beyond float32's range. All of these at once.
    """
    (array,) = shared_embeddings(embeddings, [task])
    return array


def shared_embeddings(
    embeddings: Embeddings, tasks: Sequence[Task], where: str = ""
) -> Iterator[EmbeddingArray]:
    """`aligned_embeddings` of each of several tasks, from one vector a person.

    All is checked at once; then each array is made when its turn comes.

    Args:
        embeddings: Of exactly the persons that are novel in one of the tasks.
        tasks: What they are for.
        where: The file they come from, for messages.

    Raises:
        InputError: As `aligned_embeddings` does.
    """
    sample_ids, array = _matrix(
        embeddings, lambda ids, report: _check_identities(ids, tasks, report), where
    )
    place = {sample_id: index for index, sample_id in enumerate(sample_ids)}
    parts = (array[[place[sample_id] for sample_id in task.novel.sample_ids]] for task in tasks)
    # As narrow as its own values let it be, as if each task had a file.
    return ((part if len(tasks) == 1 else _narrowest(part)) + 0.0 for part in parts)


def vectors_of(embeddings: Embeddings, where: str = "") -> tuple[list[str], EmbeddingArray]:
    """The sample_ids and vectors of any persons, in the order given.

    Args:
        embeddings: See `Embeddings`.
        where: What they are, for messages.

    Returns:
        The sample_ids, and an array as of `aligned_embeddings`.

    Raises:
        InputError: As `aligned_embeddings` does, but for who the persons are.
    """
    sample_ids, array = _matrix(embeddings, _check_different, where)
    return sample_ids, array + 0.0


def joined(
    tasks: Sequence[Task], arrays: Iterable[npt.NDArray[np.floating[Any]]]
) -> tuple[list[str], npt.NDArray[np.floating[Any]]]:
    """The sample_ids and vectors of what `shared_embeddings` took apart: each person once."""
    rows: dict[str, Any] = {}
    for task, array in zip(tasks, arrays, strict=True):
        rows |= zip(task.novel.sample_ids, array, strict=True)
    sample_ids = sorted(rows)
    return sample_ids, np.stack([rows[sample_id] for sample_id in sample_ids])


def embeddings_digest(aligned: EmbeddingArray, task: Task) -> str:
    """BLAKE2b-256 over the values, not the file: the same whatever file they come from.

    Over the JSON `["oneshot-emotic-embeddings/2", task, sample_ids, persons, dimensions]` without
    spaces, and the values one after the other, little-endian: float32 if that holds all of them,
    else float64.
    """
    head = [_DIGEST_HEADING, task.name, task.novel.sample_ids, *aligned.shape]
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=32)
    little_endian = np.ascontiguousarray(aligned, dtype=aligned.dtype.newbyteorder("<"))
    digest.update(little_endian.data)
    return digest.hexdigest()


def _matrix(
    embeddings: Embeddings, check: Callable[[Sequence[str], _Report], None], where: str
) -> tuple[list[str], EmbeddingArray]:
    """Sample_ids that pass a check and their vectors; all that is wrong with both at once."""
    problems: list[Problem] = []

    def report(what: str, remedy: str = "") -> None:
        problems.append(Problem(what, where, remedy))

    taken_apart = _taken_apart(embeddings, report)
    if taken_apart is None:
        raise InputError(problems)
    sample_ids, vectors = taken_apart
    check(sample_ids, report)
    array = _as_array(sample_ids, vectors, report)
    if problems or array is None:
        raise InputError(problems)
    return sample_ids, array


def _taken_apart(embeddings: Any, report: _Report) -> tuple[list[str], Any] | None:
    ids: Any = None
    if isinstance(embeddings, Mapping):
        ids, vectors = embeddings.keys(), list(embeddings.values())
    elif hasattr(embeddings, "index") and hasattr(embeddings, "to_numpy"):  # a pandas table
        ids, vectors = embeddings.index, embeddings.to_numpy()
    elif isinstance(embeddings, tuple) and len(embeddings) == 2:
        ids, vectors = embeddings
        if _is_text_first(vectors) and not _is_text_first(ids):
            return report("the tuple is (array, sample_ids)", "Give (sample_ids, array)")
    if not _is_listed(ids):
        remedy = "Give a mapping from sample_id to vector, or a tuple (sample_ids, array)"
        return report(f"embeddings are a {type(embeddings).__name__}", remedy)
    ids = list(ids)
    if strange := [x for x in ids if not isinstance(x, str)]:
        shown = some(printable(str(x), 40) for x in strange)
        what = f"{counted(len(strange), 'sample_id')} not of text, such as {shown}"
        return report(what, "Index a table by sample_id")
    return ids, vectors


def _is_text_first(values: object) -> bool:
    return _is_listed(values) and isinstance(next(iter(values), None), str)


def _is_listed(values: object) -> TypeGuard[Iterable[object]]:
    """True for what can be gone through; an array of no dimensions only says that it can."""
    return isinstance(values, Iterable) and getattr(values, "ndim", 1) > 0


def _check_different(sample_ids: Sequence[str], report: _Report) -> None:
    if twice := [x for x, many in Counter(sample_ids).items() for _ in range(many - 1)]:
        what = f"{counted(len(twice), 'sample_id')} given more than once, such as {some(twice)}"
        report(what, "Give one embedding a person")


def _check_identities(sample_ids: Sequence[str], tasks: Sequence[Task], report: _Report) -> None:
    wanted = dict.fromkeys(sample_id for task in tasks for sample_id in task.novel.sample_ids)
    given, names = set(sample_ids), ", ".join(task.name for task in tasks)
    _check_different(sample_ids, report)
    if missing := [x for x in wanted if x not in given]:
        report(
            f"no embedding for {len(missing):,} of the {len(wanted):,} novel persons of "
            f"{names}, such as {some(missing)}",
            "Every novel person needs one; `oneshot-emotic ids` lists them",
        )
    if unknown := sorted(given - wanted.keys()):
        base = len({x for task in tasks for x in task.base.sample_ids}.intersection(unknown))
        detail = f" ({base:,} of base persons)" if base else ""
        report(
            f"{counted(len(unknown), 'sample_id')} of nobody novel in {names}{detail}, "
            f"such as {some(unknown)}",
            "Leave them out",
        )


def _as_array(sample_ids: Sequence[str], vectors: Any, report: _Report) -> EmbeddingArray | None:
    """The matrix as float32 or float64; None where there is none."""
    if isinstance(vectors, list | tuple):
        vectors = _stacked(sample_ids, vectors, report)
        return None if vectors is None else _checked(sample_ids, vectors, report)
    array = to_numpy(vectors)
    if array.ndim == 2 and array.shape[0] == len(sample_ids):
        return _checked(sample_ids, array, report)
    wanted = f"({len(sample_ids):,} sample_ids, dimensions)"
    remedy = "Give one vector a person" if array.ndim > 2 else ""
    return report(f"the array has the shape {array.shape}, not {wanted}", remedy)


def _stacked(
    sample_ids: Sequence[str], vectors: Sequence[Any], report: _Report
) -> npt.NDArray[Any] | None:
    """One array of a list of vectors, if all are numbers and of one length."""
    if len(vectors) != len(sample_ids):
        return report(f"{len(sample_ids):,} sample_ids, {len(vectors):,} vectors")
    if not vectors:
        return report("there are no embeddings")
    rows = {x: _numbers(vector) for x, vector in zip(sample_ids, vectors, strict=True)}
    shapes: dict[tuple[int, ...], list[str]] = {}
    strange = [sample_id for sample_id, row in rows.items() if row is None]
    for sample_id, row in rows.items():
        if row is not None:
            shapes.setdefault(row.shape, []).append(sample_id)
    # The most common length is taken as meant; the others are named.
    lengths = {shape: ids for shape, ids in sorted(shapes.items()) if len(shape) == 1}
    (meant,) = max(lengths, key=lambda shape: len(lengths[shape]), default=(0,))
    if strange:
        report(f"no list of numbers in {counted(len(strange), 'embedding')}: {some(strange)}")
    if arrays := sorted(shape for shape in shapes if len(shape) > 1):
        ids = [sample_id for shape in arrays for sample_id in shapes[shape]]
        remedy = "Give vector[0]" if {x[0] for x in arrays} == {1} else "Give one vector a person"
        what = f"the shape{'s' * (len(arrays) > 1)} {some(arrays)}, not (dimensions,), in"
        report(f"{what} {counted(len(ids), 'embedding')}: {some(ids)}", remedy)
    for shape, ids in sorted(lengths.items()):
        if shape != (meant,):
            what = (
                f"{shape[0]} dimensions, not {meant} like most, in {counted(len(ids), 'embedding')}"
            )
            report(f"{what}: {some(ids)}")
    if strange or shapes.keys() != {(meant,)}:
        return None
    # A sample_id that comes twice is reported elsewhere; here it keeps its last vector.
    return np.stack([rows[sample_id] for sample_id in sample_ids])  # type: ignore[misc]


def _numbers(value: Any) -> npt.NDArray[Any] | None:
    """One embedding as an array of numbers, of whatever shape; None when it is anything else."""
    try:
        row = to_numpy(value)
    except (TypeError, ValueError):  # ragged inside
        return None
    if row.ndim == 0 or (row.dtype.kind not in "fiu" and row.size):
        return None
    return row


def _checked(
    sample_ids: Sequence[str], array: npt.NDArray[Any], report: _Report
) -> EmbeddingArray | None:
    if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
        return report(
            f"the embeddings are of type {array.dtype}, not real numbers of at most 64 bits"
        )
    if array.shape[0] == 0:
        return report("there are no embeddings")
    if array.shape[1] == 0:
        return report("the embeddings have no dimensions")
    exact = _narrowest(array)
    limit = MAX_INTEGER if array.dtype.kind in "iu" else LARGEST
    if array.min().item() >= -limit and array.max().item() <= limit:  # False with any NaN
        return exact
    for what, remedy, bad in _unfit(array, exact):
        if (rows := np.flatnonzero(bad.any(axis=1))).size:
            named = some([sample_ids[row] for row in rows.tolist()])
            report(f"{what} in {counted(rows.size, 'embedding')}: {named}", remedy)
    return exact


def _unfit(
    array: npt.NDArray[Any], exact: EmbeddingArray
) -> Iterator[tuple[str, str, npt.NDArray[np.bool_]]]:
    """What may be wrong with numbers, what to do about it, and where it is so."""
    search = "Find out where in the model they come from"
    yield "NaN values", search, np.isnan(exact)
    yield "infinite values", search, np.isinf(exact)
    with np.errstate(invalid="ignore"):
        large = (np.abs(exact) > LARGEST) & np.isfinite(exact)
    yield f"values beyond the range of float32, {LARGEST:.1e}", search, large
    if array.dtype.kind in "iu":
        what = "integers beyond 2^53, which not every program reads as the same number,"
        large = (array > MAX_INTEGER) | (array < -MAX_INTEGER)
        yield what, "Store them as floating-point numbers", large


def _narrowest(array: npt.NDArray[Any]) -> EmbeddingArray:
    """The array as float32 if that holds all values, else as float64."""
    if np.can_cast(array.dtype, np.float32):
        return array.astype(np.float32)
    wide = array.astype(np.float64)
    with np.errstate(over="ignore"):
        narrow = wide.astype(np.float32)
    return narrow if np.array_equal(narrow, wide, equal_nan=True) else wide


def to_numpy(value: Any) -> npt.NDArray[Any]:
    """NumPy's view of a value; torch tensors are known by their methods, torch is not imported."""
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu()
        if "bfloat16" in str(value.dtype):  # NumPy has no such type; float32 holds it exactly
            value = value.float()
        return np.asarray(value.numpy())
    return np.asarray(value)
