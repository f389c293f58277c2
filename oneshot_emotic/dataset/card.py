"""The dataset card: the README.md of a dataset folder, which the Hub shows as its page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from oneshot_emotic.dataset.columns import COLUMNS
from oneshot_emotic.splits import DatasetIdentity, Task
from oneshot_emotic.tasks import DRAWS, MAX_SHOTS

#: Where EMOTIC is asked for.
EMOTIC_PAGE = "https://s3.sunai.uoc.edu/emotic/index.html"

#: The configuration that is loaded where none is named.
_DEFAULT = "cat-6-6"

_DTYPES = {"text": "string", "whole numbers": "int16", "true or false": "bool"}

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def draws_config(task: str) -> str:
    """The name of the configuration that holds a task's support draws."""
    return f"{task}-draws"


def dataset_card(identity: DatasetIdentity, tasks: Mapping[str, Task], synthetic: bool) -> str:
    """The card's markdown, with the metadata that `datasets.load_dataset` reads."""
    source, getting, licence = _SYNTHETIC_TEXTS if synthetic else _EMOTIC_TEXTS
    return "\n".join(
        [
            *_metadata(identity, tasks, synthetic),
            _BODY.format(
                identity=identity,
                source=source.format(identity=identity),
                getting=getting,
                draws=f"{DRAWS:,}",
                shots=MAX_SHOTS,
                draws_config=draws_config("cat-6-6"),
            ),
            *_tables(tasks),
            f"## Licence\n\n{licence}\n",
            _CITATION,
        ]
    )


def _metadata(
    identity: DatasetIdentity, tasks: Mapping[str, Task], synthetic: bool
) -> Iterator[str]:
    # As the Hub counts: the rows of all configurations.
    rows = sum(
        len(task.base) + len(task.novel) + int((task.support >= 0).sum()) for task in tasks.values()
    )
    size = next((name for limit, name in _SIZES if rows < limit), "1M<n<10M")
    yield "---"
    yield f"pretty_name: One-shot EMOTIC ({identity.name}, {identity.label_rule})"
    if synthetic:
        yield "license: mit"
    else:
        yield "license: other"
        yield "license_name: emotic-non-commercial-research-and-education"
        yield f"license_link: {EMOTIC_PAGE}"
        yield _GATE
    # What it is for: novel persons in images are classified, by embeddings of them. The Hub tells
    # from the files itself that no images are in it.
    yield "task_categories:\n- image-classification\n- image-feature-extraction"
    yield "tags:\n- emotion-recognition\n- few-shot-learning\n- one-shot-learning"
    if synthetic:
        yield "- synthetic"
    yield f"size_categories:\n- {size}\nconfigs:"
    configs = list(_configs(tasks))
    for name, task_name, splits, _ in configs:
        yield f"- config_name: {name}"
        if name == _DEFAULT:
            yield "  default: true"
        yield "  data_files:"
        for split in splits:
            yield f"  - split: {split}\n    path: data/{task_name}/{split}.parquet"
    yield "dataset_info:"
    for name, _, splits, classes in configs:
        yield f"- config_name: {name}\n  features:"
        # In JSON, which is YAML too. `datasets` gives all splits the columns of the base.
        names = {str(number): label for number, label in enumerate(classes)}
        for column, kind in COLUMNS["support" if "support" in splits else "base"].items():
            dtype = {"class_label": {"names": names}} if column == "label" else _DTYPES[kind]
            yield f"  - {json.dumps({'name': column, 'dtype': dtype})}"
    yield "---\n"


def _configs(tasks: Mapping[str, Task]) -> Iterator[tuple[str, str, list[str], Sequence[str]]]:
    """(configuration, its task, its splits, its classes); none without rows: `datasets` fails."""
    for name, task in tasks.items():
        rows = {"base": len(task.base), "novel": len(task.novel)}
        base, novel = task.definition.base_classes, task.definition.novel_classes
        if any(rows.values()):
            yield name, name, [split for split in rows if rows[split]], (*base, *novel)
        if rows["novel"]:
            yield draws_config(name), name, ["support"], novel


def _tables(tasks: Mapping[str, Task]) -> Iterator[str]:
    yield "## Persons per class\n"
    for name, task in tasks.items():
        base = ", ".join(
            f"{item} {task.base.counts.get(item, 0):,}" for item in task.definition.base_classes
        )
        shared = f"{sum(task.base.shares_image):,} of them in an image with a novel person"
        yield f"### {name}\n\nBase ({len(task.base):,} persons, {shared}): {base}.\n"
        if task.classes:
            yield "| novel class | persons |\n|---|---:|"
            yield from (f"| {item} | {task.novel.counts[item]:,} |" for item in task.classes)
            yield ""
        if task.dropped_classes:
            listed = ", ".join(f"{item} ({count})" for item, count in task.dropped_classes.items())
            yield f"Left out for lack of persons: {listed}.\n"
        if task.unscorable:
            yield f"Cannot be scored: {task.unscorable}.\n"


