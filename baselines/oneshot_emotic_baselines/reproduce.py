"""All baselines on all tasks: train, embed, write the submissions; go on where it was stopped.

WORK/runs/RECIPE/TASK/      the run, and done.json when its embeddings are written
WORK/submissions/SLUG/      one folder a baseline, as the leaderboard takes it
WORK/leaderboard/           the page and its scores

Stopped or not, the files are the same, but for time.json in each run's folder: how long it took.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.files import json_text, sha256_of_file, write_bytes, write_text
from oneshot_emotic.processes import available_processors, process_pool
from oneshot_emotic.splits import Task
from oneshot_emotic.tasks import TASKS
from oneshot_emotic_baselines.recipes import RECIPES
from oneshot_emotic_baselines.settings import Settings

if TYPE_CHECKING:
    from oneshot_emotic.leaderboard.board import Board

DONE, TIME = "done.json", "time.json"


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


def chosen_scale(
    name: str | None,
    *,
    synthetic: bool,
    gpu: bool = False,
    weight_files: Mapping[str, Path] | None = None,
    from_scratch: bool = False,
    tasks: Sequence[str] = (),
) -> Scale:
    """The scale that a user means.

    Args:
        name: Its name; None for `reduced` on the stand-in without a GPU, else `full`.
        synthetic: True on the stand-in, where smaller scales begin with random weights.
        gpu: True where training is to run on one.
        weight_files: Local files of pretrained weights.
        from_scratch: True for random first weights in any case.
        tasks: Only these; all of the scale where none is named.
    """
    scale = SCALES[name or ("reduced" if synthetic and not gpu else "full")]
    if from_scratch or (synthetic and scale.name != "full" and not weight_files):
        scale = replace(scale, changes={**scale.changes, "weights": "none"})
    return replace(scale, tasks=tuple(tasks) or scale.tasks)


def on_gpu(device: str) -> bool:
    """True when `device` means a GPU here."""
    import torch

    return device.startswith("cuda") or (device == "auto" and bool(torch.cuda.is_available()))


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
    parallel: int = 1,
) -> list[Job]:
    """The jobs of a reproduction, task by task; on a CPU `parallel` of them share its cores.

    Two recipes that differ in nothing but pretraining are the same where there is none: those
    share a run.
    """
    shared = parallel > 1 and not on_gpu(device)
    threads = max(1, available_processors() // parallel) if shared else 0
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


def runnable(
    scale: Scale, tasks: Mapping[str, Task], say: Callable[[str], None] = lambda line: None
) -> Scale:
    """A scale without the tasks that cannot be scored on a data set; says which."""
    for name in scale.tasks:
        if tasks[name].unscorable:
            say(f"left out: {tasks[name].unscorable}")
    return replace(scale, tasks=tuple(x for x in scale.tasks if not tasks[x].unscorable))


def with_weights(jobs: Sequence[Job], say: Callable[[str], None] = lambda line: None) -> list[Job]:
    """The jobs but for those of recipes whose Places-365 weights were not given; says which.

    Raises:
        InputError: None is left.
    """
    missing = dict.fromkeys(
        job.recipe
        for job in jobs
        if "places365" in job.settings.effective_recipe.pretraining.values()
        and "places365" not in job.weight_files
    )
    for name in missing:
        say(
            f"warning: {name} is left out: it begins with Places-365 weights; give "
            "--weights places365=FILE"
        )
    kept = [job for job in jobs if job.recipe not in missing]
    if not kept:
        raise InputError(Problem("no baseline is left to run"))
    return kept


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
            how = (
                f"{scale.describe()}, seed {first.settings.seed}, torch {records[0]['torch']}."
                f"{first.note}"
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
        _note_done(job, {})
        return time.monotonic() - started
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
    seconds = time.monotonic() - started
    took = {"seconds": round(seconds, 1), "device": _device_name(job)}
    write_text(job.run / TIME, json_text(took))
    _note_done(job, {"torch": torch.__version__, "pretraining": pretraining})
    return seconds


def _borrow(job: Job, other: Job) -> None:
    """Take the embeddings of a job that is the same but for the name."""
    write_bytes(job.output, other.output.read_bytes())
    record = json.loads((other.run / DONE).read_text(encoding="utf-8"))
    _note_done(job, {"torch": record["torch"], "pretraining": record["pretraining"]})


def _note_done(job: Job, record: Mapping[str, Any]) -> None:
    done = {"job": _identity(job), "sha256": sha256_of_file(job.output), **record}
    write_text(job.run / DONE, json_text(done))


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
    import torch

    if on_gpu(job.device):
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    cpuinfo = Path("/proc/cpuinfo")
    model = platform.processor() or platform.machine()
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), model)
    threads = torch.get_num_threads()
    return f"{model}, {threads} of {os.cpu_count()} cores, torch {torch.__version__}"


def write_leaderboard(
    work: Path, jobs: Sequence[Job], say: Callable[[str], None] = lambda line: None
) -> Board:
    """Recompute the rows of done jobs from their files, and write WORK/leaderboard.

    Args:
        work: The reproduction's folder.
        jobs: All of one data set, with their documents written.
        say: Told what is scored.
    """
    from oneshot_emotic.dataset.load import TaskLoader
    from oneshot_emotic.leaderboard.files import generated_files, write_files
    from oneshot_emotic.leaderboard.recompute import recompute_boards

    folders = list(dict.fromkeys(job.output.parent for job in jobs))
    boards = recompute_boards(folders, TaskLoader(jobs[0].dataset), say)
    write_files(work / "leaderboard", generated_files(boards, reported_document()))
    (board,) = boards
    return board


def figures_table(board: Board, jobs: Sequence[Job]) -> tuple[list[str], list[list[str]]]:
    """1-shot balanced accuracy in per cent: headings, and a line a baseline and control."""
    from oneshot_emotic.report import NONE, overall_cell, percent
    from oneshot_emotic.scoring.controls import CONTROLS

    recipe_of = {job.output.parent.name: job.recipe for job in jobs}
    figures = [(recipe_of[row.slug], row.scores) for row in board.rows]
    figures.sort(key=lambda item: list(RECIPES).index(item[0]))
    tasks = [name for name in TASKS if any(name in scores.tasks for _, scores in figures)]
    families = list(dict.fromkeys(TASKS[name].family for name in tasks))
    figures += [(CONTROLS[name], board.control_scores(name)) for name in CONTROLS]
    lines = [
        [
            name,
            *(
                percent(scores.tasks[task][1].balanced_accuracy.mean)
                if task in scores.tasks
                else NONE
                for task in tasks
            ),
            *(overall_cell(scores, family, 1) for family in families),
        ]
        for name, scores in figures
    ]
    return ["1-shot balanced accuracy", *tasks, *(f"overall {x}" for x in families)], lines
