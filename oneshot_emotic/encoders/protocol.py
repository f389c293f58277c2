"""What an encoder offers."""

from __future__ import annotations

from typing import Any, Literal, Protocol, get_args

from PIL import Image

View = Literal["both", "body", "image"]
VIEWS: tuple[View, ...] = get_args(View)


class Encoder(Protocol):
    """Turns pictures of persons into vectors.

    `embed` alone is needed. What else is looked at where it is there:

    - `identity`: a text that changes whenever the vectors would, such as the name and version of
      the weights. The vectors are kept under it; without it they are made anew by every run.
    - `batch_size`: the most persons a call (64, which is also the most).
    - `device`: where it runs, for the message at the start.
    - `card`: the fields of the model card of its submissions (docs/submission.md).
    """

    def embed(self, images: list[Image.Image], bodies: list[Image.Image]) -> Any:
        """The vectors of some persons.

        Args:
            images: The whole image of each, RGB; persons of one image share the same object.
            bodies: The body crop of each, RGB.

        Returns:
            An array of shape (persons, dimensions), finite; NumPy's or a torch tensor on the CPU.
        """
        ...
