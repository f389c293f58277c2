"""What frozen trunks make of all prepared pictures, computed once and kept.

    ROOT/trunks/BRANCH-DIGEST.npy   float32 (pictures, numbers), in the rows of the pictures

The digest is over the trunk's weights, the prepared pictures and the precision, so that a file is
never taken for another's.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save
from torch import nn

from oneshot_emotic.errors import InputError
from oneshot_emotic.files import write_bytes
from oneshot_emotic.prepared import DOCUMENT, Pixels
from oneshot_emotic_baselines.data import PersonData, network_inputs
from oneshot_emotic_baselines.model import AffectNet, autocast
from oneshot_emotic_baselines.scenes import normalised_scenes, padded
from oneshot_emotic_baselines.settings import Settings

FOLDER = "trunks"
_BATCH = 64


def seen_by_trunks(
    network: AffectNet, data: PersonData, settings: Settings, device: torch.device
) -> PersonData:
    """The data with what the network's trunks make of the pictures in their place.

    Args:
        network: On the device.
        data: Of pictures as they are: neither mirrored nor moved.
        settings: Of the run; its precision counts.
        device: Where it is computed, unless it was kept before beside the prepared pictures.
    """
    seen: dict[str, Any] = {}
    for branch in settings.effective_recipe.pixel_branches:
        field = "bodies" if branch == "body" else "images"
        trunk = network.trunk(branch).eval()
        with autocast(settings, device) as precision:
            text = f"{field}/{getattr(precision, 'fast_dtype', None)}"
            path = data.folder.parent / FOLDER / f"{branch}-{_digest(trunk, data, text)}.npy"
            seen[field] = _kept(path)
            if seen[field] is None:
                pictures = _scenes(data) if branch == "scene" else _squares(data, field, branch)
                seen[field] = _outputs(trunk, pictures, device)
                _keep(path, seen[field])
    return replace(data, **seen)


def _digest(trunk: nn.Module, data: PersonData, text: str) -> str:
    weights = save({name: x.cpu().contiguous() for name, x in trunk.state_dict().items()})
    parts = (weights, (data.folder / DOCUMENT).read_bytes(), text.encode())
    return hashlib.sha256(b"".join(hashlib.sha256(x).digest() for x in parts)).hexdigest()[:32]


def _squares(data: PersonData, field: str, branch: str) -> Iterator[torch.Tensor]:
    """Batches of all pictures, normalised."""
    pictures: Pixels = getattr(data, field)
    for start in range(0, len(pictures), _BATCH):
        pixels = torch.from_numpy(np.array(pictures[start : start + _BATCH]))
        yield network_inputs({branch: pixels})[branch]


def _scenes(data: PersonData) -> Iterator[torch.Tensor]:
    """Batches of all whole images in squares, whose sides a ResNet halves five times."""
    assert data.whole is not None
    side = -(-data.size // 32) * 32
    for start in range(0, len(data.image_ids), _BATCH):
        rows = range(start, min(start + _BATCH, len(data.image_ids)))
        pixels = padded([data.whole.image(data.images, row) for row in rows], side)
        sizes = torch.from_numpy(data.whole.sizes[rows])
        yield normalised_scenes(torch.from_numpy(pixels), sizes)


def _outputs(
    trunk: nn.Module, pictures: Iterable[torch.Tensor], device: torch.device
) -> npt.NDArray[np.float32]:
    with torch.inference_mode():
        return np.concatenate([trunk(x.to(device)).float().cpu().numpy() for x in pictures])


def _kept(path: Path) -> npt.NDArray[np.float32] | None:
    try:
        found: npt.NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found


def _keep(path: Path, outputs: npt.NDArray[np.float32]) -> None:
    stream = io.BytesIO()
    np.save(stream, outputs)
    try:
        write_bytes(path, stream.getvalue())
    except InputError:  # a folder that is only read: they are computed again the next time
        return
