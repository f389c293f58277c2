"""All baselines on all tasks: train, embed, write the submissions; go on where it was stopped.

WORK/runs/SLUG/TASK/seed-N/  the run, and done.json when its embeddings are written
WORK/submissions/SLUG/       one folder a baseline, as the leaderboard takes it
WORK/leaderboard/            the page and its scores

Stopped or not, the files are the same, but for time.json in each run's folder: how long it took.
"""

from __future__ import annotations

import json
import math
import os
import platform
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from multiprocessing import current_process
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.files import json_text, sha256_of_file, write_text
from oneshot_emotic.processes import available_processors, import_modules
from oneshot_emotic.splits import DatasetIdentity, Persons
from oneshot_emotic.tasks import TASKS
from oneshot_emotic.worklist import in_processes
from oneshot_emotic_baselines.recipes import RECIPES, Branch, Recipe, recipe_named
from oneshot_emotic_baselines.settings import PretrainSettings, Settings, Training

if TYPE_CHECKING:
    from oneshot_emotic.leaderboard.board import Board

#: What is reproduced where nothing is named: of EMOTIC; on the stand-in the systems, too.
OF_PAPER = tuple(name for name, recipe in RECIPES.items() if recipe.in_paper)
SYSTEMS = tuple(name for name, recipe in RECIPES.items() if recipe.system)

DONE, TIME = "done.json", "time.json"


@dataclass(frozen=True)
class Scale:
    """How large a reproduction is.

    Attributes:
        name: `full`, `reduced` or `quick`.
        tasks: Which tasks.
        changes: Settings that differ from the paper's.
        recipe: `paper` or `tuned`: what else decides the training.
        seeds: Training runs of each baseline.
        drawings: Figures that the trunks of the stand-in are pretrained on.
        keep: False removes the checkpoints once their embeddings are written.
        size: Side of all pictures in place of each recipe's own; 0 for that.
    """

    name: str
    tasks: tuple[str, ...]
    changes: Mapping[str, Any]
    recipe: Training = "paper"
    seeds: int = 1
    drawings: int = PretrainSettings.persons
    keep: bool = True
    size: int = 0

    def size_of(self, recipe: Recipe | type[Recipe] = Recipe) -> int:
        """Side of the pictures of a recipe, or of one that says nothing of it."""
        return self.size or (recipe.size if self.name == "full" else recipe.reduced_size)

    def settings_of(self, recipe: Recipe) -> dict[str, Any]:
        """What goes before a recipe's own defaults."""
        return {**self.changes, **({} if self.name == "full" else recipe.reduced)}

    def describe(self, settings: Settings | None = None) -> str:
        """The settings that a row must name, of one recipe or of those that say nothing of them."""
        own: Mapping[str, Any] = vars(settings) if settings else self.changes
        size = self.size_of(settings.effective_recipe if settings else Recipe)
        words = [f"{size} x {size} pixels"]
        epochs, persons = own.get("epochs", Settings.epochs), own.get("persons_per_epoch", 0)
        many = "epoch" if epochs == 1 else "epochs"
        if epochs:
            words.append(f"{epochs} {many}" + (f" of {persons} persons" if persons else ""))
        if first := _FIRST_WEIGHTS.get(self.changes.get("weights", "")):
            words.append(first)
        return f"{self.recipe} recipe, {self.name} settings: {', '.join(words)}"


_FIRST_WEIGHTS = {"none": "random first weights", "stand-in": "trunks pretrained on drawings"}

# 3.5e-6, the paper's rate for LEV-6:4, moves ImageNet weights; random ones stay random with it.
_SMALL = {"epochs": 3, "step_epochs": 2}
_RATE = 3.5e-4
_CATEGORIES = ("cat-6-6", "cat-6-4")

SCALES: dict[str, Scale] = {
    "full": Scale("full", tuple(TASKS), {}),
    "reduced": Scale(
        "reduced",
        tuple(TASKS),
        {**_SMALL, "persons_per_epoch": 1280},
        "tuned",
        seeds=3,
        drawings=24_000,
        keep=False,
    ),
    "quick": Scale(
        "quick",
        _CATEGORIES,
        {**_SMALL, "persons_per_epoch": 320},
        "tuned",
        drawings=1_500,
        keep=False,
    ),
}


