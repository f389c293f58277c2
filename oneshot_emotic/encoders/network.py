"""A torch network as an encoder: of the body crop, the full image or both, at unit length."""

from __future__ import annotations

import hashlib
import json
import textwrap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from oneshot_emotic.encoders.protocol import View
from oneshot_emotic.errors import InputError

if TYPE_CHECKING:
    import torch

Vectors = npt.NDArray[np.float32]

#: A picture -> what the network is called with: tensors that are a batch of one.
Prepare = Callable[[Image.Image], Mapping[str, Any]]
#: What the network is called with, put together -> vectors, as a tensor.
Forward = Callable[[Mapping[str, Any]], Any]


class NetworkEncoder:
    """A frozen network; half precision on a GPU, float32 elsewhere.

    Attributes:
        identity: Name, digest of the weights, preprocessing, view and precision.
        transform: A picture to inputs of the network, a batch of one.
        view: What it is shown.
        card: What is known for its model card.
    """

    def __init__(
        self,
        name: str,
        network: torch.nn.Module,
        prepare: Prepare,
        forward: Forward,
        preprocessing: str,
        *,
        view: View = "both",
        device: str = "auto",
        batch_size: int = 64,
    ) -> None:
        """Move the network to its device.

        Args:
            name: As the user gave it, without a path.
            network: Whose weights are hashed.
            prepare: A picture to inputs.
            forward: Inputs to vectors.
            preprocessing: Everything that `prepare` depends on, as a text.
            view: What it is shown.
            device: `auto`, `cpu`, `cuda`, or another of torch's.
            batch_size: The most pictures of a view at once.

        Raises:
            InputError: There is no such device.
        """
        import torch

        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        weights = weights_digest(network)
        try:
            self.device = torch.device(device)
            network.to(self.device).eval()
        except (RuntimeError, AssertionError) as error:
            raise InputError(f"no device {device!r}: {first_line(error)}") from None
        self.batch_size, self.view = batch_size, view
        self.transform, self._forward = prepare, forward
        self._half = self.device.type == "cuda"
        self.identity = json.dumps(
            {
                "name": name,
                "weights": weights,
                "preprocessing": preprocessing,
                "view": view,
                "precision": "float16" if self._half else "float32",
            }
        )
        seen = "body crop and full image" if view == "both" else f"the {view} alone"
        self.card = {
            "name": name[:80],
            "description": f"Frozen network, nothing trained; {seen}, unit length."[:500],
            "modalities": ["body", "image"] if view == "both" else [view],
            "backbone": name[:80],
            "parameters": sum(weight.numel() for weight in network.parameters()),
            "base": "none",
        }

    def embed(self, images: list[Any], bodies: list[Any]) -> Vectors:
        """The vectors of each view, of unit length, side by side, and of unit length again.

        Args:
            images: What `transform` made of the image of each person; a Pillow image will do too.
            bodies: Likewise of the bodies.

        Raises:
            InputError: The device's memory is too small for the batch.
        """
        views = {"body": [bodies], "image": [images], "both": [bodies, images]}[self.view]
        return _unit(np.concatenate([_unit(self._vectors(view)) for view in views], axis=1))

    def _vectors(self, pictures: list[Any]) -> Vectors:
        """One row a picture; what is given several times goes through the network once."""
        import torch

        different = {id(picture): picture for picture in pictures}
        place = {key: row for row, key in enumerate(different)}
        prepared = [
            self.transform(x) if isinstance(x, Image.Image) else x for x in different.values()
        ]
        try:
            with (
                torch.inference_mode(),
                torch.autocast(self.device.type, torch.float16, enabled=self._half),
            ):
                # By NumPy, in this thread: torch's several would wait for the readers' to end.
                inputs = {
                    key: torch.from_numpy(np.concatenate([x[key].numpy() for x in prepared]))
                    for key in prepared[0]
                }
                inputs = {key: values.to(self.device) for key, values in inputs.items()}
                found = self._forward(inputs).flatten(1).float().cpu().numpy()
        except torch.OutOfMemoryError:
            what = f"the memory of {self.device} is too small for batches of {self.batch_size}"
            raise InputError(what, remedy="Give a smaller --batch-size") from None
        rows: Vectors = found[[place[id(picture)] for picture in pictures]]
        return rows


def weights_digest(network: torch.nn.Module) -> str:
    """SHA-256 over the names, types, shapes and bytes of a network's weights."""
    import torch

    digest = hashlib.sha256()
    for name, weight in sorted(network.state_dict().items()):
        digest.update(f"{name}\t{weight.dtype}\t{tuple(weight.shape)}\n".encode())
        digest.update(weight.detach().cpu().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def first_line(error: BaseException) -> str:
    """What an error of a library says, in its first line; of a long one the first words."""
    line = (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".")
    return textwrap.shorten(line, 300, placeholder=" ...")


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit
