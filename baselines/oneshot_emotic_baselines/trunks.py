"""What frozen trunks make of all prepared pictures, computed once and kept.

    ROOT/trunks/BRANCH-DIGEST.npy   float32 (pictures, numbers), in the rows of the pictures

The digest is over the trunk's weights, the prepared pictures and the precision, so that a file is
never taken for another's.
"""

from __future__ import annotations

import hashlib
import io
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
        if branch == "scene":  # its maps are large, and differ with every scale
            continue
        field = "images" if branch == "image" else "bodies"
        trunk = network.trunk(branch).eval()
        with autocast(settings, device) as precision:
            text = f"{field}/{getattr(precision, 'fast_dtype', None)}"
            path = data.folder.parent / FOLDER / f"{branch}-{_digest(trunk, data, text)}.npy"
            seen[field] = _kept(path)
            if seen[field] is None:
                seen[field] = _outputs(trunk, getattr(data, field), branch, device)
                _keep(path, seen[field])
    return replace(data, **seen)


def _digest(trunk: nn.Module, data: PersonData, text: str) -> str:
    weights = save({name: x.cpu().contiguous() for name, x in trunk.state_dict().items()})
    parts = (weights, (data.folder / DOCUMENT).read_bytes(), text.encode())
    return hashlib.sha256(b"".join(hashlib.sha256(x).digest() for x in parts)).hexdigest()[:32]


def _outputs(
    trunk: nn.Module, pictures: Pixels, branch: str, device: torch.device
) -> npt.NDArray[np.float32]:
    parts = []
    with torch.inference_mode():
        for start in range(0, len(pictures), _BATCH):
            pixels = torch.from_numpy(np.array(pictures[start : start + _BATCH])).to(device)
            parts.append(trunk(network_inputs({branch: pixels})[branch]).float().cpu().numpy())
    return np.concatenate(parts)


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
