"""Running an ADE20K segmenter over every image, for Sem2Vec.

    OUT/sem2vec.csv    the classes present in each image; the table that training reads
    OUT/areas.npy      float32 (images, 150): the share of its pixels that each class has
    OUT/images.csv     image_id and pixels of each row of areas.npy; 0 pixels for a broken file
    OUT/sem2vec.json   the model and the settings; written last, so that it says done

A run that was killed goes on (worklist.py) after the parts whose pixels are counted. Presence is
judged image by image, on the map of class indices at the image's own size.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from oneshot_emotic.ade20k import ADE20K_CLASSES
from oneshot_emotic.emotic.images import open_image, pillow_quiet
from oneshot_emotic.emotic.layout import find_annotations, find_layout
from oneshot_emotic.emotic.matfile import ListedImage
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.emotic.tables import csv_rows, csv_text
from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.files import write_bytes, write_text
from oneshot_emotic.worklist import WorkList
from oneshot_emotic_baselines.data import read_ahead
from oneshot_emotic_baselines.distributed import Processes, join_processes
from oneshot_emotic_baselines.sem2vec import COLUMNS, TABLE

FORMAT = "oneshot-emotic-sem2vec/1"
DOCUMENT, AREAS, IMAGES = "sem2vec.json", "areas.npy", "images.csv"
CONTENTS = frozenset({DOCUMENT, AREAS, IMAGES, TABLE})

#: Images a part, the unit of resuming and of sharing out over processes.
PART = 64
_READERS = 4
#: Bytes an image, of its areas and of its part's pixel counts, at most.
_IMAGE_BYTES = 4096

Counts = npt.NDArray[np.int64]


def default_folder(root: Path, model: str) -> Path:
    """Where a model's Sem2Vec of an EMOTIC copy goes unless somebody says otherwise."""
    name = re.sub(r"[^a-z0-9]+", "-", Path(model).name.lower()).strip("-")
    return root / f"sem2vec-{name or 'model'}"


def segment(
    root: Path,
    model: str,
    output: Path | None = None,
    *,
    min_area: float = 1,
    batch_size: int = 8,
    annotations: Path | None = None,
    device: str = "auto",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Path, list[str]]:
    """Segment all images of an EMOTIC copy; go on where an earlier run was stopped.

    Args:
        root: The copy or stand-in.
        model: A model's id or local folder, as `AutoModelForSemanticSegmentation` of transformers
            takes it, trained on the 150 classes of ADE20K.
        output: The folder to make; default `root/sem2vec-<model>`.
        min_area: What a class must have to be present: so many pixels, or below 1 such a share of
            the image. One pixel in the paper.
        batch_size: Images at a time.
        annotations: The annotations file, where it is not under `root`.
        device: `auto`, `cpu`, `cuda`; half precision on a GPU.
        progress: Told the images done and all of them.

    Returns:
        The folder, and the images that were missing or broken and have no classes.

    Raises:
        InputError: The model cannot be had or is not of ADE20K, or the folder is of another one.
    """
    if not min_area > 0:
        raise InputError(Problem(f"the least area must be more than 0, not {min_area}"))
    layout = find_layout(root)
    images = read_annotations(annotations or find_annotations(layout)).images
    if not layout.image_folders:
        raise InputError(Problem("no image folders (such as mscoco/images) found", str(root)))
    folder = output or default_folder(root, model)
    ours = join_processes(device)
    identity, other = _identity(model, images), "is of another model or of other images"
    work = WorkList(folder, DOCUMENT, CONTENTS, identity, other, len(images), PART)
    missing: list[str] = []
    with contextlib.ExitStack() as stack:
        if not work.is_finished():
            if ours.main:
                stack.enter_context(work.held(len(images) * _IMAGE_BYTES))
            ours.wait()
            _count_all(work, images, layout.image_folders, model, batch_size, ours, progress)
            ours.wait()
            if ours.main:
                counts = [row for part in work.results().values() for row in part]
                _write_areas(folder, images, np.array(counts, dtype=np.int64))
        if ours.main:
            missing = _write_table(folder, min_area)
            work.finish({"min_area": min_area})
    ours.wait()
    return folder, missing


def _count_all(
    work: WorkList,
    images: Sequence[ListedImage],
    image_folders: Mapping[str, Sequence[Path]],
    model: str,
    batch_size: int,
    ours: Processes,
    progress: Callable[[int, int], None],
) -> None:
    """Count the pixels of this process's parts that are not done yet."""
    starts, done = work.starts[ours.rank :: ours.world], work.results()
    parts = {start: images[start : start + work.part] for start in starts}
    waiting = {start: part for start, part in parts.items() if start not in done}
    if not waiting:
        return
    segmenter = Segmenter(model, ours.device)
    total, left = (sum(map(len, x.values())) for x in (parts, waiting))
    progress(total - left, total)
    listed = [image for part in waiting.values() for image in part]
    with pillow_quiet():
        opened = read_ahead(lambda image: open_image(image, image_folders), listed, _READERS, PART)
        for start, part in waiting.items():
            pictures = [picture for _, picture in islice(opened, len(part))]
            counts = np.zeros((len(pictures), len(ADE20K_CLASSES)), dtype=np.int64)
            sound = [row for row, picture in enumerate(pictures) if picture is not None]
            for first in range(0, len(sound), batch_size):
                rows = sound[first : first + batch_size]
                counts[rows] = segmenter.count([pictures[row] for row in rows])
            work.note(start, counts.tolist())
            left -= len(pictures)
            progress(total - left, total)