#: Where it comes from, how its pictures are had, and its licence.
_SYNTHETIC_TEXTS = (
    "**Synthetic stand-in.** Nobody in it exists and nothing comes from EMOTIC: an invented\n"
    "data set in EMOTIC's layout, for trying things and for tests.",
    "`oneshot-emotic synth OUT` draws the images and writes the annotations again.",
    "MIT, as the package that invents it. Nothing in it comes from EMOTIC.",
)
_EMOTIC_TEXTS = (
    "Splits of the data set `{identity.name}`, built from its annotations file.",
    "EMOTIC's images and annotations are given by its authors on request, for "
    f"non-commercial research and education only: <{EMOTIC_PAGE}>. `sample_id` leads to the "
    "person in them.",
    "EMOTIC is for non-commercial research and education only, and so are the\n"
    "identifiers and classes here, which were derived from its annotations. This is no copy\n"
    f"of EMOTIC: ask its authors for one, at <{EMOTIC_PAGE}>.",
)

#: What a gated repository shows whoever asks for access, and has them fill in.
_GATE = f"""\
extra_gated_heading: Ask for access to these splits
extra_gated_prompt: >-
  These identifiers and classes were derived from EMOTIC's annotations. EMOTIC is given by its
  authors on request, for non-commercial research and education only ({EMOTIC_PAGE}),
  and these splits are for the same use only, to which you agree by asking for access. It gives
  no access to EMOTIC's images and annotations: ask its authors for them.
extra_gated_fields:
  Full name: text
  Affiliation: text
  Country: country
  I want to use the splits for:
    type: select
    options:
    - Research
    - Education
  I have read EMOTIC's terms and use the splits for non-commercial purposes only: checkbox
extra_gated_button_content: Agree and ask for access"""

_BODY = """# One-shot EMOTIC: `{identity.name}`, label rule `{identity.label_rule}`

The tasks of one-shot emotion recognition in context (Affect-DML, arXiv 2111.15271): train on the
persons of the *base* classes, then recognise *novel* classes from one example each.

{source}

- protocol: {identity.protocol}
- fingerprint (SHA-256 over the content): `{identity.fingerprint}`
- support draws: {draws} a task, up to {shots} shots a class

## What it holds, and what it does not

It holds identifiers and one class a person:

| column | meaning |
|---|---|
| `sample_id` | a person, `{{partition}}/{{folder}}/{{filename}}#{{ordinal}}`; the ordinal \
counts the persons of the image from 0 |
| `image_id` | `{{folder}}/{{filename}}`: the image |
| `label` | the one-shot class; a level is a number from 1 to 10 as text. `datasets` gives it as a \
`ClassLabel` |
| `shares_image` | of a base person: whether its image also holds a novel person of the task \
(the paper's splits are so, and its figures use all base persons; `task.base.clean` leaves these \
out). Empty for a novel person |
| `draw`, `shot` | the repetition and the place of a support person in it |

It holds **no** image, body box, category list, valence, arousal or dominance value, age or
gender. {getting}

## Loading

```python
from datasets import load_dataset  # 3.0.2 or later

persons = load_dataset("FOLDER_OR_REPOSITORY")  # `cat-6-6`; splits: base, novel
persons["base"].features["label"].names  # the base classes, then the novel ones
levels = load_dataset("FOLDER_OR_REPOSITORY", "lev-7-3-valence")
draws = load_dataset("FOLDER_OR_REPOSITORY", "{draws_config}")["support"]
```

or with the Python package `oneshot-emotic`, which checks every file and the fingerprint:

```python
from oneshot_emotic import evaluate, load_task

pin = "{identity.fingerprint}"
task = load_task("cat-6-6", dataset=f"REPOSITORY@{{pin}}")  # or dataset="FOLDER"
scores = evaluate(embeddings, task)  # sample_id -> vector
```

## Checksum

Fingerprint `{identity.fingerprint}`: a SHA-256 over the content (ids, classes, draws), the same for
any parquet writer. A published revision is tagged with it. `manifest.json` gives it again, with the
digest of every task and the size and SHA-256 of every file.
"""

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
