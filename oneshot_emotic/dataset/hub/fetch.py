"""From a repository on the Hub to a dataset folder in the Hub's usual cache, every file checked."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from oneshot_emotic.dataset.folder import DATA_FILES, MANIFEST, read_manifest
from oneshot_emotic.dataset.hub.client import hub_errors, transport_error
from oneshot_emotic.dataset.hub.repository import MAIN, Repository
from oneshot_emotic.dataset.whole import check_files
from oneshot_emotic.errors import InputError

#: The largest data set fetched, in bytes. EMOTIC's splits take a few million.
MAX_BYTES = 1 << 30

_FILES = (MANIFEST, *DATA_FILES)

_AGAIN = "Look at the connection and run it again: what was fetched before is kept"


@cache
def fetch_dataset(repository: Repository) -> Path:
    """Bring a repository's dataset folder into the cache of `huggingface_hub`.

    A commit, or a fingerprint, that is in the cache whole is taken from there without a request. A
    branch is asked for its newest commit; where the Hub cannot be reached, or HF_HUB_OFFLINE is
    set, the commit that was fetched last is taken. One process sees one commit of a branch.

    Args:
        repository: The repository and its revision.

    Returns:
        The folder in the cache, all of its files as its manifest lists them.

    Raises:
        InputError: There is no such repository or revision, it holds no data set, the Hub failed,
            or a file is not what the manifest says.
    """
    if repository.pinned and (folder := _from_cache(repository)) is not None:
        return folder
    with hub_errors(str(repository), _AGAIN):
        _check_size(repository)
        folder = _snapshot(repository)
    try:
        _check(folder, repository)
    except InputError as error:
        # A file damaged in the cache is fetched again, once.
        try:
            with hub_errors(str(repository), _AGAIN):
                folder = _snapshot(repository, force=True)
            _check(folder, repository)
        except InputError as second:
            raise InputError(dict.fromkeys([*error.problems, *second.problems])) from None
    return folder


def cached_dataset(repo_id: str, fingerprint: str) -> Path | None:
    """A data set of a repository that was fetched before; nothing is asked of the Hub.

    Args:
        repo_id: `ORG/NAME`.
        fingerprint: The data set's.
    """
    for revision in (fingerprint, MAIN):
        folder = _from_cache(Repository(repo_id, revision))
        if folder is not None and read_manifest(folder).identity.fingerprint == fingerprint:
            return folder
    return None


def _from_cache(repository: Repository) -> Path | None:
    from huggingface_hub import errors

    try:
        folder = _snapshot(repository, local=True)
        _check(folder, repository)
    except (errors.LocalEntryNotFoundError, InputError):
        return None
    return folder


def _snapshot(repository: Repository, *, local: bool = False, force: bool = False) -> Path:
    from huggingface_hub import snapshot_download

    folder = snapshot_download(
        repository.repo_id,
        repo_type="dataset",
        revision=repository.revision,
        # Nothing else that the repository may hold, such as a card that somebody edits.
        allow_patterns=list(_FILES),
        local_files_only=local,
        force_download=force,
    )
    return Path(folder)


def _check_size(repository: Repository) -> None:
    """Refuse what is no data set, or too large a one, before fetching it; silent when offline."""
    from huggingface_hub import HfApi, errors

    where = str(repository)
    try:
        found = HfApi().dataset_info(
            repository.repo_id, revision=repository.revision, files_metadata=True
        )
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError):
        raise
    except (transport_error(), OSError):
        return  # the Hub does not answer: the cache may
    sizes = {file.rfilename: file.size or 0 for file in found.siblings or []}
    if MANIFEST not in sizes:
        raise InputError(f"holds no {MANIFEST}: it is not a data set of oneshot-emotic", where)
    total = sum(sizes.get(name, 0) for name in _FILES)
    if total > MAX_BYTES:
        what = f"has {total:,} bytes of data, more than the {MAX_BYTES:,} that are fetched"
        raise InputError(what, where)


def _check(folder: Path, repository: Repository) -> None:
    found = check_files(folder).identity.fingerprint
    if repository.fingerprint not in (None, found):
        raise InputError(f"holds the splits {found} under this tag", repository)
