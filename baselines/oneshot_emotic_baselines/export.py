"""Checkpoints for others: a plain folder, on disk or in a model repository on the Hub.

    checkpoint.safetensors   weights, settings and a digest over both, as `train` writes it
    config.json              settings, classes and data set once more, and the file's SHA-256
    README.md                the card

What is loaded from there is what `load_checkpoint` reads, and only if it has that SHA-256.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oneshot_emotic.dataset.hub.client import hub_errors, token_problems, transport_error
from oneshot_emotic.dataset.hub.repository import Repository, parse_repository
from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.escaping import markdown_text
from oneshot_emotic.files import json_text, sha256_of_file, write_bytes
from oneshot_emotic.untrusted.limits import MAX_DOCUMENT_BYTES, check_bytes
from oneshot_emotic_baselines.checkpoint import load_checkpoint
from oneshot_emotic_baselines.embed import checkpoint_card

FORMAT = "oneshot-emotic-model/1"
CHECKPOINT, CONFIG, CARD = "checkpoint.safetensors", "config.json", "README.md"

#: The largest checkpoint that is fetched: two networks of a billion weights.
MAX_BYTES = 8 << 30

_STATED = ("settings", "classes", "dataset", "pretraining", "size", "best_epoch", "best")
_AGAIN = "Look at the connection and run it again: what was fetched before is kept"


def exported(checkpoint: Path) -> dict[str, bytes]:
    """The files of a checkpoint's folder, by their names.

    Args:
        checkpoint: From `train`.

    Raises:
        InputError: It is no checkpoint.
    """
    content, card = load_checkpoint(checkpoint), checkpoint_card(checkpoint)
    config = {
        "format": FORMAT,
        "sha256": sha256_of_file(checkpoint),
        **{name: content[name] for name in _STATED},
        "model": card,
    }
    return {
        CHECKPOINT: checkpoint.read_bytes(),
        CONFIG: json_text(config).encode("utf-8"),
        CARD: _card(content, card).encode("utf-8"),
    }


def write_export(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write what `exported` gives; `config.json` last, so that it says done."""
    for name in (CHECKPOINT, CARD, CONFIG):
        write_bytes(folder / name, files[name])


def upload(repo_id: str, files: Mapping[str, bytes], *, public: bool = False) -> str:
    """Put a checkpoint's folder into a model repository, in one commit.

    Args:
        repo_id: `OWNER/NAME`; made where there is none.
        files: From `exported`.
        public: Make a new repository public; it is private otherwise.

    Returns:
        The commit.

    Raises:
        InputError: It is no name of a repository, or the Hub refused or failed.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    repository = parse_repository(repo_id)
    if repository is None or str(repository) != repository.repo_id:
        raise InputError(Problem(f"a repository is OWNER/NAME, not {repo_id!r}"))
    if problems := token_problems():
        raise InputError(problems)
    api = HfApi()
    with hub_errors(repo_id, "Run it again: what is there already is kept", "model"):
        api.create_repo(repo_id, private=not public, exist_ok=True)
        commit = api.create_commit(
            repo_id,
            [CommitOperationAdd(name, content) for name, content in files.items()],
            commit_message=f"Checkpoint {json.loads(files[CONFIG])['sha256'][:12]}",
        )
    return str(commit.oid)


def checkpoint_at(place: str) -> Path:
    """The checkpoint file that somebody means.

    Args:
        place: The file, a folder that `export` made, or `hf:OWNER/NAME[@REVISION]`, which is
            fetched into the Hub's usual cache.

    Raises:
        InputError: It is none of these, or its file is not the one that its `config.json` names.
    """
    if place.startswith("hf:"):
        repository = parse_repository(place.removeprefix("hf:"))
        if repository is None:
            raise InputError(Problem("a model on the Hub is hf:OWNER/NAME[@REVISION]", place))
        return _checked(_fetched(repository), place)
    path = Path(place)
    if path.is_dir():
        return _checked(path, place)
    if not path.is_file():
        raise InputError(Problem("there is no such checkpoint", place))
    return path


def _fetched(repository: Repository) -> Path:
    """The folder of a repository in the Hub's cache; without a connection, as it was last."""
    from huggingface_hub import HfApi, errors, snapshot_download

    where = str(repository)
    with hub_errors(where, _AGAIN, "model"):
        try:
            found = HfApi().model_info(
                repository.repo_id, revision=repository.revision, files_metadata=True
            )
        except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError):
            raise
        except (transport_error(), OSError):
            pass  # the Hub does not answer: the cache may
        else:
            sizes = {file.rfilename: file.size or 0 for file in found.siblings or []}
            check_bytes(sizes.get(CONFIG, 0), MAX_DOCUMENT_BYTES, f"{where}/{CONFIG}", "")
            check_bytes(sizes.get(CHECKPOINT, 0), MAX_BYTES, f"{where}/{CHECKPOINT}", "")
        folder = snapshot_download(
            repository.repo_id,
            revision=repository.revision,
            allow_patterns=[CONFIG, CHECKPOINT],  # and nothing else that may lie there
        )
    return Path(folder)


def _checked(folder: Path, where: str) -> Path:
    """The checkpoint in a folder, if it is the one that the folder's document names."""
    for name, most in ((CONFIG, MAX_DOCUMENT_BYTES), (CHECKPOINT, MAX_BYTES)):
        if not (folder / name).is_file():
            remedy = "`oneshot-emotic export CHECKPOINT -o DIR` makes such a folder"
            raise InputError(Problem(f"holds no {name}", where, remedy))
        check_bytes((folder / name).stat().st_size, most, f"{where}/{name}", "")
    try:
        config = json.loads((folder / CONFIG).read_bytes())
        stated = config["format"], config["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(Problem(f"{CONFIG} cannot be used: {error}", where)) from None
    if stated != (FORMAT, sha256_of_file(folder / CHECKPOINT)):
        what = f"{CHECKPOINT} is not the file that {CONFIG} names, or is of another version"
        raise InputError(Problem(what, where, "Export it, or fetch it, again"))
    return folder / CHECKPOINT


def _card(content: Mapping[str, Any], card: Mapping[str, Any]) -> str:
    """The card of the repository. It names no licence: that is for who has trained it to say."""
    dataset, settings = content["dataset"] or {}, content["settings"]
    name, fingerprint = (markdown_text(str(dataset.get(x))) for x in ("name", "fingerprint"))
    of = f"{name} (fingerprint {fingerprint})"
    epoch, figure = content["best_epoch"], content["best"]
    found = "" if figure is None else f": {100 * figure:.1f} % balanced accuracy on held-out ones"
    return f"""---
library_name: oneshot-emotic
pipeline_tag: image-feature-extraction
tags: [oneshot-emotic, emotion-recognition, one-shot-learning]
---

# {markdown_text(card["name"])} on {settings["task"]}

{markdown_text(card["description"], 500)}

- Trained on the {settings["base"]} base persons of `{settings["task"]}` of the data set
  {of}, to epoch {epoch}{found}.
- Base classes: {", ".join(map(markdown_text, content["classes"]))}.
- Sees {", ".join(card["modalities"])}, pictures of {content["size"]} x {content["size"]} pixels.
- Began with: {markdown_text(card["pretraining"])}.

```console
pip install 'oneshot-emotic[baselines]'
oneshot-emotic embed hf:OWNER/NAME --data ROOT --dataset DATASET -o out
```

`{CHECKPOINT}` is read as tensors and text; nothing in it is run.
"""
