"""Text from submissions made harmless in markdown.

A reader of the page must see the characters that were given and nothing else: no table cell, link,
tag, image or heading comes out of a name.
"""

from __future__ import annotations

import re

from oneshot_emotic.addresses import is_plain_https
from oneshot_emotic.errors import printable

#: Characters that begin or end something anywhere in a line; a colon begins a bare address.
_ANYWHERE = re.compile(r"([\\`*_{}\[\]|~$:@#]|(?<=www)\.)", re.IGNORECASE)
#: What begins a list or a heading at the start of a line.
_AT_START = re.compile(r"^([-+=]|\d+(?=[.)]))")


def escaped(text: str, limit: int = 200) -> str:
    """`text` for a table cell, on one line, every character of meaning written as itself."""
    clean = printable(text, limit)
    clean = clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    marked = _ANYWHERE.sub(r"\\\1", clean)
    return _AT_START.sub(lambda match: _entity(match[0][-1], match[0]), marked)


def _entity(char: str, whole: str) -> str:
    """`whole` with its last character `char` written as a number, which begins nothing."""
    return f"{whole[:-1]}&#{ord(char)};"


def link(text: str, address: str | None) -> str:
    """A link to `address` if it is a plain https one; otherwise the text alone."""
    if not is_plain_https(address):
        return escaped(text)
    return f"[{escaped(text)}]({address})"