def chosen_scale(
    name: str | None,
    *,
    synthetic: bool,
    gpu: bool = False,
    weight_files: Mapping[str, Path] | None = None,
    weights: str = "default",
    **changes: Any,
) -> Scale:
    """The scale that a user means.

    Args:
        name: Its name; None for `reduced` on the stand-in without a GPU, else `full`.
        synthetic: True on the stand-in, where trunks are pretrained on drawings.
        gpu: True where training is to run on one.
        weight_files: Local files of pretrained weights.
        weights: The setting, where it is not left open.
        changes: Of the scale's `tasks`, `recipe` and `seeds` what is not left open.
    """
    scale = SCALES[name or ("reduced" if synthetic and not gpu else "full")]
    scale = replace(scale, **{key: value for key, value in changes.items() if value})
    if weights == "default" and synthetic and not weight_files:
        weights = "stand-in"
    settings = dict(scale.changes)
    if weights != "default":
        settings["weights"] = weights
    if scale.recipe == "paper" and scale.name != "full":
        settings["learning_rate"] = _RATE
    return replace(scale, changes=settings)


def gpus(device: str) -> list[str]:
    """The GPUs that `device` means here: all of them, unless it names one."""
    import torch

    if device not in ("auto", "cuda"):
        return [device] if device.startswith("cuda") else []
    found = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return found or [device] * (device == "cuda")


def own_device(device: str) -> str:
    """Of several GPUs the one of this process: the workers of a pool take them in turn."""
    found, number = gpus(device), current_process().name.rpartition("-")[2]
    return found[int(number) % len(found)] if len(found) > 1 and number.isdigit() else device


@dataclass(frozen=True)
class Job:
    """One run of a baseline on one task; of one that trains nothing, on all of them.

    Attributes:
        settings: Its settings.
        slug: The name of its submission.
        tasks: Those that its file of embeddings is for.
    """

    settings: Settings
    slug: str
    tasks: tuple[str, ...]

    @property
    def recipe(self) -> Recipe:
        """The baseline."""
        return recipe_named(self.settings.recipe)


