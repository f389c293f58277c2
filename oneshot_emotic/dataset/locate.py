"""Finding the dataset folder that a name or a path means."""

from __future__ import annotations

import os
from pathlib import Path

from oneshot_emotic.dataset.folder import MANIFEST, read_manifest
from oneshot_emotic.errors import InputError, Problem

#: The environment variable that names a folder holding dataset folders, or one of them itself.
DATA_VARIABLE = "ONESHOT_EMOTIC_DATA"

BUNDLED = Path(__file__).parent / "bundled"

#: Where EMOTIC is asked for.
EMOTIC_PAGE = "https://s3.sunai.uoc.edu/emotic/index.html"


def dataset_folder(dataset: str | os.PathLike[str]) -> Path:
    """The folder of a data set that a user names.

    Args:
        dataset: A name as for `named_dataset_folder`, or a dataset folder itself.

    Raises:
        InputError: There is no such data set here; the message says how to get it.
    """
    name = os.fspath(dataset)
    is_plain_name = name == Path(name).name
    if is_plain_name and (BUNDLED / name / MANIFEST).is_file():
        return BUNDLED / name
    if (Path(name) / MANIFEST).is_file():
        return Path(name)
    if not is_plain_name or Path(name).is_dir():
        read_manifest(Path(name))  # says what is wrong with it
    return named_dataset_folder(name)


def named_dataset_folder(name: str, fingerprint: str | None = None) -> Path:
    """The folder of a data set by name alone, as a submission names it: never a path.

    Args:
        name: `synthetic` for the stand-in inside the package; any other, such as `emotic`, is
            looked for in the folder that ONESHOT_EMOTIC_DATA names.
        fingerprint: Which of several data sets of the name is meant, where there are several.

    Raises:
        InputError: There is no such data set here; the message says how to get it.
    """
    if name == Path(name).name and (BUNDLED / name / MANIFEST).is_file():
        return BUNDLED / name
    given = os.environ.get(DATA_VARIABLE, "")
    found = []
    if given and Path(given).is_dir():
        candidates = [Path(given), *sorted(Path(given).iterdir())]
        for folder in candidates:
            if (folder / MANIFEST).is_file():
                identity = read_manifest(folder).identity
                if identity.name == name:
                    # The one asked for first, then the official label rule.
                    wrong = (identity.fingerprint != fingerprint, identity.label_rule != "argmax")
                    found.append((*wrong, folder))
    if found:
        return min(found)[-1]
    place = f"{DATA_VARIABLE} ({given})" if given else f"the environment variable {DATA_VARIABLE}"
    what = f"the data set {name!r} is not here"
    if name.startswith("emotic"):
        what += f": EMOTIC is given on request only, at {EMOTIC_PAGE}"
    raise InputError(
        Problem(
            what,
            remedy="With a copy, `oneshot-emotic build EMOTIC_ROOT -o DIR` makes its dataset "
            f"folder; then give DIR in place of the name (--dataset DIR), or let {place} name the "
            "folder that holds DIR. `synthetic` is always here",
        )
    )
