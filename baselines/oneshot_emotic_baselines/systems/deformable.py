"""The parts of Deformable DETR: deformable attention, encoder and decoder layers, weights of COCO.

Source: Zhu et al. (arXiv 2010.04159). Weights have the names of the checkpoints for `transformers`
(such as SenseTime/deformable-detr); the layers are here, since that library's change from version
to version. A test holds them to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import pi
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

LEVELS, POINTS = 4, 4


class Memory(NamedTuple):
    """What the encoder makes of images.

    Attributes:
        values: (images, places, width), the places of all levels one after the other.
        inner: False beyond an image's edge, bool (images, places).
        shapes: Height and width of each level.
        ratios: Share of each level's width and height that an image takes, (images, levels, 2).
    """

    values: torch.Tensor
    inner: torch.Tensor
    shapes: Sequence[tuple[int, int]]
    ratios: torch.Tensor

    def cells(self) -> torch.Tensor:
        """Width and height of a place as shares of its level, (levels, 2)."""
        return 1 / self.ratios.new_tensor([(width, height) for height, width in self.shapes])


class DeformableAttention(nn.Module):
    """Each query looks at a few points about its place, on every level."""

    def __init__(self, width: int, heads: int) -> None:
        """With the points on straight ways from the place, in a direction a head."""
        super().__init__()
        self.heads = heads
        self.sampling_offsets = nn.Linear(width, heads * LEVELS * POINTS * 2)
        self.attention_weights = nn.Linear(width, heads * LEVELS * POINTS)
        self.value_proj, self.output_proj = nn.Linear(width, width), nn.Linear(width, width)
        angles = torch.arange(heads) * (2 * pi / heads)
        ways = torch.stack([angles.cos(), angles.sin()], dim=1)
        ways = ways / ways.abs().amax(dim=1, keepdim=True)
        steps = torch.arange(1.0, POINTS + 1)
        with torch.no_grad():
            points = ways[:, None, None] * steps[:, None]
            self.sampling_offsets.bias.copy_(points.expand(-1, LEVELS, -1, -1).flatten())
        for weights in (self.sampling_offsets.weight, *self.attention_weights.parameters()):
            nn.init.zeros_(weights)
        for layer in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self, queries: torch.Tensor, memory: Memory, middles: torch.Tensor, reach: torch.Tensor
    ) -> torch.Tensor:
        """What queries see.

        Args:
            queries: (images, queries, width).
            memory: Of the images.
            middles: Across and down, as shares of each level, (images, queries, levels, 2).
            reach: How far an offset of one goes, likewise.
        """
        images, count, width = queries.shape
        values = self.value_proj(memory.values) * memory.inner[..., None]
        values = values.view(images, -1, self.heads, width // self.heads).permute(0, 2, 3, 1)
        shape = (images, count, self.heads, LEVELS, POINTS)
        offsets = self.sampling_offsets(queries).view(*shape, 2)
        weights = self.attention_weights(queries).view(*shape[:3], -1).softmax(dim=-1)
        points = 2 * (middles[:, :, None, :, None] + offsets * reach[:, :, None, :, None]) - 1
        points = points.transpose(1, 2).flatten(0, 1)
        seen = []
        parts = values.flatten(0, 1).split([h * w for h, w in memory.shapes], dim=2)
        for level, (part, (high, wide)) in enumerate(zip(parts, memory.shapes, strict=True)):
            where = points[:, :, level]
            picture = part.unflatten(2, (high, wide)).to(where.dtype)  # places in full precision
            seen.append(functional.grid_sample(picture, where, align_corners=False))
        found = torch.cat(seen, dim=3) * weights.transpose(1, 2).flatten(0, 1)[:, None]
        found = found.sum(dim=3).view(images, width, count).transpose(1, 2)
        together: torch.Tensor = self.output_proj(found)
        return together


class SelfAttention(nn.Module):
    """All queries look at all that are there."""

    def __init__(self, width: int, heads: int) -> None:
        """With random weights."""
        super().__init__()
        self.heads = heads
        self.k_proj, self.v_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.q_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)
        for layer in self.children():
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self, states: torch.Tensor, positions: torch.Tensor, there: torch.Tensor
    ) -> torch.Tensor:
        """What states see; positions count for where to look alone.

        Args:
            states: (images, queries, width).
            positions: Likewise.
            there: False for queries that nobody is, bool (images, queries).
        """
        placed = states + positions
        ways = (self.q_proj(placed), self.k_proj(placed), self.v_proj(states))
        query, key, value = (x.unflatten(2, (self.heads, -1)).transpose(1, 2) for x in ways)
        seen = functional.scaled_dot_product_attention(query, key, value, there[:, None, None])
        found: torch.Tensor = self.out_proj(seen.transpose(1, 2).flatten(2))
        return found


class _Layer(nn.Module):
    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.final_layer_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        for layer in (self.fc1, self.fc2):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def feed(self, states: torch.Tensor) -> torch.Tensor:
        """The layer's second half, each state for itself."""
        hidden = self.fc2(self.dropout(self.fc1(states).relu()))
        found: torch.Tensor = self.final_layer_norm(states + self.dropout(hidden))
        return found