class Segmenter:
    """A segmenter with its image processor, on a device."""

    def __init__(self, model: str, device: torch.device) -> None:
        """Load a model of transformers.

        Raises:
            InputError: It cannot be had, or its classes are not those of ADE20K.
        """
        from transformers import AutoConfig, AutoImageProcessor, AutoModelForSemanticSegmentation
        from transformers.utils import logging

        logging.disable_progress_bar()
        try:
            AutoConfig.from_pretrained(model)  # the smallest file: without network, one wait only
            self._processor: Any = AutoImageProcessor.from_pretrained(model)
            self._model: Any = AutoModelForSemanticSegmentation.from_pretrained(model)
        except (OSError, ValueError) as error:
            reason = str(error).strip().split("\n")[0]
            raise InputError(
                Problem(
                    f"the segmenter {model!r} could not be loaded: {reason}",
                    remedy="Give --model the folder of a model saved by save_pretrained, or a "
                    "ready-made table with --sem2vec to the commands that need one",
                )
            ) from None
        check_classes(model, self._model.config.id2label)
        self.device = device
        self._model.to(device).eval()

    def count(self, pictures: Sequence[Any]) -> Counts:
        """The pixels of each class in RGB pictures, of shape (pictures, 150)."""
        half = torch.autocast("cuda", torch.float16, enabled=self.device.type == "cuda")
        with torch.inference_mode(), half:
            inputs = self._processor(images=list(pictures), return_tensors="pt").to(self.device)
            outputs = self._model(**inputs)
            # Nearest is never used on the maps: logits are enlarged, then the best class is taken.
            maps = self._processor.post_process_semantic_segmentation(
                outputs, target_sizes=[picture.size[::-1] for picture in pictures]
            )
            counts = [torch.bincount(x.flatten(), minlength=len(ADE20K_CLASSES)) for x in maps]
        stacked: Counts = torch.stack(counts).cpu().numpy()
        return stacked


def check_classes(model: str, id2label: Mapping[int, str]) -> None:
    """Refuse a model whose classes are not the 150 of ADE20K in their order.

    Names are compared loosely (models shorten them); a model without names passes by number alone.

    Raises:
        InputError: They are not.
    """
    if len(id2label) != len(ADE20K_CLASSES):
        raise InputError(
            Problem(
                f"the segmenter {model!r} has {len(id2label)} classes; Sem2Vec needs one trained "
                f"on the {len(ADE20K_CLASSES)} of ADE20K"
            )
        )

    def words(name: str) -> set[str]:
        return set(re.findall(r"[a-z]+", name.lower()))

    named = {int(k): v for k, v in id2label.items() if not v.upper().startswith("LABEL_")}
    alike = sum(bool(words(ADE20K_CLASSES[k]) & words(v)) for k, v in named.items())
    if named and alike < len(named) / 2:
        raise InputError(
            Problem(
                f"the segmenter {model!r} names only {alike} of its classes as ADE20K does, in "
                f"ADE20K's order: 0 is {named.get(0)!r}, not {ADE20K_CLASSES[0]!r}"
            )
        )


def _write_areas(folder: Path, images: Sequence[ListedImage], counts: Counts) -> None:
    pixels = counts.sum(axis=1)
    areas = (counts / np.maximum(pixels, 1)[:, None]).astype(np.float32)
    stream = io.BytesIO()
    np.save(stream, areas)
    write_bytes(folder / AREAS, stream.getvalue())
    rows = [(image.image_id, int(n)) for image, n in zip(images, pixels, strict=True)]
    write_text(folder / IMAGES, csv_text(("image_id", "pixels"), rows))


def _write_table(folder: Path, min_area: float) -> list[str]:
    """Write the presence table from the areas; the images without a picture."""
    areas = np.load(folder / AREAS, allow_pickle=False)
    rows = [(name, int(pixels)) for name, pixels in csv_rows(folder / IMAGES)[1:]]
    pixels = np.array([count for _, count in rows])
    counts = np.rint(areas.astype(np.float64) * pixels[:, None])
    least = min_area if min_area >= 1 else min_area * pixels[:, None]
    present = (counts > 0) & (counts >= least)
    table = [
        (name, " ".join(map(str, np.flatnonzero(present[row]))))
        for row, (name, _) in enumerate(rows)
    ]
    write_text(folder / TABLE, csv_text(COLUMNS, table))
    return [name for name, count in rows if not count]


def _identity(model: str, images: Sequence[ListedImage]) -> dict[str, Any]:
    names = "".join(f"{image.image_id}\n" for image in images)
    return {
        "format": FORMAT,
        "model": Path(model).name if Path(model).is_dir() else model,
        "images": len(images),
        "images_sha256": hashlib.sha256(names.encode("utf-8")).hexdigest(),
    }
