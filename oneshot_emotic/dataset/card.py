"""The dataset card: the README.md of a dataset folder, which the Hub shows as its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oneshot_emotic.splits import DatasetIdentity, Task
from oneshot_emotic.tasks import DRAWS, MAX_SHOTS

#: Where EMOTIC is asked for.
EMOTIC_PAGE = "https://s3.sunai.uoc.edu/emotic/index.html"

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def draws_config(task: str) -> str:
    """The name of the configuration that holds a task's support draws."""
    return f"{task}-draws"


def dataset_card(identity: DatasetIdentity, tasks: Mapping[str, Task], synthetic: bool) -> str:
    """The card's markdown, with the metadata that `datasets.load_dataset` reads."""
    parts = [
        _metadata(identity, tasks, synthetic),
        _introduction(identity, synthetic),
        _holds(synthetic),
        _loading(identity),
        _checksum(identity),
        _tables(tasks),
        _licence(synthetic),
        _CITATION,
    ]
    return "\n".join(parts)


def _metadata(identity: DatasetIdentity, tasks: Mapping[str, Task], synthetic: bool) -> str:
    persons = max(len(task.base) + len(task.novel) for task in tasks.values())
    size = next((name for limit, name in _SIZES if persons < limit), "n>1M")
    lines = [
        "---",
        f"pretty_name: One-shot EMOTIC ({identity.name}, {identity.label_rule})",
        *(
            ["license: mit"]
            if synthetic
            else [
                "license: other",
                "license_name: emotic-non-commercial-research-and-education",
                f"license_link: {EMOTIC_PAGE}",
            ]
        ),
        "task_categories:",
        "- image-classification",
        "tags:",
        "- emotion-recognition",
        "- few-shot-learning",
        "- one-shot-learning",
        *(["- synthetic"] if synthetic else []),
        "size_categories:",
        f"- {size}",
        "configs:",
    ]
    for name, task in tasks.items():
        # `datasets` cannot load a split of no rows: such a split is left out of the list.
        splits = {"base": len(task.base), "novel": len(task.novel)}
        lines += _config(name, name, [split for split, rows in splits.items() if rows])
        lines += _config(name, draws_config(name), ["support"] if len(task.novel) else [])
    return "\n".join([*lines, "---", ""])


def _config(task: str, name: str, splits: Sequence[str]) -> list[str]:
    if not splits:
        return []
    lines = [f"- config_name: {name}", "  data_files:"]
    for split in splits:
        lines += [f"  - split: {split}", f"    path: data/{task}/{split}.parquet"]
    return lines


def _introduction(identity: DatasetIdentity, synthetic: bool) -> str:
    source = (
        "**Synthetic stand-in.** Nobody in it exists and nothing comes from EMOTIC: an invented\n"
        "data set in EMOTIC's layout, for trying things and for tests."
        if synthetic
        else f"Splits of the data set `{identity.name}`, built from its annotations file."
    )
    return f"""# One-shot EMOTIC: `{identity.name}`, label rule `{identity.label_rule}`

The tasks of one-shot emotion recognition in context (Affect-DML, arXiv 2111.15271): train on the
persons of the *base* classes, then recognise *novel* classes from one example each.

{source}

- protocol: {identity.protocol}
- fingerprint (SHA-256 over the content): `{identity.fingerprint}`
- support draws: {DRAWS:,} a task, up to {MAX_SHOTS} shots a class
"""


def _holds(synthetic: bool) -> str:
    getting = (
        "`oneshot-emotic synth OUT` draws the images and writes the annotations again."
        if synthetic
        else "EMOTIC's images and annotations are given by its authors on request, for "
        "non-commercial research and education only: "
        f"<{EMOTIC_PAGE}>. `sample_id` leads to the person in them."
    )
    return f"""## What it holds, and what it does not

It holds identifiers and one class a person:

| column | meaning |
|---|---|
| `sample_id` | a person, `{{partition}}/{{folder}}/{{filename}}#{{ordinal}}`; the ordinal \
counts the persons of the image from 0 |
| `image_id` | `{{folder}}/{{filename}}`: the image |
| `label` | the one-shot class; a level is a number from 1 to 10 as text |
| `shares_image` | of a base person: whether its image also holds a novel person of the task \
(the paper's splits are so, and its figures use all base persons; `task.base.clean` leaves these \
out). Empty for a novel person |
| `draw`, `shot` | the repetition and the place of a support person in it |

It holds **no** image, body box, category list, valence, arousal or dominance value, age or
gender. {getting}
"""


