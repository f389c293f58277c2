"""What annotations say of base persons besides their class: for losses that learn from it too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from oneshot_emotic.emotic.layout import find_annotations, find_layout
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic_baselines.data import BaseSplit, PersonData

FloatArray = npt.NDArray[np.float32]

_AFFECT, _BOX = ["valence", "arousal", "dominance"], ["x1", "y1", "x2", "y2"]


def base_targets(
    split: BaseSplit, data: PersonData, root: str | Path, annotations: Path | None = None
) -> dict[str, FloatArray]:
    """Valence, arousal, dominance and boxes of the persons of a split: base persons alone.

    Args:
        split: From `base_split`.
        data: Their pictures, as wide and high as they are stored.
        root: The EMOTIC copy or stand-in.
        annotations: The annotations file, where it is not under `root`.

    Returns:
        `affect`, (persons, 3), on the scale from 1 to 10, and `box`, (persons, 4): left, top, right
        and bottom as shares of the image. A row a person, in their order; NaN where unknown, or
        where there is no picture.

    Raises:
        InputError: The annotations lack some of the persons.
    """
    path = annotations or find_annotations(find_layout(Path(root)))
    table = read_annotations(path).persons.set_index("sample_id")
    if missing := [name for name in split.sample_ids if name not in table.index]:
        what = f"lacks {len(missing):,} persons of the task, such as {some(missing)}"
        raise InputError(Problem(what, str(path)))
    rows = table.loc[list(split.sample_ids)]
    stored = [data.stored[data.image_row[name]] or (np.nan, np.nan) for name in split.sample_ids]
    box = rows[_BOX].to_numpy(np.float64) / np.tile(stored, 2)
    affect = rows[_AFFECT].to_numpy(np.float32)
    return {"affect": affect, "box": box.clip(0, 1).astype(np.float32)}


def moved_boxes(
    boxes: torch.Tensor, mirrored: torch.Tensor, moved: torch.Tensor, size: int
) -> torch.Tensor:
    """Boxes in the image as augmentation changes it.

    Args:
        boxes: As of `base_targets`, (persons, 4).
        mirrored: From `random_changes`, of the same persons.
        moved: Likewise.
        size: Side of the pictures in pixels.
    """
    left, top, right, bottom = boxes.unbind(dim=1)
    left, right = torch.where(mirrored, 1 - right, left), torch.where(mirrored, 1 - left, right)
    down, along = (moved[:, 0] / size).unbind(dim=1)  # of an image; the body's comes after
    return torch.stack([left + along, top + down, right + along, bottom + down], dim=1).clamp(0, 1)
