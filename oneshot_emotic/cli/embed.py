"""`oneshot-emotic embed`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from oneshot_emotic.cli.needs import needs_baselines
from oneshot_emotic.cli.options import FOLDER, dataset_option, task_choice, workers_option
from oneshot_emotic.cli.progress import progress_bar, say
from oneshot_emotic.cli.training_options import device_option
from oneshot_emotic.embedders import EMBEDDERS
from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.tasks import TASKS


@click.command()
@click.argument("embedder", metavar="[" + "|".join(EMBEDDERS) + "|CHECKPOINT]")
@click.option(
    "--data",
    "root",
    type=FOLDER,
    required=True,
    help="The EMOTIC copy or stand-in that holds the images.",
)
@click.option("--annotations", type=FOLDER, help="Its annotations file, where it is elsewhere.")
@dataset_option
@click.option(
    "--task",
    "tasks",
    type=task_choice,
    multiple=True,
    help="Default: every task that can be scored.",
)
@click.option(
    "-o", "--output", type=FOLDER, required=True, help="Folder for the files, one a task."
)
@click.option(
    "--form",
    type=click.Choice(["json", "json.gz", "npz", "safetensors", "parquet"]),
    default="safetensors",
    show_default=True,
)
@click.option(
    "--dtype", type=click.Choice(["float16", "float32"]), default="float32", show_default=True
)
@click.option(
    "--prepared", type=FOLDER, help="For a checkpoint: prepared pictures; default: ROOT/prepared-*."
)
@click.option(
    "--sem2vec", type=FOLDER, help="For a checkpoint: the Sem2Vec table; default: found in ROOT."
)
@device_option
@workers_option
@needs_baselines
def command(
    embedder: str,
    root: Path,
    annotations: Path | None,
    dataset: str,
    tasks: tuple[str, ...],
    output: Path,
    form: str,
    dtype: str,
    prepared: Path | None,
    sem2vec: Path | None,
    device: str,
    workers: int,
) -> None:
    """Embed a data set's novel persons with a built-in embedder or a checkpoint.

    Writes OUTPUT/<task>.<form>, ready for `oneshot-emotic score`. A CHECKPOINT, from
    `oneshot-emotic train`, embeds the task it was trained on.
    """
    if embedder not in EMBEDDERS:
        embed_checkpoint(
            Path(embedder),
            root,
            dataset,
            tasks,
            output,
            form=form,
            dtype=dtype,
            prepared=prepared,
            sem2vec=sem2vec,
            device=device,
        )
        return
    embed_tasks(
        embedder, root, annotations, dataset, tasks, output, form=form, dtype=dtype, workers=workers
    )


def embed_tasks(
    embedder: str,
    root: Path,
    annotations: Path | None,
    dataset: str,
    tasks: Sequence[str],
    output: Path,
    *,
    form: str,
    dtype: str,
    workers: int,
) -> list[Path]:
    """Embed and write; the paths written, in the order of the tasks."""
    from oneshot_emotic.dataset.folder import read_task
    from oneshot_emotic.dataset.locate import dataset_folder
    from oneshot_emotic.embedders.run import PersonPicture, embed_persons
    from oneshot_emotic.emotic.layout import find_annotations, find_layout
    from oneshot_emotic.emotic.persons import ListedImage, read_annotations
    from oneshot_emotic.submission.embeddings_file import write_submission

    folder = dataset_folder(dataset)
    loaded = [read_task(folder, name) for name in (tasks or TASKS)]
    chosen = [task for task in loaded if tasks or not task.unscorable]
    layout = find_layout(root)
    say("reading the annotations ...")
    table = read_annotations(annotations or find_annotations(layout)).persons.set_index("sample_id")
    wanted = sorted({sample_id for task in chosen for sample_id in task.novel.sample_ids})
    if missing := [sample_id for sample_id in wanted if sample_id not in table.index]:
        raise InputError(
            Problem(
                f"{len(missing):,} novel persons of the data set {dataset!r} are not in these "
                f"annotations, such as {some(missing)}",
                str(root),
                "Give the data set that was built from this copy with --dataset",
            )
        )
    rows = table.loc[wanted]
    persons = [
        PersonPicture(
            row.Index,
            ListedImage(row.folder, row.filename, row.width, row.height),
            (row.x1, row.y1, row.x2, row.y2),
        )
        for row in rows.itertuples()
    ]
    with progress_bar(f"embedding ({embedder})", len(persons)) as progress:
        result = embed_persons(
            EMBEDDERS[embedder](),
            persons,
            layout.image_folders,
            workers=workers,
            progress=progress,
        )
    if result.without_picture:
        say(
            f"warning: {len(result.without_picture):,} persons have no sound picture and were "
            f"embedded from a grey one: {some(result.without_picture)}"
        )
    vector_of = dict(zip(wanted, result.vectors, strict=True))
    written = []
    for task in chosen:
        path = output / f"{task.name}.{form}"
        vectors = {sample_id: vector_of[sample_id] for sample_id in task.novel.sample_ids}
        write_submission(path, vectors, task, EMBEDDERS[embedder].card, dtype)
        click.echo(f"{path}: {len(vectors):,} persons")
        written.append(path)
    return written


def embed_checkpoint(
    checkpoint: Path,
    root: Path,
    dataset: str,
    tasks: Sequence[str],
    output: Path,
    *,
    form: str,
    dtype: str,
    prepared: Path | None,
    sem2vec: Path | None,
    device: str,
) -> Path:
    """Embed the task that a checkpoint was trained on, and write it; the path written."""
    if not checkpoint.is_file():
        raise InputError(
            Problem(
                f"{str(checkpoint)!r} is neither a built-in embedder ({', '.join(EMBEDDERS)}) nor "
                "a checkpoint file"
            )
        )
    from oneshot_emotic_baselines.checkpoint import load_checkpoint
    from oneshot_emotic_baselines.data import load_person_data
    from oneshot_emotic_baselines.embed import checkpoint_card, embed_task
    from oneshot_emotic_baselines.settings import Settings

    from oneshot_emotic.dataset.load import load_task
    from oneshot_emotic.submission.embeddings_file import write_submission

    content = load_checkpoint(checkpoint)
    settings = Settings.from_dict(content["settings"])
    if tasks and tuple(tasks) != (settings.task,):
        raise InputError(
            Problem(f"was trained on {settings.task}, not on {some(tasks)}", str(checkpoint))
        )
    task = load_task(settings.task, dataset)
    data = load_person_data(
        root,
        size=content["size"],
        prepared=prepared,
        sem2vec=sem2vec,
        semantic="semantic" in settings.effective_recipe.branches,
    )
    with progress_bar(f"embedding ({settings.recipe})", len(task.novel)) as progress:
        vectors = embed_task(checkpoint, task, data, device=device, progress=progress)
    path = output / f"{task.name}.{form}"
    write_submission(path, vectors, task, checkpoint_card(checkpoint, task), dtype)
    click.echo(f"{path}: {len(vectors):,} persons")
    return path
