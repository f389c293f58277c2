"""Frozen encoders that a user tries first: what each is, and what a row with it must disclose.

Facts alone, read without timm or torch: parameters and sides as timm 1.0.31 builds and describes
the networks (a test builds them again), licences as the weights' cards state them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class KnownEncoder(NamedTuple):
    """An encoder as `run` takes it.

    Attributes:
        name: As `run` takes it.
        title: What people call it.
        parameters: Of the network without a classifier.
        size: Side in pixels of the pictures that it expects.
        dimensions: Of its vector of one picture; a person's is of body and image, twice as long.
        licence: Of the weights, as their card states it.
        paper: Where it is described.
        words: True where it was pretrained with texts, which hold the words of the unseen classes.
    """

    name: str
    title: str
    parameters: int
    size: int
    dimensions: int
    licence: str
    paper: str
    words: bool

    @property
    def seen_unseen_names(self) -> Literal["yes", "no"]:
        """For `--seen-unseen-names`."""
        return "yes" if self.words else "no"


#: For `--seen-test-images` on EMOTIC, of all: whether pretraining on pictures of the web has seen
#: test images cannot be known, and a row where it cannot says yes.
SEEN_TEST_IMAGES: Literal["yes"] = "yes"

_CLIP, _SIGLIP_2 = "https://arxiv.org/abs/2103.00020", "https://arxiv.org/abs/2502.14786"
_DINO_2, _DINO_3 = "https://arxiv.org/abs/2309.16588", "https://arxiv.org/abs/2508.10104"
# OpenAI's repository has the MIT licence; timm's cards of the same weights say Apache-2.0.
_OPENAI = "MIT (OpenAI), Apache-2.0 (timm)"

KNOWN: tuple[KnownEncoder, ...] = (
    KnownEncoder(
        "timm:vit_base_patch16_clip_224.openai",
        "CLIP ViT-B/16",
        85_799_424,
        224,
        768,
        _OPENAI,
        _CLIP,
        words=True,
    ),
    KnownEncoder(
        "timm:vit_large_patch14_clip_224.openai",
        "CLIP ViT-L/14",
        303_179_776,
        224,
        1024,
        _OPENAI,
        _CLIP,
        words=True,
    ),
    KnownEncoder(
        "timm:vit_base_patch16_siglip_224.v2_webli",
        "SigLIP 2 ViT-B/16",
        92_884_224,
        224,
        768,
        "Apache-2.0",
        _SIGLIP_2,
        words=True,
    ),
    KnownEncoder(
        "timm:vit_base_patch14_reg4_dinov2.lvd142m",
        "DINOv2 ViT-B/14, registers",
        86_582_016,
        518,
        768,
        "Apache-2.0",
        _DINO_2,
        words=False,
    ),
    KnownEncoder(
        "timm:vit_base_patch16_dinov3.lvd1689m",
        "DINOv3 ViT-B/16",
        85_641_216,
        256,
        768,
        "DINOv3 License",
        _DINO_3,
        words=False,
    ),
)
