r"""Text from submissions made harmless in markdown, LaTeX and CSV; in HTML, by `webpage`.

A reader must see the characters that were given, on one line, and nothing else: no link, tag,
picture, heading, table cell, command or formula comes out of a name. An address becomes a link only
if it is a plain https one.
"""

from __future__ import annotations

import html
import re
from typing import TypeGuard

from oneshot_emotic.errors import printable

#: Nothing but characters that mean the same in markdown, HTML and LaTeX once those are escaped:
#: no user names, ports or fragments, no spaces, no quotes, no brackets, no other script's letters.
_HTTPS = re.compile(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9._~%/=?&+-]*)?")

#: Markdown: characters that begin or end something anywhere in a line; a colon begins a bare
#: address. And what begins a list or a heading at the start of a line.
_MARKDOWN_ANYWHERE = re.compile(r"([\\`*_{}\[\]|~$:@#]|(?<=www)\.)", re.IGNORECASE)
_MARKDOWN_AT_START = re.compile(r"^(\d*)((?<!\d)[-+=]|\d(?=[.)]))")

#: LaTeX: character -> what shows it. Braces end each command, so that what follows is never
#: swallowed.
_LATEX = str.maketrans(
    {
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
)
#: Twins that fonts join into one sign: -- a dash, '' and ,, quotation marks.
_LATEX_JOINED = re.compile(r"([-',])(?=\1)")

#: CSV: what begins a formula, in the wide forms of East Asian keyboards too, at the start of a
#: cell or after a semicolon, where spreadsheets of some countries split in spite of quotes. Some
#: programs drop spaces and quotes before they look.
_CSV_FORMULA = re.compile(r"""(^|;)(?=[\s"']*[=+\-@＝＋－＠])""")


def is_plain_https(address: str | None) -> TypeGuard[str]:
    """True for an https address of plain characters, the only kind that becomes a link."""
    return address is not None and _HTTPS.fullmatch(address) is not None


def markdown_text(text: str, limit: int | None = 200) -> str:
    """`text` for a table cell, every character of meaning written as itself."""
    clean = html.escape(printable(text, limit), quote=False)
    marked = _MARKDOWN_ANYWHERE.sub(r"\\\1", clean)
    return _MARKDOWN_AT_START.sub(lambda match: f"{match[1]}&#{ord(match[2])};", marked)


def markdown_link(text: str, address: str | None) -> str:
    """A link to `address` if it is a plain https one; otherwise the text alone."""
    shown = markdown_text(text)
    return f"[{shown}]({address})" if is_plain_https(address) else shown


def latex_text(text: str, limit: int | None = 200) -> str:
    r"""`text` for a sentence, a table cell or a heading.

    Letters of any script stay as they are: beyond Latin ones they want XeLaTeX or LuaLaTeX with a
    font that has them.

    >>> latex_text("50 % of \\input{x} & more_")
    '50 \\% of \\textbackslash{}input\\{x\\} \\& more\\_'
    """
    return _LATEX_JOINED.sub(r"\1{}", printable(text, limit).translate(_LATEX))


def latex_link(text: str, address: str | None) -> str:
    r"""A link to `address` if it is a plain https one; otherwise the text alone.

    The document needs the package hyperref.

    >>> latex_link("My model", "https://example.org/a%20b")
    '\\href{https://example.org/a\\%20b}{My model}'
    >>> latex_link("My model", "https://example.org/}\\input{x}")
    'My model'
    """
    shown = latex_text(text)
    if not is_plain_https(address):
        return shown
    # Of what a plain address may hold, \href wants these escaped inside another command.
    target = re.sub(r"([%&_])", r"\\\1", address)
    return f"\\href{{{target}}}{{{shown}}}"


def csv_text(text: str, limit: int | None = 200) -> str:
    r"""`text` with an apostrophe before what a spreadsheet would calculate.

    For text only: a figure such as -0.1 is written as it is. The csv module does the quoting.

    >>> csv_text('=HYPERLINK("https://example.org")')
    '\'=HYPERLINK("https://example.org")'
    >>> csv_text("A model")
    'A model'
    """
    return _CSV_FORMULA.sub(r"\1'", printable(text, limit))
