"""EMOTIC's 26 categories and the spellings in which they are met.

Two orders of the 26 are in use, so nothing here or elsewhere goes by position: by name only.
"""

from __future__ import annotations

from functools import lru_cache

CATEGORIES: tuple[str, ...] = (
    "Affection",
    "Anger",
    "Annoyance",
    "Anticipation",
    "Aversion",
    "Confidence",
    "Disapproval",
    "Disconnection",
    "Disquietment",
    "Doubt/Confusion",
    "Embarrassment",
    "Engagement",
    "Esteem",
    "Excitement",
    "Fatigue",
    "Fear",
    "Happiness",
    "Pain",
    "Peace",
    "Pleasure",
    "Sadness",
    "Sensitivity",
    "Suffering",
    "Surprise",
    "Sympathy",
    "Yearning",
)

#: Other spellings found in files and in the paper's Table I, in lower case with "/" as separator.
_VARIANTS = {
    "disquitement": "Disquietment",
    "disquiet": "Disquietment",
    "doubt/confuzion": "Doubt/Confusion",
    "confuse/doubt": "Doubt/Confusion",
    "confusion/doubt": "Doubt/Confusion",
    "sensitive": "Sensitivity",
    "surprising": "Surprise",
}

_BY_KEY = {name.lower(): name for name in CATEGORIES} | _VARIANTS


@lru_cache(maxsize=1024)
def canonical_category(name: str) -> str | None:
    """The category meant by `name`, or None when it is none of the 26.

    Case, surrounding blanks and "_" or " / " for "/" do not matter.

    >>> canonical_category("Doubt_Confuzion")
    'Doubt/Confusion'
    """
    key = name.strip().lower().replace("_", "/").replace(" ", "")
    return _BY_KEY.get(key)
