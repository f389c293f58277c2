"""What an encoder offers."""

from __future__ import annotations

from typing import Any, Literal, Protocol, get_args

View = Literal["both", "body", "image"]
VIEWS: tuple[View, ...] = get_args(View)


class Encoder(Protocol):
    """Turns pictures of persons into vectors.

    `embed` alone is needed. What else is looked at where it is there:

    - `identity`: a text that changes whenever the vectors would, such as the name and version of
      the weights. The vectors are kept under it; without it they are made anew by every run.
    - `transform`: a callable, from a Pillow image to anything, such as a tensor. It is applied to
      every image and body in the threads that read them, beside `embed`, which gets lists of what
      it returned; to an image once for all of its persons in the call.
    - `view`: `image` or `body` where it looks at these alone; the other is not transformed.
    - `batch_size`: the most persons a call (64, which is also the most).
    - `device`: where it runs, for the message at the start.
    - `card`: the fields of the model card of its submissions (docs/submission.md).
    """

    def embed(self, images: list[Any], bodies: list[Any]) -> Any:
        """The vectors of some persons.

        Args:
            images: The whole image of each, a Pillow image in RGB or what `transform` made of it;
                persons of one image share the same object.
            bodies: The body crop of each, likewise.

        Returns:
            An array of shape (persons, dimensions), finite; NumPy's or a torch tensor.
        """
        ...