class EncoderLayer(_Layer):
    """Places of the levels look at each other."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        """With random weights."""
        super().__init__(width, hidden, dropout)
        self.self_attn = DeformableAttention(width, heads)

    def forward(self, memory: Memory, positions: torch.Tensor, middles: torch.Tensor) -> Memory:
        """The memory after this layer."""
        reach = memory.cells().expand_as(middles)
        seen = self.self_attn(memory.values + positions, memory, middles, reach)
        states = self.self_attn_layer_norm(memory.values + self.dropout(seen))
        return memory._replace(values=self.feed(states))


class DecoderLayer(_Layer):
    """Queries look at each other, and at the image."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        """With random weights."""
        super().__init__(width, hidden, dropout)
        self.self_attn = SelfAttention(width, heads)
        self.encoder_attn = DeformableAttention(width, heads)
        self.encoder_attn_layer_norm = nn.LayerNorm(width)

    def attend(
        self,
        states: torch.Tensor,
        positions: torch.Tensor,
        there: torch.Tensor,
        memory: Memory,
        middles: torch.Tensor,
        reach: torch.Tensor,
    ) -> torch.Tensor:
        """The layer's first half; arguments as of its two attentions."""
        seen = self.self_attn(states, positions, there)
        states = self.self_attn_layer_norm(states + self.dropout(seen))
        seen = self.encoder_attn(states + positions, memory, middles, reach)
        found: torch.Tensor = self.encoder_attn_layer_norm(states + self.dropout(seen))
        return found


