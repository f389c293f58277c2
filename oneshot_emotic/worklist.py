"""Work in parts that a kill does not undo: what `prepare`, `sem2vec` and `run` have in common.

    FOLDER/parts/work.json      which work it is
    FOLDER/parts/0000064.json   the result of the part that begins with item 64, once it is done,
                                and its CRC-32
    FOLDER/parts/lock           locked by the run that is at it

The folder is finished when its document is there, which comes last; then `parts` goes.
"""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from oneshot_emotic.errors import InputError, some
from oneshot_emotic.files import json_text, write_text
from oneshot_emotic.processes import process_pool

Job = TypeVar("Job")
Result = TypeVar("Result")

PARTS, WORK, LOCK = "parts", "work.json", "lock"


@dataclass(frozen=True)
class WorkList:
    """Items to be worked off part by part, and the folder that is made of them.

    Attributes:
        folder: The folder.
        document: Name of the file that says it is finished.
        contents: The names of all that a finished folder holds.
        identity: What tells this work from another; the document holds it too.
        other: What a folder of another identity is called in messages.
        items: How many there are.
        part: Items a part.
        option: The option of the command that names another folder.
    """

    folder: Path
    document: str
    contents: frozenset[str]
    identity: Mapping[str, Any]
    other: str
    items: int
    part: int
    option: str = "-o"

    @property
    def starts(self) -> range:
        """The first item of every part."""
        return range(0, self.items, self.part)

    def is_finished(self) -> bool:
        """True when the folder is finished.

        Raises:
            InputError: It holds other files or other work, or is damaged.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError("is a file, not a folder", self.folder)
        present = {x.name for x in self.folder.iterdir()} if self.folder.exists() else set()
        wanted = {
            self.folder / self.document: self.identity,
            self.folder / PARTS / WORK: self._work,
        }
        there = {path: _read(path) for path in wanted if path.is_file()}
        what, remedy = self.other, "Remove it, or give another"
        strange = sorted(present - self.contents - {PARTS})
        if strange := [name for name in strange if not name.endswith(".partial")]:
            what, remedy = f"already holds other files: {some(strange)}", "Give an empty or a new"
        elif broken := [path.name for path, said in there.items() if not isinstance(said, dict)]:
            what = f"is damaged: {some(broken)} cannot be read"
        elif all(wanted[path].items() <= said.items() for path, said in there.items()):
            return self.document in present
        raise InputError(what, self.folder, f"{remedy} folder with {self.option}")

    @property
    def _work(self) -> dict[str, Any]:
        return {**self.identity, "part": self.part}

    @contextmanager
    def held(
        self, needed: int, make: Callable[[], None] = lambda: None, *, last: int = 0
    ) -> Iterator[None]:
        """The folder for this run alone, to begin with or to go on.

        Args:
            needed: Bytes that all parts take, about.
            make: Makes what the parts are written into, where nothing was begun.
            last: Bytes that are written once all parts are done.

        Raises:
            InputError: Another run has it, or the disk is too full.
        """
        self._check_room(needed, last)
        parts = self.folder / PARTS
        parts.mkdir(parents=True, exist_ok=True)
        lock = FileLock(parts / LOCK, timeout=0)
        try:
            with lock:
                if (self.folder / self.document).exists():  # finished since we looked
                    raise Timeout(lock.lock_file)
                if not (parts / WORK).exists():
                    make()
                    write_text(parts / WORK, json_text(self._work))
                yield
        except Timeout:
            raise InputError(
                "another run is preparing this folder",
                self.folder,
                f"Wait for it to end, or give another folder with {self.option}",
            ) from None
        finally:
            if (self.folder / self.document).exists():
                shutil.rmtree(parts, ignore_errors=True)

    def _check_room(self, needed: float, last: int) -> None:
        """Before anything is made, so that nothing is left behind."""
        needed = last + needed * (1 - len(self.results()) / len(self.starts))
        place = next(x for x in (self.folder, *self.folder.absolute().parents) if x.exists())
        free = shutil.disk_usage(place).free
        if free < needed:
            unit, size = ("GB", 1e9) if needed >= 1e9 else ("MB", 1e6)
            raise InputError(
                f"there are {free / size:.1f} {unit} free, and {needed / size:.1f} {unit} needed",
                self.folder,
                f"Make room, or give another folder with {self.option}",
            )

    def results(self) -> dict[int, Any]:
        """The results of the parts that are done, by their first item."""
        found = {start: _noted(self._path(start)) for start in self.starts}
        return {start: result for start, result in found.items() if result is not None}

    def note(self, start: int, result: Any) -> None:
        """Keep the result of a part, any JSON value; what it stands for must be on the disk."""
        write_text(self._path(start), json.dumps({"result": result, "sealed": _crc(result)}))

    def finish(self, document: Mapping[str, Any]) -> None:
        """Write the document that says so."""
        write_text(self.folder / self.document, json_text({**self.identity, **document}))

    def _path(self, start: int) -> Path:
        return self.folder / PARTS / f"{start:07}.json"


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _noted(path: Path) -> Any:
    """The result of a part; None where there is none, or it is not as it was noted."""
    said = _read(path)
    try:
        return said["result"] if said["sealed"] == _crc(said["result"]) else None
    except (TypeError, KeyError, RecursionError):
        return None


def _crc(result: Any) -> int:
    return zlib.crc32(json.dumps(result).encode())


def in_processes(
    function: Callable[[Job], Result], jobs: Sequence[Job], workers: int
) -> Iterator[tuple[Job, Result]]:
    """Each job with what the function makes of it, as they get done."""
    workers = min(workers, len(jobs))
    if workers < 2:
        yield from ((job, function(job)) for job in jobs)
        return
    with process_pool(workers) as pool:
        futures = {pool.submit(function, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
