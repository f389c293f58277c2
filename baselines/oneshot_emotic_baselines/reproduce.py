"""All baselines on all tasks: train, embed, write the submissions; go on where it was stopped.

WORK/runs/RECIPE/TASK/      the run, and done.json when its embeddings are written
WORK/submissions/SLUG/      one folder a baseline, as the leaderboard takes it
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.files import json_text, sha256_of_file, write_text
from oneshot_emotic.processes import process_pool
from oneshot_emotic.splits import Task
from oneshot_emotic.tasks import TASKS
from oneshot_emotic_baselines.recipes import RECIPES, Recipe
from oneshot_emotic_baselines.settings import Settings

DONE = "done.json"


@dataclass(frozen=True)
class Scale:
    """How large a reproduction is.

    Attributes:
        name: `full`, `reduced` or `quick`.
        size: Side of the pictures.
        tasks: Which tasks.
        changes: Settings that differ from the paper's.
        keep: False removes the checkpoints once their embeddings are written.
    """

    name: str
    size: int
    tasks: tuple[str, ...]
    changes: Mapping[str, Any]
    keep: bool = True

    def describe(self) -> str:
        """The settings that a row must name."""
        words = [f"{self.size} x {self.size} pixels"]
        epochs = self.changes.get("epochs", Settings.epochs)
        persons = self.changes.get("persons_per_epoch", 0)
        many = "epoch" if epochs == 1 else "epochs"
        words.append(f"{epochs} {many}" + (f" of {persons} persons" if persons else ""))
        if rate := self.changes.get("learning_rate"):
            words.append(f"learning rate {rate:g}")
        if self.changes.get("weights") == "none":
            words.append("random first weights")
        return f"{self.name} settings: {', '.join(words)}"


# 3.5e-6, the paper's rate for LEV-6:4, moves ImageNet weights; random ones stay random with it.
_SMALL = {"epochs": 3, "step_epochs": 2, "learning_rate": 3.5e-4}

SCALES: dict[str, Scale] = {
    "full": Scale("full", 256, tuple(TASKS), {}),
    "reduced": Scale("reduced", 64, tuple(TASKS), {**_SMALL, "persons_per_epoch": 1280}),
    "quick": Scale(
        "quick",
        64,
        ("cat-6-6", "cat-6-4"),
        {**_SMALL, "persons_per_epoch": 320},
        keep=False,
    ),
}


@dataclass(frozen=True)
class Job:
    """One baseline on one task; values only, so that another process can run it."""

    recipe: str
    settings: Settings
    run: Path
    output: Path
    root: Path
    dataset: str
    size: int
    sem2vec: Path | None
    weight_files: Mapping[str, Path]
    device: str
    threads: int
    keep: bool
    note: str

    @property
    def cost(self) -> float:
        """How long it takes compared with others, about; without pictures, next to nothing."""
        return float(len(RECIPES[self.recipe].pixel_branches) * self.settings.epochs)


def plan_jobs(
    scale: Scale,
    work: Path,
    root: Path,
    dataset: str,
    *,
    recipes: Sequence[str] = tuple(RECIPES),
    backbone: str = "resnet18",
    seed: int = 0,
    sem2vec: Path | None = None,
    weight_files: Mapping[str, Path] | None = None,
    device: str = "auto",
    threads: int = 0,
) -> list[Job]:
    """The jobs of a reproduction, task by task.

    Two recipes that differ in nothing but pretraining are the same where there is none: those
    share a run.
    """
    jobs = []
    for task in scale.tasks:
        runs: dict[tuple[Any, ...], str] = {}
        for name in recipes:
            recipe = RECIPES[name]
            if recipe.kind == "control":
                continue
            changes: dict[str, Any] = {**scale.changes, "backbone": backbone}
            settings = Settings(name, task, seed=seed, **changes)
            effective = settings.effective_recipe
            key = (effective.branches, effective.metric_loss, tuple(effective.pretraining.items()))
            same = runs.setdefault(key, name)
            note = f" Without pretraining it is the network of {same}." if same != name else ""
            slug = name if recipe.kind == "random" else f"{name}-{backbone}"
            jobs.append(
                Job(
                    recipe=name,
                    settings=Settings(same, task, seed=seed, **changes),
                    run=work / "runs" / slug / task,
                    output=work / "submissions" / slug / f"{task}.safetensors",
                    root=root,
                    dataset=dataset,
                    size=scale.size,
                    sem2vec=sem2vec,
                    weight_files=dict(weight_files or {}),
                    device=device,
                    threads=threads,
                    keep=scale.keep,
                    note=note,
                )
            )
    return jobs


def run_jobs(
    jobs: Sequence[Job], parallel: int, say: Callable[[str], None] = lambda line: None
) -> None:
    """Run all jobs that are not done yet; says after each how long is left, about.

    Args:
        jobs: From `plan_jobs`.
        parallel: Processes that run jobs at the same time.
        say: Told a line a job.

    Raises:
        InputError: A job cannot be run; those that are done stay done.
    """
    waiting = [job for job in jobs if not is_done(job)]
    if len(waiting) < len(jobs):
        say(f"{len(jobs) - len(waiting)} of {len(jobs)} were done before")
    # A run that another recipe shares comes after the one that trains it.
    borrowed = [job for job in waiting if job.settings.recipe != job.recipe]
    own = [job for job in waiting if job.settings.recipe == job.recipe]
    started, done, total = time.monotonic(), 0.0, sum(job.cost for job in own)
    count = len(jobs) - len(waiting)
    for job, seconds in _run_own(own, parallel):
        done += job.cost
        count += 1
        news = f"[{count}/{len(jobs)}] {job.recipe} on {job.settings.task}: {duration(seconds)}"
        if done:
            left = (time.monotonic() - started) * (total - done) / done
            news += f"; about {duration(left)} left"
        say(news)
    for job in borrowed:
        other = next(
            x
            for x in jobs
            if x.recipe == job.settings.recipe and x.settings.task == job.settings.task
        )
        _borrow(job, other)
        count += 1
        say(f"[{count}/{len(jobs)}] {job.recipe} on {job.settings.task}: as {other.recipe}")


def is_done(job: Job) -> bool:
    """True when a job's embeddings are written, by these settings."""
    try:
        content = json.loads((job.run / DONE).read_text(encoding="utf-8"))
        return bool(content["job"] == _identity(job)) and content["sha256"] == sha256_of_file(
            job.output
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def write_documents(jobs: Sequence[Job], tasks: Mapping[str, Task], scale: Scale) -> list[Path]:
    """Write the submission.json of every baseline; the folders, in the order of the recipes.

    Args:
        jobs: All jobs, done.
        tasks: The tasks by name.
        scale: What the row says of the settings.
    """
    from oneshot_emotic.embedders import EMBEDDERS
    from oneshot_emotic.submission.folder import write_submission_document
    from oneshot_emotic_baselines.embed import model_card

    folders = []
    for folder in dict.fromkeys(job.output.parent for job in jobs):
        members = [job for job in jobs if job.output.parent == folder]
        records = [json.loads((job.run / DONE).read_text(encoding="utf-8")) for job in members]
        first = members[0]
        recipe = RECIPES[first.recipe]
        if recipe.kind == "random":
            card = dict(EMBEDDERS["random"].card)
        else:
            seconds = sum(record["seconds"] for record in records)
            many = "task" if len(members) == 1 else "tasks"
            how = (
                f"{scale.describe()}, seed {first.settings.seed}. {records[0]['device']}; "
                f"{duration(seconds)} for {len(members)} {many}.{first.note}"
            )
            card = model_card(
                recipe,
                backbone=first.settings.backbone,
                pretraining=records[0]["pretraining"],
                how=how,
                seen_test_images=any(
                    set(tasks[job.settings.task].base.image_ids)
                    & set(tasks[job.settings.task].novel.image_ids)
                    for job in members
                ),
            )
            card["name"] += f" ({first.settings.backbone}, {scale.name} settings)"
        dataset = tasks[first.settings.task].dataset
        assert dataset is not None
        write_submission_document(
            folder,
            {"name": dataset.name, "fingerprint": dataset.fingerprint},
            card,
            {job.settings.task: job.output.name for job in members},
        )
        folders.append(folder)
    return folders


def reported_document(recipes: Sequence[str] = tuple(RECIPES)) -> dict[str, Any]:
    """The paper's figures of the baselines in the form of leaderboard/reported.json."""
    rows = [
        {
            "method": RECIPES[name].title,
            "sees": ", ".join(RECIPES[name].branches),
            "figures": [RECIPES[name].reported[task] for task in TASKS],
        }
        for name in recipes
        if RECIPES[name].reported
    ]
    return {
        "source": "Affect-DML (arXiv 2111.15271), Tables II and III",
        "unit": "per cent, plain accuracy over the query set, one support draw",
        "notes": ["On EMOTIC; not recomputed, and not comparable with verified rows."],
        "tables": [{"title": "Reported", "columns": list(TASKS), "rows": rows}],
    }


def duration(seconds: float) -> str:
    """Seconds in words, such as `2 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def _run_own(jobs: Sequence[Job], parallel: int) -> Iterator[tuple[Job, float]]:
    if parallel < 2 or len(jobs) < 2:
        for job in jobs:
            yield job, run_job(job)
        return
    with process_pool(min(parallel, len(jobs))) as pool:
        futures = {pool.submit(run_job, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def run_job(job: Job) -> float:
    """Train, embed, write; the seconds it took."""
    from oneshot_emotic.dataset.load import load_task
    from oneshot_emotic.submission.embeddings_file import write_submission

    started = time.monotonic()
    task = load_task(job.settings.task, job.dataset)
    if RECIPES[job.recipe].kind == "random":
        from oneshot_emotic.embedders import EMBEDDERS

        embedder = EMBEDDERS["random"]()
        vectors = {name: embedder.embed(name, None) for name in task.novel.sample_ids}
        write_submission(job.output, vectors, task, embedder.card, "float16")
        return _note_done(job, started, {})
    import torch

    from oneshot_emotic_baselines.checkpoint import load_checkpoint
    from oneshot_emotic_baselines.data import base_split, load_person_data
    from oneshot_emotic_baselines.embed import checkpoint_card, embed_task
    from oneshot_emotic_baselines.train import train

    if job.threads:
        torch.set_num_threads(job.threads)
    data = load_person_data(
        job.root,
        size=job.size,
        sem2vec=job.sem2vec,
        semantic="semantic" in RECIPES[job.recipe].branches,
    )
    run = train(
        job.settings,
        base_split(task),
        data,
        job.run,
        weight_files=job.weight_files,
        device=job.device,
    )
    vectors = embed_task(run.checkpoint, task, data, device=job.device)
    card = checkpoint_card(run.checkpoint, task)
    write_submission(job.output, vectors, task, card, "float16")
    pretraining = load_checkpoint(run.checkpoint)["pretraining"]
    if not job.keep:
        run.checkpoint.unlink()
    return _note_done(job, started, pretraining)


def _borrow(job: Job, other: Job) -> None:
    """Take the embeddings of a job that is the same but for the name."""
    job.output.parent.mkdir(parents=True, exist_ok=True)
    partial = job.output.with_name(f".{job.output.name}.partial")
    shutil.copyfile(other.output, partial)
    partial.replace(job.output)
    record = json.loads((other.run / DONE).read_text(encoding="utf-8"))
    write_text(job.run / DONE, json_text({**record, "job": _identity(job)}))


def _note_done(job: Job, started: float, pretraining: Mapping[str, str]) -> float:
    seconds = time.monotonic() - started
    record = {
        "job": _identity(job),
        "sha256": sha256_of_file(job.output),
        "seconds": round(seconds, 1),
        "device": _device_name(job),
        "pretraining": dict(pretraining),
    }
    write_text(job.run / DONE, json_text(record))
    return seconds


def _identity(job: Job) -> dict[str, Any]:
    """What a job's result depends on."""
    from oneshot_emotic.dataset.folder import read_manifest
    from oneshot_emotic.dataset.locate import dataset_folder

    return {
        "recipe": job.recipe,
        "settings": job.settings.to_dict(),
        "size": job.size,
        "fingerprint": read_manifest(dataset_folder(job.dataset)).identity.fingerprint,
    }


def _device_name(job: Job) -> str:
    if RECIPES[job.recipe].kind == "random":
        return "no device"
    import torch

    if job.device.startswith("cuda") or (job.device == "auto" and torch.cuda.is_available()):
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    cpuinfo = Path("/proc/cpuinfo")
    model = platform.processor() or platform.machine()
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), model)
    threads = torch.get_num_threads()
    return f"{model}, {threads} of {os.cpu_count()} cores, torch {torch.__version__}"


def missing_weights(jobs: Sequence[Job]) -> list[Recipe]:
    """The recipes whose pretrained weights nothing can provide: Places-365 without a file."""
    names = dict.fromkeys(
        job.recipe
        for job in jobs
        if "places365" in job.settings.effective_recipe.pretraining.values()
        and "places365" not in job.weight_files
    )
    return [RECIPES[name] for name in names]


def check_root(root: Path | None, synthetic: bool) -> None:
    """Refuse both an EMOTIC copy and --synthetic, or neither."""
    if (root is None) != synthetic:
        what = "give an EMOTIC copy or --synthetic" if root is None else "--synthetic makes its own"
        raise InputError(Problem(f"{what}, not {'neither' if root is None else 'both'}"))
