"""What the network sees: base persons without any novel one, and their pictures on the device."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.prepared import Pixels, Prepared, default_folder, read_prepared
from oneshot_emotic.splits import BasePersons, DatasetIdentity, Task
from oneshot_emotic_baselines.recipes import Branch
from oneshot_emotic_baselines.scenes import SceneBatches, scene_inputs
from oneshot_emotic_baselines.sem2vec import find_table, presence_vectors
from oneshot_emotic_baselines.settings import SIZE, Base

#: Mean and standard deviation that torchvision's ImageNet weights expect, of values in 0..1.
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

#: Batches that are read ahead when the pictures are streamed.
_AHEAD = 4
#: Share of the free memory of a GPU that the pictures may take.
_MEMORY_SHARE = 0.7
_COPY_ROWS = 1024
#: Persons that are embedded in one pass.
_PASS = 64

Item = TypeVar("Item")
Content = TypeVar("Content")
IntArray = npt.NDArray[np.int64]
Changes = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class PersonData(Prepared):
    """Prepared pictures, and what is in them.

    Attributes:
        semantic: Of each image its Sem2Vec, uint8 (images, 150); None where it is not loaded.
    """

    semantic: npt.NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class BaseSplit:
    """The base persons of a task: all that training may know of it.

    Attributes:
        persons: The persons.
        classes: The base classes that have persons, in the order of the paper's index; of all, in
            a part of them too.
        dataset: The data set the task belongs to.
        base: `full`, or `clean` for those in whose images no novel person is.
    """

    persons: BasePersons
    classes: tuple[str, ...]
    dataset: DatasetIdentity | None
    base: Base = "full"

    def __len__(self) -> int:
        return len(self.persons)

    @property
    def task(self) -> str:
        """The task's name."""
        return self.persons.definition.name

    @property
    def sample_ids(self) -> tuple[str, ...]:
        """The persons."""
        return self.persons.sample_ids

    def targets(self) -> IntArray:
        """The class of each person as a place in `classes`."""
        place = {name: index for index, name in enumerate(self.classes)}
        return np.array([place[label] for label in self.persons.labels], dtype=np.int64)

    def subset(self, places: Sequence[int]) -> BaseSplit:
        """Some of the persons."""
        return replace(self, persons=self.persons.subset(places))

    def hold_out(
        self, share: float, seed: int, draws: int, by: Literal["image", "class"] = "image"
    ) -> tuple[BaseSplit, Task | None]:
        """Persons to train on, and held-out ones as a task to choose the epoch by.

        None when fewer than two held-out classes have two persons. See `BasePersons.split`.
        """
        kept, task = self.persons.split(share, seed, by, draws)
        return replace(self, persons=kept), None if task.unscorable else task


def base_split(task: Task, base: Base = "full") -> BaseSplit:
    """The base persons of a task; its novel persons are not looked at.

    Args:
        task: The task.
        base: `full` as in the paper, or `clean` without the persons whose image also holds a novel
            person of the task.

    Raises:
        InputError: Fewer than two base classes have persons.
    """
    persons = task.base.clean if base == "clean" else task.base
    if (many := len(persons.classes)) < 2:
        raise InputError(
            Problem(f"{task.name} has persons in {many} base classes; training needs two")
        )
    return BaseSplit(persons, persons.classes, task.dataset, base)


def load_person_data(
    root: str | Path,
    *,
    size: int = SIZE,
    prepared: str | Path | None = None,
    sem2vec: str | Path | None = None,
    semantic: bool = True,
    proportions: bool = False,
) -> PersonData:
    """Open what `oneshot-emotic prepare` and `oneshot-emotic sem2vec` have made.

    Args:
        root: The EMOTIC copy or stand-in.
        size: Side of the prepared pictures.
        prepared: Their folder, where it is not `root/prepared-<size>`.
        sem2vec: The Sem2Vec table, where it is not found under `root`.
        semantic: False does without the table.
        proportions: True for whole images with their proportions, as the branch `scene` sees them.

    Raises:
        InputError: Something is missing, with the command that makes it.
    """
    folder = Path(prepared) if prepared else default_folder(Path(root), size, proportions)
    pictures = read_prepared(folder)
    if proportions != (pictures.whole is not None):
        what = "squares, not whole images" if proportions else "whole images, not squares"
        option = " --keep-proportions" if proportions else ""
        remedy = f"Run `oneshot-emotic prepare ROOT{option}`, and give that with --prepared"
        raise InputError(Problem(f"holds {what}", str(folder), remedy))
    if not semantic:
        return PersonData(**vars(pictures))
    table = find_table(Path(root), Path(sem2vec) if sem2vec else None)
    return PersonData(**vars(pictures), semantic=presence_vectors(table, pictures.image_ids))


