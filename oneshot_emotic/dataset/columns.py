"""What the parquet files of a task hold: part -> column -> kind of value."""

from __future__ import annotations

_NOVEL = dict.fromkeys(("sample_id", "image_id", "label"), "text")

#: Also the order of the parts.
COLUMNS = {
    "base": {**_NOVEL, "shares_image": "true or false"},
    "novel": _NOVEL,
    "support": {
        **dict.fromkeys(("draw", "shot"), "whole numbers"),
        **dict.fromkeys(("label", "sample_id"), "text"),
    },
}
