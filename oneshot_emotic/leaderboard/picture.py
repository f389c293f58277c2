"""The ranks of a family as a picture: each row's overall figure with its interval.

SVG, the same bytes on any machine; it follows the light or dark colours of who looks at it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from oneshot_emotic.errors import printable
from oneshot_emotic.leaderboard.board import Ranked
from oneshot_emotic.report import percent
from oneshot_emotic.splits import DatasetIdentity

#: Rows that are drawn; the table below has all.
_MOST = 40
#: In pixels: the whole, where the figures begin and end, a row, what is above and below the rows.
_WIDTH, _FROM, _TO = 800, 330, 740
_ROW, _ABOVE, _BELOW = 24, 12, 44

_STYLE = """
.board text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.board .quiet { fill: #59636e; }
.board .grid { stroke: #d1d9e0; }
.board .zero { stroke: #59636e; stroke-dasharray: 3 3; }
.board .bar { stroke: #818b98; stroke-width: 2; }
.board .dot { fill: #59636e; }
.board .best .bar { stroke: #0969da; }
.board .best .dot { fill: #0969da; }
@media (prefers-color-scheme: dark) {
.board text { fill: #f0f6fc; }
.board .quiet { fill: #9198a1; }
.board .grid { stroke: #3d444d; }
.board .zero { stroke: #9198a1; }
.board .dot { fill: #9198a1; }
.board .best .bar { stroke: #4493f8; }
.board .best .dot { fill: #4493f8; }
}
"""


def picture_path(dataset: DatasetIdentity, family: str) -> str:
    """Where the picture of a family is, from the page."""
    name = f"{dataset.name.replace('/', '-')}-{dataset.label_rule}-{dataset.fingerprint[:8]}"
    return f"pictures/{name}-{family}.svg"


def family_picture(title: str, rows: Sequence[Ranked]) -> str:
    """The picture; empty where no row has an overall figure.

    Args:
        title: The family's.
        rows: From `ranked`.
    """
    shown = [row for row in rows if row.overall is not None][:_MOST]
    if not shown:
        return ""
    height = _ABOVE + _ROW * len(shown) + _BELOW
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="board" role="img" width="{_WIDTH}" '
            f'height="{height}" viewBox="0 0 {_WIDTH} {height}">',
            f"<title>{escape(title)}: overall figures with 95 % intervals</title>",
            f"<style>{_STYLE}</style>",
            *_drawn(shown, len(rows) - len(shown)),
            "</svg>\n",
        ]
    )


def _drawn(rows: Sequence[Ranked], left_out: int) -> Iterator[str]:
    ends = [
        x for row in rows if (o := row.overall) for x in (o.mean, o.low, o.high) if x is not None
    ]
    step = next(x for x in (1, 2, 5, 10, 20, 50) if (max(*ends, 0) - min(*ends, 0)) * 100 <= 8 * x)
    least, most = math.floor(min(*ends, 0) * 100 / step), math.ceil(max(*ends, 0) * 100 / step)
    most = max(most, least + 1)
    bottom = _ABOVE + _ROW * len(rows)

    def place(value: float) -> str:
        share = (100 * value - least * step) / ((most - least) * step)
        return f"{_FROM + share * (_TO - _FROM):.1f}"

    for tick in range(least, most + 1):
        x, kind = place(tick * step / 100), "grid" if tick else "zero"
        yield f'<line class="{kind}" x1="{x}" x2="{x}" y1="{_ABOVE}" y2="{bottom}"/>'
        label = str(tick * step) if tick else "chance"
        yield f'<text class="quiet" x="{x}" y="{bottom + 16}" text-anchor="middle">{label}</text>'
    said = "Overall: per cent of the way from chance to perfection, 95 % interval"
    said += f"; {left_out:,} more rows in the table" if left_out else ""
    yield f'<text class="quiet" x="{_TO}" y="{bottom + 36}" text-anchor="end">{said}</text>'
    for number, row in enumerate(rows):
        assert row.overall is not None
        middle = _ABOVE + _ROW * number + _ROW // 2
        best = ' class="best"' if row.tied_with_best else ""
        name = escape(printable(str(row.row.model["name"]), 60))
        yield f"<g{best}>"
        yield f'<text class="quiet" x="24" y="{middle + 4}" text-anchor="end">{row.rank}</text>'
        # A name that is too long is cut off by a picture of its own.
        yield f'<svg x="34" y="{middle - _ROW // 2}" width="{_FROM - 50}" height="{_ROW}">'
        yield f'<text y="{_ROW // 2 + 4}">{name}</text></svg>'
        if row.overall.low is not None and row.overall.high is not None:
            ends_of = f'x1="{place(row.overall.low)}" x2="{place(row.overall.high)}"'
            yield f'<line class="bar" {ends_of} y1="{middle}" y2="{middle}"/>'
        yield f'<circle class="dot" cx="{place(row.overall.mean)}" cy="{middle}" r="4"/>'
        value = percent(row.overall.mean)
        yield f'<text x="{_WIDTH - 4}" y="{middle + 4}" text-anchor="end">{value}</text>'
        yield "</g>"