def _loading(identity: DatasetIdentity) -> str:
    return f"""## Loading

```python
from datasets import load_dataset

persons = load_dataset("FOLDER_OR_REPOSITORY", "cat-6-6")  # splits: base, novel
draws = load_dataset("FOLDER_OR_REPOSITORY", "{draws_config("cat-6-6")}")["support"]
```

or with the Python package `oneshot-emotic`, which checks every file and the fingerprint:

```python
from oneshot_emotic import evaluate, load_task

pin = "{identity.fingerprint}"
task = load_task("cat-6-6", dataset=f"REPOSITORY@{{pin}}")  # or dataset="FOLDER"
scores = evaluate(embeddings, task)  # sample_id -> vector
```
"""


def _checksum(identity: DatasetIdentity) -> str:
    return f"""## Checksum

Fingerprint `{identity.fingerprint}`: a SHA-256 over the content (ids, classes, draws), the same for
any parquet writer. A published revision is tagged with it. `manifest.json` gives it again, with the
digest of every task and the size and SHA-256 of every file.
"""


def _tables(tasks: Mapping[str, Task]) -> str:
    lines = ["## Persons a class", ""]
    for name, task in tasks.items():
        base = ", ".join(
            f"{item} {task.base.counts.get(item, 0):,}" for item in task.definition.base_classes
        )
        shared = f"{sum(task.base.shares_image):,} of them in an image with a novel person"
        lines += [f"### {name}", "", f"Base ({len(task.base):,} persons, {shared}): {base}.", ""]
        if task.classes:
            lines += ["| novel class | persons |", "|---|---:|"]
            lines += [f"| {item} | {task.novel.counts[item]:,} |" for item in task.classes]
            lines.append("")
        if task.dropped_classes:
            listed = ", ".join(f"{item} ({count})" for item, count in task.dropped_classes.items())
            lines += [f"Left out for want of persons: {listed}.", ""]
        if task.unscorable:
            lines += [f"Cannot be scored: {task.unscorable}.", ""]
    return "\n".join(lines)


def _licence(synthetic: bool) -> str:
    terms = (
        "MIT, as the package that invents it. Nothing in it comes from EMOTIC."
        if synthetic
        else "EMOTIC is for non-commercial research and education only, and so are the\n"
        "identifiers and classes here, which were derived from its annotations. This is no copy\n"
        f"of EMOTIC: ask its authors for one, at <{EMOTIC_PAGE}>."
    )
    return f"## Licence\n\n{terms}\n"


_CITATION = """## Citation

The tasks, the data, and the rules of the benchmark (`docs/protocol.md` of `oneshot-emotic`):

```bibtex
@inproceedings{peng2021affectdml,
  title = {Affect-DML: Context-Aware One-Shot Recognition of Human Affect using Deep Metric
           Learning},
  author = {Peng, Kunyu and Roitberg, Alina and Schneider, David and Koulakis, Marios and
            Yang, Kailun and Stiefelhagen, Rainer},
  booktitle = {IEEE International Conference on Automatic Face and Gesture Recognition (FG)},
  year = {2021},
  url = {https://arxiv.org/abs/2111.15271}
}

@article{kosti2020emotic,
  title = {Context Based Emotion Recognition Using EMOTIC Dataset},
  author = {Kosti, Ronak and Alvarez, Jose M. and Recasens, Adria and Lapedriza, Agata},
  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},
  year = {2020}
}

@software{oneshotemotic,
  title = {oneshot-emotic: one-shot recognition of unseen emotions of people in scenes},
  author = {{The oneshot-emotic developers}}
}
```
"""
