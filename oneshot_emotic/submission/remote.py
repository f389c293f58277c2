"""Embeddings that lie on the Hub, in a dataset repository: put there, and fetched by their digest.

    CACHE/embeddings/<key>.<format>     the key is the SHA-256 over all that the reference says

A stranger names the repository, so no token is sent: what is fetched is what anybody may read. Its
digest is held against submission.json whenever it is opened: nothing in the cache is trusted.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from oneshot_emotic.dataset.hub.client import hub_errors, token_problems
from oneshot_emotic.errors import InputError, NotHereError, Problem
from oneshot_emotic.files import cache_folder, make_private_folder, sha256_of_file
from oneshot_emotic.untrusted.limits import check_bytes

#: Of all files in the cache; those that were not used for longest go first.
MAX_CACHE_BYTES = 20 << 30

#: A folder that files are fetched into is left by a kill, if nothing happens in it for so long.
_LEFT_SECONDS = 3600.0

_AGAIN = "Look at the connection and run it again: what was fetched before is kept"
_REMEDY = "It must be a public dataset repository, and the commit must hold the file"


def is_remote(reference: Mapping[str, str]) -> bool:
    """Whether a reference names a file on the Hub."""
    return "repo" in reference


def address(reference: Mapping[str, str]) -> str:
    """A reference's file for messages."""
    return f"{reference['repo']}@{reference['revision'][:12]}/{reference['file']}"


def fetched(reference: Mapping[str, str], max_bytes: int) -> Path:
    """The file of a reference, in the cache.

    Args:
        reference: `repo`, `revision` (a commit), `file` and `sha256`.
        max_bytes: The most bytes that it may have.

    Raises:
        InputError: It cannot be fetched by anybody, or is larger.
    """
    folder = cache_folder() / "embeddings"
    said = "\n".join(reference[name] for name in ("repo", "revision", "file", "sha256"))
    key = hashlib.sha256(said.encode()).hexdigest()
    place = folder / f"{key}{Path(reference['file']).suffix}"
    if place.is_file():
        os.utime(place)  # used now
        return place
    from huggingface_hub import hf_hub_download

    check_bytes(_size(reference), max_bytes, address(reference))
    make_private_folder(folder)
    with (
        _for_everybody(),
        hub_errors(address(reference), _AGAIN),
        tempfile.TemporaryDirectory(dir=folder) as new,
    ):
        path = hf_hub_download(
            reference["repo"],
            reference["file"],
            repo_type="dataset",
            revision=reference["revision"],
            local_dir=new,
            token=False,
        )
        Path(path).replace(place)
    _make_room(folder, place)
    return place


def upload(folder: Path, names: Sequence[str], repo: str, slug: str) -> dict[str, dict[str, str]]:
    """Put files of embeddings into a public dataset repository, in one commit.

    Args:
        folder: Where they are.
        names: Their names.
        repo: `ORG/NAME`; made where there is none.
        slug: The submission's folder name, and theirs in the repository.

    Returns:
        The reference of each.

    Raises:
        InputError: The Hub refused, or not everybody may read the repository.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    if problems := token_problems():
        raise InputError(problems)
    api = HfApi()
    with hub_errors(repo, "Run it again: what is there already is kept"):
        api.create_repo(repo, repo_type="dataset", private=False, exist_ok=True)
        there = api.dataset_info(repo)
        if there.private or there.gated:
            what = "is not public, so nobody could compute the row again"
            raise InputError(Problem(what, repo, "Give another, or make it public on its page"))
        commit = api.create_commit(
            repo,
            [CommitOperationAdd(f"{slug}/{name}", folder / name) for name in names],
            repo_type="dataset",
            commit_message=f"Embeddings of {slug}",
        ).oid
    return {
        name: {
            "repo": repo,
            "revision": str(commit),
            "file": f"{slug}/{name}",
            "sha256": sha256_of_file(folder / name),
        }
        for name in names
    }


def _size(reference: Mapping[str, str]) -> int:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    where = address(reference)
    with _for_everybody(), hub_errors(where, _AGAIN):
        url = hf_hub_url(
            reference["repo"],
            reference["file"],
            repo_type="dataset",
            revision=reference["revision"],
        )
        size = get_hf_file_metadata(url, token=False).size
    if size is None:
        raise InputError(Problem("the Hub does not say how large it is", where, _REMEDY))
    return size


@contextlib.contextmanager
def _for_everybody() -> Iterator[None]:
    """Say what a stranger's repository must be, in place of how to log in to it."""
    try:
        yield
    except NotHereError as error:
        raise NotHereError(
            replace(problem, remedy=_AGAIN if problem.remedy == _AGAIN else _REMEDY)
            for problem in error.problems
        ) from None


def _make_room(folder: Path, newest: Path) -> None:
    """Remove what a kill left, and what was not used for longest until the rest is small enough."""
    for path in folder.iterdir():
        if path.is_dir() and time.time() - path.stat().st_mtime > _LEFT_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
    files = {path: path.stat() for path in folder.iterdir() if path.is_file() and path != newest}
    total = newest.stat().st_size + int(sum(facts.st_size for facts in files.values()))
    for path in sorted(files, key=lambda path: files[path].st_mtime):
        if total <= MAX_CACHE_BYTES:
            break
        path.unlink(missing_ok=True)
        total -= files[path].st_size