class Layers(nn.Module):
    """A stack of layers, named as in the checkpoints."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        """Hold them."""
        super().__init__()
        self.layers = nn.ModuleList(layers)


def waves(shares: torch.Tensor, width: int) -> torch.Tensor:
    """Sines and cosines of numbers from 0 to 1, in a new last dimension of `width` numbers."""
    steps = torch.arange(width // 2, device=shares.device, dtype=torch.float32)
    angles = 2 * pi * shares.float()[..., None] / 10_000 ** (2 * steps / width)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


def level_positions(inner: torch.Tensor, width: int) -> torch.Tensor:
    """Where each place of a level is in its image: (images, places, width).

    Args:
        inner: bool (images, height, width).
        width: Of the states.
    """
    ends = []
    for axis in (1, 2):
        at = inner.float().cumsum(dim=axis)
        last = at.narrow(axis, at.shape[axis] - 1, 1)
        ends.append(waves((at - 0.5) / (last + 1e-6), width // 2))
    return torch.cat(ends, dim=-1).flatten(1, 2)


class DeformableDetr(nn.Module):
    """From feature maps to a memory, and the queries' own weights.

    Attributes:
        slow: Prefixes of the weights that are trained at the rate of the pretrained layers.
    """

    slow = ("reference_points.",)

    def __init__(
        self,
        channels: Sequence[int],
        width: int,
        heads: int,
        hidden: int,
        layers: tuple[int, int],
        queries: int,
        dropout: float = 0.1,
    ) -> None:
        """With random weights.

        Args:
            channels: Of the feature maps, the last one of which gives two levels.
            width: Of the states.
            heads: Of each attention.
            hidden: Units between the two layers of a feed-forward network.
            layers: Of the encoder and of the decoder.
            queries: How many.
            dropout: Share of numbers left out in training.
        """
        super().__init__()
        self.input_proj = nn.ModuleList()
        for place, before in enumerate((*channels, channels[-1])):
            last = place == len(channels)
            how = {"kernel_size": 3, "stride": 2, "padding": 1} if last else {"kernel_size": 1}
            layer = nn.Conv2d(before, width, **how)
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
            self.input_proj.append(nn.Sequential(layer, nn.GroupNorm(32, width)))
        self.level_embed = nn.Parameter(torch.randn(LEVELS, width))
        self.query_position_embeddings = nn.Embedding(queries, 2 * width)
        self.reference_points = nn.Linear(width, 2)
        nn.init.xavier_uniform_(self.reference_points.weight)
        nn.init.zeros_(self.reference_points.bias)
        how_wide = (width, heads, hidden, dropout)
        self.encoder = Layers([EncoderLayer(*how_wide) for _ in range(layers[0])])
        self.decoder = Layers([DecoderLayer(*how_wide) for _ in range(layers[1])])

    def encode(self, maps: Sequence[torch.Tensor], whole: torch.Tensor) -> Memory:
        """The memory of feature maps.

        Args:
            maps: Each (images, channels, height, width), every one half as high and wide as that
                before.
            whole: Which pixels are in an image, bool (images, height, width).
        """
        sources = [layer(x) for layer, x in zip(self.input_proj, (*maps, maps[-1]), strict=True)]
        shapes = [(x.shape[2], x.shape[3]) for x in sources]
        width = sources[0].shape[1]
        inner = [functional.interpolate(whole[None].float(), size=x)[0] > 0.5 for x in shapes]
        shares = [(x[:, 0].float().mean(dim=1), x[:, :, 0].float().mean(dim=1)) for x in inner]
        ratios = torch.stack([torch.stack(x, dim=1) for x in shares], dim=1)
        own = zip(inner, self.level_embed, strict=True)
        positions = torch.cat([level_positions(x, width) + level for x, level in own], dim=1)
        values = torch.cat([x.flatten(2).transpose(1, 2) for x in sources], dim=1)
        memory = Memory(values, torch.cat([x.flatten(1) for x in inner], dim=1), shapes, ratios)
        middles = _grid(shapes, ratios)
        for layer in self.encoder.layers:
            memory = layer(memory, positions, middles)
        return memory


def _grid(shapes: Sequence[tuple[int, int]], ratios: torch.Tensor) -> torch.Tensor:
    """Where each place is on every level, (images, places, levels, 2)."""
    found = []
    for level, (height, width) in enumerate(shapes):
        down, across = (
            (torch.arange(side, device=ratios.device) + 0.5) / side for side in (height, width)
        )
        place = torch.stack(torch.meshgrid(across, down, indexing="xy"), dim=-1).view(-1, 2)
        found.append(place / ratios[:, None, level])
    return torch.cat(found, dim=1)[:, :, None] * ratios[:, None]


def coco_names(state: Mapping[str, torch.Tensor], backbone: str) -> dict[str, torch.Tensor]:
    """The weights of a checkpoint of `transformers` by the names here, without the heads.

    Args:
        state: As the checkpoint names them, in versions 4 or 5.
        backbone: Prefix of the backbone's weights here.
    """
    named = {}
    for name, values in state.items():
        short = name.removeprefix("model.")
        if short.startswith(("class_embed.", "bbox_embed.", "decoder.bbox_embed.")):
            continue
        for old, new in (
            ("backbone.conv_encoder.model.", backbone),
            ("backbone.model.", backbone),
            (".o_proj.", ".out_proj."),
            (".mlp.fc", ".fc"),
        ):
            short = short.replace(old, new)
        named[short] = values
    return named