@dataclass(frozen=True)
class Reproduction:
    """What is reproduced, and where; values only, so that other processes can run its jobs.

    Attributes:
        scale: How large.
        work: The folder to make.
        root: The EMOTIC copy or stand-in, with prepared pictures.
        dataset: As for `load_task`.
        changes: Settings of the user's: `backbone`, `seed`, `base`.
        sem2vec: The Sem2Vec table, where it is not found under `root`.
        weight_files: Local files of pretrained weights.
        device: `auto`, `cpu`, `cuda`.
        imports: Modules to import in other processes first, which register recipes.
        parallel: Jobs at the same time; on a CPU they share its cores, else the GPUs there are.
    """

    scale: Scale
    work: Path
    root: Path
    dataset: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    sem2vec: Path | None = None
    weight_files: Mapping[str, Path] = field(default_factory=dict)
    device: str = "auto"
    parallel: int = 1
    imports: tuple[str, ...] = ()

    def jobs(
        self,
        recipes: Sequence[str] = OF_PAPER,
        say: Callable[[str], None] = lambda line: None,
    ) -> list[Job]:
        """The jobs, task by task; says what is left out.

        Raises:
            InputError: None is left.
        """
        from oneshot_emotic.dataset.load import load_task

        jobs = []
        left_out: dict[str, None] = {}
        why = {name: load_task(name, self.dataset).unscorable for name in self.scale.tasks}
        for reason in filter(None, why.values()):
            say(f"left out: {reason}")
        tasks = tuple(name for name, reason in why.items() if not reason)
        for task in tasks:
            there: dict[str, str] = {}
            for name in recipes:
                own = self.scale.settings_of(recipe_named(name))
                settings = Settings.of(name, task, self.scale.recipe, own, **self.changes)
                recipe = settings.effective_recipe
                first = recipe.pretraining.items()
                made_by = (recipe.branches, recipe.losses, recipe.network, recipe.embedding, *first)
                same = there.setdefault(str(made_by), name)
                if "places365" in recipe.pretraining.values() and not (
                    {"places365", "image"} & set(self.weight_files)
                ):
                    left_out[
                        f"warning: {name} is left out: it begins with Places-365 weights; give "
                        "--weights places365=FILE"
                    ] = None
                elif recipe.settings.get("trunk_lr") == 0 and not recipe.pretraining:
                    left_out[f"{name} is left out: nothing is pretrained to be frozen"] = None
                elif recipe.kind == "random":
                    jobs.append(Job(settings, name, (task,)))
                elif recipe.kind == "trained" and same != name:
                    left_out[f"{name} is left out: so pretrained it is the same as {same}"] = None
                elif recipe.kind == "trained":
                    network = recipe.backbone or settings.backbone
                    parts = (name, network) if recipe.pixel_branches else (name,)
                    slug = re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower())[:64]
                    seeds = range(settings.seed, settings.seed + self.scale.seeds)
                    if settings.epochs:
                        jobs += [Job(replace(settings, seed=x), slug, (task,)) for x in seeds]
                    elif task == tasks[0]:  # nothing is trained: a person has one vector for all
                        jobs.append(Job(settings, slug, tasks))
        for line in left_out:
            say(line)
        if not jobs:
            raise InputError(Problem("no baseline is left to run"))
        return jobs

    def output(self, job: Job) -> Path:
        """Where a job's embeddings go."""
        folder = self.work / "submissions" / job.slug
        if job.recipe.branches and not job.settings.epochs:
            return folder / "shared.safetensors"
        run = f"-seed-{job.settings.seed}" if self.scale.seeds > 1 and job.recipe.branches else ""
        return folder / f"{job.settings.task}{run}.safetensors"

    def _run_folder(self, job: Job) -> Path:
        seed = f"seed-{job.settings.seed}"
        return self.work / "runs" / job.slug / job.settings.task / seed

    def run_jobs(self, jobs: Sequence[Job], say: Callable[[str], None] = lambda line: None) -> None:
        """Run all jobs that are not done yet; says after each how long is left, about.

        Raises:
            InputError: A job cannot be run; those that are done stay done.
        """
        waiting = [job for job in jobs if not self.is_done(job)]
        count = len(jobs) - len(waiting)
        if count:
            say(f"{count} of {len(jobs)} were done before")
        started, done, total = time.monotonic(), 0, sum(map(_cost, waiting))
        for job, seconds in in_processes(self.run_job, waiting, self.parallel):
            done += _cost(job)
            count += 1
            what = f"{job.recipe.name} on {job.settings.task}, seed {job.settings.seed}"
            news = f"[{count}/{len(jobs)}] {what}: {duration(seconds)}"
            if done:
                left = (time.monotonic() - started) * (total - done) / done
                news += f"; about {duration(left)} left"
            say(news)

    def is_done(self, job: Job) -> bool:
        """True when a job's embeddings are written, by these settings."""
        try:
            record = self._record(job)
            written = sha256_of_file(self.output(job))
            return bool(record["job"] == self._depends_on(job) and record["sha256"] == written)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _record(self, job: Job) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(
            (self._run_folder(job) / DONE).read_text(encoding="utf-8")
        )
        return record

    def _depends_on(self, job: Job) -> dict[str, Any]:
        """What a job's result depends on."""
        several = {"tasks": list(job.tasks)} if len(job.tasks) > 1 else {}
        return {
            "settings": job.settings.to_dict(),
            **several,
            "size": self.scale.size_of(job.recipe),
            "fingerprint": self._identity().fingerprint,
            "weights": {name: self._digest(path) for name, path in self.weights_of(job).items()},
        }

    def pictures(self, jobs: Sequence[Job]) -> list[tuple[int, bool]]:
        """The prepared pictures that jobs need: size, and True for whole ones, each pair once."""
        needed = {
            (self.scale.size_of(job.recipe), "scene" in job.recipe.branches)
            for job in jobs
            if job.recipe.branches
        }
        return sorted(needed)

    def trunks(self, jobs: Sequence[Job]) -> list[tuple[Path, int, str, list[Branch]]]:
        """The stand-in's trunks that jobs begin with: folder, size, network and its branches."""
        wanted: dict[tuple[int, str], set[Branch]] = {}
        for job in jobs:
            if job.settings.weights == "stand-in":
                place = self.scale.size_of(job.recipe), job.settings.backbone
                wanted.setdefault(place, set()).update(_drawn_trunks(job.settings.effective_recipe))
        return [
            (self._trunk_folder(size), size, backbone, found)
            for (size, backbone), branches in wanted.items()
            if (found := sorted(branches))
        ]

    def _trunk_folder(self, size: int) -> Path:
        """Where the stand-in's trunks are, unless the user has said so."""
        made = self.root / f"pretrained-{size}-{self.scale.drawings}"
        return self.weight_files.get("stand-in", made)

    def weights_of(self, job: Job) -> Mapping[str, Path]:
        """The local files of weights that a job begins with.

        Raises:
            InputError: A trunk of the stand-in is missing.
        """
        from oneshot_emotic_baselines.pretraining import trunk_files

        if job.settings.weights != "stand-in":
            return self.weight_files
        folder = self._trunk_folder(self.scale.size_of(job.recipe))
        return trunk_files(
            folder, job.settings.backbone, _drawn_trunks(job.settings.effective_recipe)
        )

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            self._digests[path] = sha256_of_file(path)
        return self._digests[path]

    @cached_property
    def _digests(self) -> dict[Path, str]:
        return {}

    def _identity(self) -> DatasetIdentity:
        from oneshot_emotic.dataset.folder import read_manifest
        from oneshot_emotic.dataset.locate import dataset_folder

        return read_manifest(dataset_folder(self.dataset)).identity

    def run_job(self, job: Job) -> float:
        """Train, embed, write; the seconds it took."""
        from oneshot_emotic.dataset.load import load_task
        from oneshot_emotic.encoders.random_vectors import CARD, random_vectors
        from oneshot_emotic.submission.embeddings_file import write_submission

        started = time.monotonic()
        import_modules(self.imports)
        task, folder = load_task(job.settings.task, self.dataset), self._run_folder(job)
        record: dict[str, Any] = {}
        if job.recipe.kind == "random":
            persons = task.novel.sample_ids
            embeddings = persons, random_vectors(persons)
            write_submission(self.output(job), embeddings, task, CARD, "float16")
        else:
            import torch

            from oneshot_emotic_baselines.data import base_split, load_person_data
            from oneshot_emotic_baselines.decoding import decode_task
            from oneshot_emotic_baselines.embed import checkpoint_card, embed_task
            from oneshot_emotic_baselines.targets import base_targets
            from oneshot_emotic_baselines.train import train

            device = own_device(self.device)
            if self.parallel > 1 and not gpus(device):
                torch.set_num_threads(max(1, available_processors() // self.parallel))
            whole: dict[str, Any] = {"proportions": True} if "scene" in job.recipe.branches else {}
            data = load_person_data(
                self.root,
                **whole,
                size=self.scale.size_of(job.recipe),
                sem2vec=self.sem2vec,
                semantic="semantic" in job.recipe.branches,
            )
            split, files = base_split(task, job.settings.base), self.weights_of(job)
            targets = base_targets(split, data, self.root) if job.recipe.targets else None
            how: dict[str, Any] = {"weight_files": files, "targets": targets, "device": device}
            run = train(job.settings, split, data, folder, **how)
            tasks = [load_task(name, self.dataset) for name in job.tasks]
            everybody = {(name, "", "") for one in tasks for name in one.novel.sample_ids}
            together = replace(task, novel=Persons.sorted_from(everybody)) if tasks[1:] else task
            vectors = embed_task(run.checkpoint, together, data, device=device)
            card = checkpoint_card(run.checkpoint)
            write_submission(self.output(job), vectors, tasks, card, "float16")
            record = {"torch": torch.__version__, "pretraining": run.pretraining}
            if decoded := decode_task(run.checkpoint, task, vectors):
                record["decoded"] = decoded
            if not self.scale.keep:
                run.checkpoint.unlink()
            seconds = round(time.monotonic() - started, 1)
            took = {"seconds": seconds, "device": _device_name(device)}
            write_text(folder / TIME, json_text(took))
        done = {"job": self._depends_on(job), "sha256": sha256_of_file(self.output(job)), **record}
        write_text(folder / DONE, json_text(done))
        return time.monotonic() - started

    def _write_documents(self, jobs: Sequence[Job]) -> list[Path]:
        """Write the submission.json of every baseline of done jobs; the folders, in their order."""
        from oneshot_emotic.encoders.random_vectors import CARD
        from oneshot_emotic.submission.folder import write_submission_document
        from oneshot_emotic_baselines.embed import model_card

        dataset = self._identity()
        folders = []
        for folder in dict.fromkeys(self.output(job).parent for job in jobs):
            members = [job for job in jobs if self.output(job).parent == folder]
            recipe, settings = members[0].recipe, members[0].settings
            names: dict[str, list[str]] = {}
            for job in members:
                for task in job.tasks:
                    names.setdefault(task, []).append(self.output(job).name)
            files = {task: found if len(found) > 1 else found[0] for task, found in names.items()}
            if recipe.kind == "random":
                card = dict(CARD)
            else:
                record = self._record(members[0])
                seeds = list(dict.fromkeys(job.settings.seed for job in members))
                how = f"{self.scale.describe(settings)}, torch {record['torch']}."
                card = model_card(recipe, settings, record["pretraining"], how)
                how = f"{card['backbone']}, {self.scale.recipe}, {self.scale.name}"
                card |= {"name": f"{card['name']} ({how})"}
                card |= {"training_seeds": seeds} if settings.epochs else {}
            write_submission_document(
                folder, {"name": dataset.name, "fingerprint": dataset.fingerprint}, card, files
            )
            folders.append(folder)
        return folders

    def decoded(self, jobs: Sequence[Job]) -> list[list[str]]:
        """What systems' own decoders made of done jobs: a line a system, task and shots.

        Name, task, shots, balanced accuracy in per cent and error in levels, means over the seeds.
        """
        from oneshot_emotic.report import percent

        found: dict[tuple[str, str, str], list[Mapping[str, float]]] = {}
        for job in jobs:
            if job.recipe.decoder:
                for shots, figures in self._record(job).get("decoded", {}).items():
                    found.setdefault((job.slug, job.settings.task, shots), []).append(figures)
        lines = []
        for place, runs in found.items():
            right, error = (
                math.fsum(run[name] for run in runs) / len(runs)
                for name in ("balanced_accuracy", "level_error")
            )
            lines.append([*place, percent(right), f"{error:.2f}"])
        return lines

    def write_leaderboard(
        self, jobs: Sequence[Job], say: Callable[[str], None] = lambda line: None
    ) -> Board:
        """Recompute the rows of done jobs from their files, and write WORK/leaderboard."""
        from oneshot_emotic.dataset.load import TaskLoader
        from oneshot_emotic.leaderboard.files import generated_files, write_files
        from oneshot_emotic.leaderboard.recompute import recompute_boards

        boards = recompute_boards(self._write_documents(jobs), TaskLoader(self.dataset), say)
        write_files(self.work / "leaderboard", generated_files(boards, reported_document()))
        (board,) = boards
        return board


def _drawn_trunks(recipe: Recipe) -> list[Branch]:
    """The branches whose trunks of `pretrain` a recipe begins with."""
    from oneshot_emotic_baselines.pretraining import BRANCHES

    return [name for name in BRANCHES if f"stand-in-{name}" in recipe.pretraining.values()]


def reported_document() -> dict[str, Any]:
    """The paper's figures of the baselines in the form of leaderboard/reported.json."""
    rows = [
        {
            "method": recipe.title,
            "sees": ", ".join(recipe.branches),
            "figures": [recipe.reported[task] for task in TASKS],
        }
        for recipe in RECIPES.values()
        if recipe.reported
    ]
    return {
        "source": "Affect-DML (arXiv 2111.15271), Tables II and III",
        "unit": "per cent, plain accuracy over the query set, one support draw",
        "notes": ["On EMOTIC; not recomputed, and not comparable with verified rows."],
        "tables": [{"title": "Reported", "columns": list(TASKS), "rows": rows}],
    }


def figures_table(board: Board, jobs: Sequence[Job]) -> tuple[list[str], list[list[str]]]:
    """1-shot balanced accuracy in per cent: headings, and a line a baseline and control."""
    from oneshot_emotic.report import NONE, overall_cell, percent
    from oneshot_emotic.scoring.controls import CONTROLS

    recipe_of = {job.slug: job.settings.recipe for job in jobs}
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


def duration(seconds: float) -> str:
    """Seconds in words, such as `2 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def _cost(job: Job) -> int:
    """How long a job takes compared with others, about; without pictures, next to nothing."""
    return len(job.recipe.pixel_branches) * job.settings.epochs


def _device_name(device: str) -> str:
    import torch

    if gpus(device):
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    cpuinfo = Path("/proc/cpuinfo")
    model = platform.processor() or platform.machine()
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), model)
    threads = torch.get_num_threads()
    return f"{model}, {threads} of {os.cpu_count()} cores, torch {torch.__version__}"
