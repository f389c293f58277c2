r"""Text from submissions made harmless in LaTeX: in a sentence, a table cell, a heading.

No command, comment, formula, cell or row comes out of a name. Letters of any script stay as they
are: beyond Latin ones they want XeLaTeX or LuaLaTeX with a font that has them.
"""

from __future__ import annotations

import re

from oneshot_emotic.addresses import is_plain_https
from oneshot_emotic.errors import printable

#: Character -> what shows it. Braces end each command, so that what follows is never swallowed.
_SHOWN = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    '"': r"{\char34}",  # babel gives the plain one meanings
    # At the start of a cell these would be read as options of the \\ before them.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
}
_SPECIAL = re.compile("[" + re.escape("".join(_SHOWN)) + "]")
#: Twins that fonts join into one sign: -- a dash, '' and ,, quotation marks.
_JOINED = re.compile(r"([-',])(?=\1)")


def escaped(text: str, limit: int = 200) -> str:
    r"""`text` on one line, showing the characters given and nothing else.

    >>> escaped("50 % of \\input{x} & more_")
    '50 \\% of \\textbackslash{}input\\{x\\} \\& more\\_'
    """
    clean = _SPECIAL.sub(lambda match: _SHOWN[match[0]], printable(text, limit))
    return _JOINED.sub(r"\1{}", clean)


def link(text: str, address: str | None) -> str:
    r"""A link to `address` if it is a plain https one; otherwise the text alone.

    The document needs the package hyperref.

    >>> link("My model", "https://example.org/a%20b")
    '\\href{https://example.org/a\\%20b}{My model}'
    >>> link("My model", "https://example.org/}\\input{x}")
    'My model'
    """
    if not is_plain_https(address):
        return escaped(text)
    # Of what a plain address may hold, \href wants these escaped inside another command.
    target = re.sub(r"([%&_])", r"\\\1", address)
    return f"\\href{{{target}}}{{{escaped(text)}}}"
