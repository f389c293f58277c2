"""Text from submissions made harmless in CSV: a spreadsheet must not take it for a formula."""

from __future__ import annotations

import re

from oneshot_emotic.errors import printable

#: What begins a formula, in the wide forms of East Asian keyboards too, at the start of a cell or
#: after a semicolon, where spreadsheets of some countries split in spite of quotes. Some programs
#: drop spaces and quotes before they look.
_FORMULA = re.compile(r"""(^|;)(?=[\s"']*[=+\-@＝＋－＠])""")


def safe(text: str, limit: int = 200) -> str:
    r"""`text` on one line, with an apostrophe before what a spreadsheet would calculate.

    For text only: a figure such as -0.1 is written as it is. The csv module does the quoting.

    >>> safe('=HYPERLINK("https://example.org")')
    '\'=HYPERLINK("https://example.org")'
    >>> safe("A model")
    'A model'
    """
    return _FORMULA.sub(r"\1'", printable(text, limit))
