"""Work in parts that a kill does not undo: what `prepare`, `sem2vec` and `run` have in common.

    FOLDER/parts/work.json      which work it is
    FOLDER/parts/0000064.json   the result of the part that begins with item 64, once it is done
    FOLDER/parts/lock           locked by the run that is at it

The folder is finished when its document is there, which comes last; then `parts` goes.
"""

from __future__ import annotations

import json
import shutil
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
            InputError: It holds other files, or other work.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError("is a file, not a folder", self.folder)
        present = {x.name for x in self.folder.iterdir()} if self.folder.exists() else set()
        strange = sorted(present - self.contents - {PARTS})
        if strange := [name for name in strange if not name.endswith(".partial")]:
            what, remedy = f"already holds other files: {some(strange)}", "Give an empty or a new"
        elif not (
            self._agrees(self.folder / self.document, self.identity)
            and self._agrees(self.folder / PARTS / WORK, self._work)
        ):
            what, remedy = self.other, "Remove it, or give another"
        else:
            return self.document in present
        raise InputError(what, self.folder, f"{remedy} folder with {self.option}")

    @property
    def _work(self) -> dict[str, Any]:
        return {**self.identity, "part": self.part}

    @staticmethod
    def _agrees(path: Path, wanted: Mapping[str, Any]) -> bool:
        there = _read(path) if path.is_file() else wanted
        return isinstance(there, dict) and {key: there.get(key) for key in wanted} == wanted

    @contextmanager
    def held(self, needed: int, make: Callable[[], None] = lambda: None) -> Iterator[None]:
        """The folder for this run alone, to begin with or to go on.

        Args:
            needed: Bytes that the finished folder takes, about.
            make: Makes what the parts are written into, where nothing was begun.

        Raises:
            InputError: Another run has it, or the disk is too full.
        """
        parts = self.folder / PARTS
        parts.mkdir(parents=True, exist_ok=True)
        lock = FileLock(parts / LOCK, timeout=0)
        try:
            with lock:
                if (self.folder / self.document).exists():  # finished since we looked
                    raise Timeout(lock.lock_file)
                self._begin(needed, make)
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

    def _begin(self, needed: float, make: Callable[[], None]) -> None:
        needed *= 1 - len(self.results()) / len(self.starts)
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise InputError(
                f"there are {free / 1e9:.1f} GB free, and {needed / 1e9:.1f} GB are needed",
                self.folder,
                f"Make room, or give another folder with {self.option}",
            )
        if not (self.folder / PARTS / WORK).exists():
            make()
            write_text(self.folder / PARTS / WORK, json_text(self._work))

    def results(self) -> dict[int, Any]:
        """The results of the parts that are done, by their first item."""
        found = {start: _read(self._path(start)) for start in self.starts}
        return {start: result for start, result in found.items() if result is not None}

    def note(self, start: int, result: Any) -> None:
        """Keep the result of a part, any JSON value; what it stands for must be on the disk."""
        write_text(self._path(start), json.dumps(result))

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
