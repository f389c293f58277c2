"""The branch `scene`: whole images with their proportions, and the boxes of the persons in them.

In training a batch of persons is grouped by image: each image is there once, however many of the
batch's persons are in it. To embed, each person has the image alone, so that no embedding depends
on who else is asked about. What a network makes of them comes back a row a person, in the batch's
order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic_baselines.weights import MEAN, STD

if TYPE_CHECKING:
    from oneshot_emotic.prepared import Pixels
    from oneshot_emotic_baselines.data import Changes, IntArray, PersonData

#: Persons that are embedded in one pass.
PASS = 16
#: Batches that are read while one is used on a GPU.
_AHEAD = 2


class SceneBatches:
    """Whole images and boxes of chosen persons, read batch by batch from the memory map."""

    def __init__(
        self,
        data: PersonData,
        sample_ids: Sequence[str],
        device: torch.device,
        *,
        alone: bool = False,
    ) -> None:
        """Look the persons up, who are known to be there; of others nothing is read.

        Args:
            data: From `load_person_data`, with proportions.
            sample_ids: The persons; batches name them by their place here.
            device: Where batches are wanted.
            alone: True gives each person the image for itself.

        Raises:
            InputError: The pictures are squares.
        """
        if data.whole is None:
            raise InputError(
                Problem(
                    "holds squares, not whole images",
                    str(data.folder),
                    "Run `oneshot-emotic prepare ROOT --keep-proportions`",
                )
            )
        self.device, self._flat, self._whole = device, data.images, data.whole
        self._alone = alone
        self._images = np.array([data.image_row[name] for name in sample_ids], dtype=np.int64)
        rows = [data.body_row[name] for name in sample_ids]
        self._boxes = torch.from_numpy(data.whole.boxes[rows])

    def batches(self, places: Sequence[IntArray]) -> Iterator[dict[str, torch.Tensor]]:
        """The inputs of each batch of places, in order.

        Yields:
            `scene`: uint8 (images, height, width, 3), as of `padded`; or (images, numbers), as a
            frozen trunk makes them;
            `scene_sizes`: each one's height and width, int64 (images, 2), on the CPU;
            `scene_boxes`: left, top, right and bottom as shares of the image, (persons, 4);
            `scene_rows`: each person's image, and number among the persons there, int64
            (persons, 2).
        """
        from oneshot_emotic_baselines.data import read_ahead  # which imports this module

        read: Iterable[dict[str, torch.Tensor]] = map(self._read, places)
        if self.device.type == "cuda":
            read = (batch for _, batch in read_ahead(self._read, places, _AHEAD, _AHEAD))
        for batch in read:
            moved = {name: values.to(self.device) for name, values in batch.items()}
            yield {**moved, "scene_sizes": batch["scene_sizes"]}

    def _read(self, chosen: IntArray) -> dict[str, torch.Tensor]:
        shown, rows = self._images[chosen], np.arange(len(chosen))
        if not self._alone:
            shown, rows = np.unique(shown, return_inverse=True)
            rows = rows.reshape(-1)
        sizes = self._whole.sizes[shown]
        if self._flat.ndim == 2:
            pixels = self._flat[shown]
        else:
            pixels = padded([self._whole.image(self._flat, row) for row in shown])
        numbers = np.tril(rows[:, None] == rows, -1).sum(axis=1)
        return {
            "scene": torch.from_numpy(pixels),
            "scene_sizes": torch.from_numpy(sizes),
            "scene_boxes": self._boxes[chosen],
            "scene_rows": torch.from_numpy(np.stack([rows, numbers], axis=1)),
        }

    def passes(self, count: int) -> list[IntArray]:
        """The first `count` persons in groups to embed, each of images of one size alone.

        So what comes out for a person never depends on where a batch ends: all that is beyond the
        edge of a smaller image would count, in convolutions and their normalisation.
        """
        images = self._images[:count]
        sizes = self._whole.sizes[images]
        order = np.lexsort((images, sizes[:, 1], sizes[:, 0]))
        ends = np.flatnonzero(np.diff(sizes[order], axis=0).any(axis=1)) + 1
        alike = np.split(order, ends)
        return [x[at : at + PASS] for x in alike for at in range(0, len(x), PASS)]


def scene_inputs(
    batch: Mapping[str, torch.Tensor], changes: Changes | None = None
) -> dict[str, torch.Tensor]:
    """From what `SceneBatches` yields to what the network takes.

    Args:
        batch: Of one branch alone.
        changes: Of these, an image is mirrored where its first person of the batch is; none is
            moved.

    Returns:
        `scene`: float32 (images, 3, height, width), normalised, zero beyond an image's edge; what a
        trunk made of them stays as it is, and nothing is mirrored; `scene_sizes` and `scene_rows`
        as they were; `scene_boxes`: the true boxes, mirrored with their images; `scene_starts`: the
        boxes that the network is given, the same unless a recipe changes them.
    """
    pixels, sizes, boxes, rows = (
        batch[name] for name in ("scene", "scene_sizes", "scene_boxes", "scene_rows")
    )
    if pixels.ndim == 2:
        return {**batch, "scene": pixels.float(), "scene_starts": boxes}
    device, width = pixels.device, pixels.shape[2]
    at, own = torch.arange(width, device=device), sizes[:, 1:].to(device)
    if changes is not None:
        mirrored = torch.zeros(len(pixels), dtype=torch.bool, device=device)
        first = rows[:, 1] == 0
        mirrored[rows[first, 0]] = changes[0].to(device)[first]
        columns = torch.where(mirrored[:, None] & (at < own), own - 1 - at, at)
        pixels = pixels.gather(2, columns[:, None, :, None].expand(pixels.shape))
        left, top, right, bottom = boxes.unbind(dim=1)
        turned = mirrored[rows[:, 0]]
        left, right = torch.where(turned, 1 - right, left), torch.where(turned, 1 - left, right)
        boxes = torch.stack([left, top, right, bottom], dim=1)
    return {
        "scene": normalised_scenes(pixels, sizes),
        "scene_sizes": sizes,
        "scene_boxes": boxes,
        "scene_rows": rows,
        "scene_starts": boxes,
    }


def padded(images: Sequence[Pixels], side: int = 0) -> Pixels:
    """Images at the top left of pictures of a common size, of at least this side; the rest black.

    Returns:
        uint8 (images, height, width, 3).
    """
    high, wide = (max(side, *(x.shape[axis] for x in images)) for axis in (0, 1))
    found = np.zeros((len(images), high, wide, 3), dtype=np.uint8)
    for picture, image in zip(found, images, strict=True):
        picture[: image.shape[0], : image.shape[1]] = image
    return found


def normalised_scenes(pixels: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """uint8 (images, height, width, 3) as float32 (images, 3, height, width), zero beyond edges."""
    values = pixels.permute(0, 3, 1, 2).float().div_(255)
    for channel, (mean, std) in enumerate(zip(MEAN, STD, strict=True)):
        values[:, channel].sub_(mean).div_(std)
    height, width = values.shape[2:]
    return values.mul_(inside(sizes, height, width, values.device)[:, None])


def inside(sizes: torch.Tensor, height: int, width: int, device: torch.device) -> torch.Tensor:
    """Where images of these sizes are in pictures of a common one, bool (images, height, width)."""
    rows, columns = (sizes[:, x, None].to(device) for x in (0, 1))
    inner = torch.arange(height, device=device) < rows
    return inner[:, :, None] & (torch.arange(width, device=device) < columns)[:, None]


def rescaled(inputs: Mapping[str, torch.Tensor], scale: float) -> dict[str, torch.Tensor]:
    """The images of a batch smaller or larger, with their proportions; the rest as it was."""
    before, pixels = inputs["scene_sizes"], inputs["scene"]
    sizes = (before * scale).round().long().clamp(min=1)
    changed = pixels.new_zeros((len(pixels), 3, *sizes.amax(dim=0).tolist()))
    for image, target, old, new in zip(
        pixels, changed, before.tolist(), sizes.tolist(), strict=True
    ):
        part = image[None, :, : old[0], : old[1]]
        smaller = nn.functional.interpolate(part, size=new, mode="bilinear", antialias=True)
        target[:, : new[0], : new[1]] = smaller[0]
    return {**inputs, "scene": changed, "scene_sizes": sizes}


def jittered(boxes: torch.Tensor, amount: float, random: torch.Generator) -> torch.Tensor:
    """Boxes (persons, 4) as somebody might have drawn them who was not careful.

    The middle is moved by up to `amount` / 2 of the box's width and height, and both are changed
    by up to a share of `amount`, as DN-DETR makes its noise (arXiv 2203.01305). Drawn on the CPU.
    """
    drawn = (2 * torch.rand(len(boxes), 4, generator=random) - 1).to(boxes.device) * amount
    sides = boxes[:, 2:] - boxes[:, :2]
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 + drawn[:, :2] * sides / 2
    half = sides * (1 + drawn[:, 2:]) / 2
    return torch.cat([middle - half, middle + half], dim=1).clamp(0, 1)
