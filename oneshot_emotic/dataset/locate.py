"""Finding the dataset folder that a name, a path or a repository means."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from oneshot_emotic.dataset.card import EMOTIC_PAGE
from oneshot_emotic.dataset.folder import MANIFEST, read_manifest
from oneshot_emotic.dataset.hub.fetch import cached_dataset, fetch_dataset
from oneshot_emotic.dataset.hub.repository import OFFICIAL, Repository, parse_repository
from oneshot_emotic.errors import InputError, NotHereError, Problem
from oneshot_emotic.splits import DatasetIdentity

#: The environment variable that names a folder holding dataset folders, or one of them itself.
DATA_VARIABLE = "ONESHOT_EMOTIC_DATA"

BUNDLED = Path(__file__).parent / "bundled"


def dataset_folder(dataset: str | os.PathLike[str]) -> Path:
    """The folder of a data set that a user names.

    Args:
        dataset: A name as for `named_dataset_folder`; a dataset folder itself; or, as text and
            where there is no such folder, a dataset repository on the Hub, `ORG/NAME[@REVISION]`.

    Raises:
        InputError: There is no such data set here; the message says how to get it.
    """
    if not isinstance(dataset, str | os.PathLike):
        what = f"a data set is a name, a folder or a repository, not {dataset!r}"
        raise InputError(what, remedy="Leave it out for the synthetic one")
    name = os.fspath(dataset)
    is_plain_name = name == Path(name).name
    if is_bundled_name(name):
        return BUNDLED / name
    if (Path(name) / MANIFEST).is_file():
        return Path(name)
    if isinstance(dataset, str) and not Path(name).exists():
        repository = parse_repository(name)
        if repository is not None:
            try:
                return fetch_dataset(repository)
            except InputError as error:
                # A folder may have been meant.
                problem = Problem("there is no folder of this name either", name)
                raise InputError([*error.problems, problem]) from None
    if not is_plain_name or Path(name).is_dir():
        read_manifest(Path(name))  # says what is wrong with it
    return named_dataset_folder(name)


def named_dataset_folder(name: str, fingerprint: str | None = None) -> Path:
    """The folder of a data set by name alone, as a submission names it.

    A submission is written by anybody, so the name is never a path, and never makes anything be
    fetched but a registered official data set.

    Args:
        name: `synthetic` for the stand-in inside the package; any other, such as `emotic`, is
            looked for in the folder that ONESHOT_EMOTIC_DATA names, then in the user's data
            folder, then among the official data sets. `ORG/NAME` is looked for by the fingerprint
            alone, among the same folders and in the Hub's cache.
        fingerprint: Which of several data sets of the name is meant, where there are several.

    Raises:
        InputError: There is no such data set here; the message says how to get it.
    """
    if is_bundled_name(name):
        return BUNDLED / name
    if "/" in name:
        return _repository_folder(name, fingerprint)
    # The one asked for first, then the official label rule.
    found = [
        (identity.fingerprint != fingerprint, identity.label_rule != "argmax", rank, folder)
        for rank, folder in enumerate(_local_folders())
        if (identity := read_manifest(folder).identity).name == name
    ]
    repository = OFFICIAL.get(name)
    # The official splits are fetched where none are here, or only others than those asked for.
    if (
        repository is not None
        and repository.fingerprint
        and (not found or (min(found)[0] and repository.fingerprint == fingerprint))
    ):
        return fetch_dataset(repository)
    if found:
        return min(found)[-1]
    raise NotHereError(_not_here(name))


def is_bundled(identity: DatasetIdentity) -> bool:
    """Whether a data set is inside the package, so that everybody has it."""
    name = identity.name
    return is_bundled_name(name) and read_manifest(BUNDLED / name).identity == identity


def is_bundled_name(name: str) -> bool:
    """Whether a data set of this name is inside the package."""
    return name == Path(name).name and (BUNDLED / name / MANIFEST).is_file()


def user_data_folder() -> Path:
    """The user's folder for dataset folders, whether it exists or not."""
    from platformdirs import user_data_dir

    return Path(user_data_dir("oneshot-emotic", appauthor=False))


def _repository_folder(name: str, fingerprint: str | None) -> Path:
    """The data set that a submission says is of the repository `name`, without fetching it."""
    repository = parse_repository(name)
    if repository is not None and "@" not in name and fingerprint:
        for folder in _local_folders():
            if read_manifest(folder).identity.fingerprint == fingerprint:
                return folder
        official = Repository(name, fingerprint)
        if official.fingerprint and official in OFFICIAL.values():
            return fetch_dataset(official)
        if (cached := cached_dataset(name, fingerprint)) is not None:
            return cached
        raise NotHereError(
            f"the data set {name!r} with the fingerprint {fingerprint[:12]}... is not here, "
            "and a submission's word is not enough to fetch it",
            remedy="If you trust the repository, give it with --dataset "
            f"{name}@{fingerprint}; `oneshot-emotic tasks` with that option fetches it once, "
            "and then it is found",
        )
    raise NotHereError(_not_here(name))


def _local_folders() -> Iterator[Path]:
    """The dataset folders of ONESHOT_EMOTIC_DATA, then those of the user's data folder."""
    given = os.environ.get(DATA_VARIABLE, "")
    for root in ([Path(given)] if given else []) + [user_data_folder()]:
        if root.is_dir():
            for folder in (root, *sorted(root.iterdir())):
                if (folder / MANIFEST).is_file():
                    yield folder


def _not_here(name: str) -> Problem:
    given = os.environ.get(DATA_VARIABLE, "")
    place = f"{DATA_VARIABLE} ({given})" if given else f"the environment variable {DATA_VARIABLE}"
    what = f"the data set {name!r} is not here"
    if name in OFFICIAL:
        what += f" and not yet published on the Hub (as {OFFICIAL[name].repo_id})"
    if name.startswith("emotic"):
        what += f": EMOTIC is given on request only, at {EMOTIC_PAGE}"
    return Problem(
        what,
        remedy="With a copy, `oneshot-emotic build EMOTIC_ROOT -o DIR` makes its dataset "
        f"folder; then give DIR in place of the name (--dataset DIR), put it into "
        f"{user_data_folder()}, or let {place} name the folder that holds DIR. `synthetic` is "
        "always here",
    )