def person_batches(
    data: PersonData,
    sample_ids: Sequence[str],
    branches: Sequence[Branch],
    device: torch.device,
    *,
    resident: bool | None = None,
    alone: bool = False,
) -> PersonBatches | SceneBatches:
    """Inputs of chosen persons for these branches; arguments as of the two classes.

    Raises:
        InputError: As there.
    """
    _check_there(data, sample_ids)
    if "scene" in branches:
        return SceneBatches(data, sample_ids, device, alone=alone)
    return PersonBatches(data, sample_ids, branches, device, resident=resident)


def _check_there(data: PersonData, sample_ids: Sequence[str]) -> None:
    if missing := [name for name in sample_ids if name not in data.body_row]:
        raise InputError(
            Problem(
                f"{len(missing):,} persons of the task are not among the prepared pictures, "
                f"such as {some(missing)}",
                str(data.folder),
                "Give the data set that was built from this copy with --dataset",
            )
        )


class PersonBatches:
    """Inputs of chosen persons, gathered batch by batch on a device.

    On a GPU the pictures are copied there once when they fit; else they are read ahead from the
    memory map into pinned memory. On a CPU they are read from the memory map.
    """

    def __init__(
        self,
        data: PersonData,
        sample_ids: Sequence[str],
        branches: Sequence[Branch],
        device: torch.device,
        *,
        resident: bool | None = None,
    ) -> None:
        """Look the persons up.

        Args:
            data: From `load_person_data`.
            sample_ids: The persons; batches name them by their place here.
            branches: What is needed of them.
            device: Where batches are wanted.
            resident: True or False to decide where the pictures are held; default: what fits.

        Raises:
            InputError: Persons are not among the prepared ones, or there is no Sem2Vec table.
        """
        _check_there(data, sample_ids)
        sources: dict[Branch, tuple[Pixels | None, Mapping[str, int]]] = {
            "image": (data.images, data.image_row),
            "body": (data.bodies, data.body_row),
            "semantic": (data.semantic, data.image_row),
        }
        self.device = device
        self._arrays: dict[Branch, tuple[Pixels, IntArray]] = {}
        for branch in branches:
            array, row_of = sources[branch]
            if array is None:
                raise InputError(Problem("the recipe needs a Sem2Vec table, and none is loaded"))
            rows = np.array([row_of[name] for name in sample_ids], dtype=np.int64)
            self._arrays[branch] = (array, rows)
        self.resident = self._fits() if resident is None else resident
        held = self._arrays if self.resident else {}
        self._held = HeldInputs(device, {name: self._copy(*x) for name, x in held.items()})

    def batches(self, places: Sequence[IntArray]) -> Iterator[dict[str, torch.Tensor]]:
        """The inputs of each batch of places, in order.

        Yields:
            For each branch a uint8 tensor on the device: `image` and `body` of shape (persons,
            side, side, 3), `semantic` of shape (persons, 150).
        """
        if self.resident:
            return self._held.batches(places)
        if self.device.type == "cuda":
            ahead = read_ahead(self._read, places, _AHEAD, _AHEAD)
            return uploaded((batch for _, batch in ahead), self.device)
        read = map(self._read, places)
        return ({name: x.to(self.device) for name, x in batch.items()} for batch in read)

    def passes(self, count: int) -> list[IntArray]:
        """The first `count` persons in groups to embed."""
        return [np.arange(at, min(at + _PASS, count)) for at in range(0, count, _PASS)]

    def _read(self, places: IntArray) -> dict[str, torch.Tensor]:
        inputs: dict[str, torch.Tensor] = {}
        for name, (array, rows) in self._arrays.items():
            shape, pinned = (len(places), *array.shape[1:]), self.device.type == "cuda"
            kind = torch.float32 if array.dtype == np.float32 else torch.uint8
            values = torch.empty(shape, dtype=kind, pin_memory=pinned)
            # mode="clip" lets NumPy write into `out` directly; the rows are known to be there.
            np.take(array, rows[places], axis=0, out=values.numpy(), mode="clip")
            inputs[name] = values
        return inputs

    def _fits(self) -> bool:
        if self.device.type != "cuda":
            return False
        needed = sum(
            len(np.unique(rows)) * int(np.prod(array.shape[1:])) * array.itemsize
            for array, rows in self._arrays.values()
        )
        free: int = torch.cuda.mem_get_info(self.device)[0]
        return needed < _MEMORY_SHARE * free

    def _copy(self, array: Pixels, rows: IntArray) -> tuple[torch.Tensor, torch.Tensor]:
        """The rows needed, each once, on the device; and where each person finds its own."""
        different, place = np.unique(rows, return_inverse=True)
        shape = (len(different), *array.shape[1:])
        kind = torch.float32 if array.dtype == np.float32 else torch.uint8
        held = torch.empty(shape, dtype=kind, device=self.device)
        for start in range(0, len(different), _COPY_ROWS):
            part = array[different[start : start + _COPY_ROWS]]
            held[start : start + len(part)] = torch.from_numpy(part).to(self.device)
        return held, torch.from_numpy(place.reshape(-1)).to(self.device)


@dataclass(frozen=True)
class HeldInputs:
    """Inputs of all persons on the device.

    Attributes:
        device: Which.
        inputs: For each branch the values, and in which row of them each person's are.
    """

    device: torch.device
    inputs: Mapping[str, tuple[torch.Tensor, torch.Tensor]]

    def batches(self, places: Sequence[IntArray]) -> Iterator[dict[str, torch.Tensor]]:
        """The inputs of each batch of places, in order; the places are uploaded once for all."""
        chosen = torch.from_numpy(np.concatenate(places)).to(self.device)
        for batch in chosen.split([len(x) for x in places]):
            yield {name: values[rows[batch]] for name, (values, rows) in self.inputs.items()}


def uploaded(
    batches: Iterable[Mapping[str, torch.Tensor]], device: torch.device
) -> Iterator[dict[str, torch.Tensor]]:
    """Batches of pinned memory on a GPU, the next one on its way while one is used."""
    stream = torch.cuda.Stream(device)
    waiting: deque[tuple[dict[str, torch.Tensor], torch.cuda.Event]] = deque()

    def arrived() -> dict[str, torch.Tensor]:
        batch, event = waiting.popleft()
        user = torch.cuda.current_stream(device)
        user.wait_event(event)
        for values in batch.values():
            values.record_stream(user)  # its memory is not given away before it was used
        return batch

    for batch in batches:
        with torch.cuda.stream(stream):
            moved = {name: x.to(device, non_blocking=True) for name, x in batch.items()}
        waiting.append((moved, stream.record_event()))
        if len(waiting) > 1:
            yield arrived()
    while waiting:
        yield arrived()


def read_ahead(
    read: Callable[[Item], Content], items: Iterable[Item], threads: int, ahead: int
) -> Iterator[tuple[Item, Content]]:
    """Each item with what is read of it, in order, some being read while one is used."""
    with ThreadPoolExecutor(threads) as readers:
        waiting: deque[tuple[Item, Future[Content]]] = deque()
        for item in items:
            waiting.append((item, readers.submit(read, item)))
            if len(waiting) > ahead:
                item, future = waiting.popleft()
                yield item, future.result()
        for item, future in waiting:
            yield item, future.result()


def random_changes(
    persons: int, side: int, flip: float, shift: float, generator: torch.Generator
) -> Changes:
    """How each person of a batch is changed; drawn on the CPU so that every device agrees.

    Returns:
        True for a mirrored person, image and body together, bool (persons,); and by how many pixels
        each picture is moved down and right, its edge repeated, int64 (persons, pictures, 2).
    """
    most = round(side * shift)
    mirrored = torch.rand(persons, generator=generator) < flip
    moved = torch.randint(-most, most + 1, (2, persons, 2), generator=generator)
    return mirrored, moved.transpose(0, 1)


def network_inputs(
    batch: Mapping[str, torch.Tensor], changes: Changes | None = None
) -> dict[str, torch.Tensor]:
    """From what `PersonBatches` yields to what the network takes; everything on the device.

    Of `SceneBatches` see `scene_inputs`.

    Returns:
        float32: pictures (persons, 3, side, side), channels last in memory, normalised. What a
        trunk made of pictures stays as it is.
    """
    if "scene" in batch:
        return scene_inputs(batch, changes)
    inputs = dict(batch)
    for place, name in enumerate(("image", "body")):
        if name in inputs and inputs[name].dtype == torch.uint8:
            pixels = inputs[name]
            if changes is not None:
                pixels = shifted(pixels, changes[0], changes[1][:, place])
            inputs[name] = normalised(pixels)
    return {name: values.float() for name, values in inputs.items()}


def normalised(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 (persons, side, side, 3) as float32 (persons, 3, side, side), normalised."""
    mean, std = _scale(pixels.device)
    return pixels.permute(0, 3, 1, 2).float().sub_(mean).div_(std)


@cache
def _scale(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """What is taken off pixels and what they are divided by, once on each device."""
    with torch.inference_mode(False):
        mean, std = (torch.tensor(x, device=device).mul_(255) for x in (_MEAN, _STD))
        return mean.view(1, 3, 1, 1), std.view(1, 3, 1, 1)


def shifted(pixels: torch.Tensor, flip: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Mirror and move pictures by one gathering of their pixels."""
    persons, height, width = pixels.shape[:3]
    device = pixels.device
    shift, flip = shift.to(device), flip.to(device)
    rows = (torch.arange(height, device=device) - shift[:, :1]).clamp_(0, height - 1)
    columns = (torch.arange(width, device=device) - shift[:, 1:]).clamp_(0, width - 1)
    columns = torch.where(flip[:, None], width - 1 - columns, columns)
    person = torch.arange(persons, device=device)
    return pixels[person[:, None, None], rows[:, :, None], columns[:, None, :]]


def seed_of(*parts: Any) -> int:
    """A seed of 32 bits from any values, the same everywhere."""
    text = "/".join(map(str, ("oneshot-emotic", "baselines", *parts)))
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:4], "little")
