"""What names and texts from files may look like: the rules for all that is shown or compared.

A name that breaks its rule never gets beyond the reader that met it, so nothing that is printed
or put on a page later can hold a line break, an escape sequence or a character that does not show.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from oneshot_emotic.errors import Problem, printable, some

#: The name of a data set.
DATASET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
#: `ORG/NAME`, a repository on the Hub, as the Hub itself allows it.
REPOSITORY_ID = re.compile(rf"(?!.*(?:--|\.\.|\.git$)){_PART}/{_PART}")

#: A SHA-256 in hexadecimal: a fingerprint, the digest of a task or of a file.
SHA256 = re.compile(r"[0-9a-f]{64}")

#: Characters that `str.isprintable` takes and nobody sees: Unicode's property
#: Default_Ignorable_Code_Point (DerivedCoreProperties.txt, the same from version 14 to 16), and the
#: blank Braille pattern.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\u2800]"
)

#: Marks such as accents upon one character. Writing systems need four or five; more of them grow
#: over the lines above and below.
MAX_MARKS = 8


def is_shown(text: str) -> bool:
    r"""Whether every character of a text can be seen, spaces counted as such.

    >>> is_shown("Sem-IB-DML (ours)"), is_shown("a\u202eb"), is_shown("\u3164")
    (True, False, False)
    """
    return text.isprintable() and (text.isascii() or not _INVISIBLE.search(text))


def hidden_characters(text: str) -> list[str]:
    """The characters of a text that cannot be seen, as `U+202E`, each once."""
    return [f"U+{ord(char):04X}" for char in sorted(set(text)) if not is_shown(char)]


def is_name(text: str) -> bool:
    """Whether a text has a letter or a digit that can be seen, of any script."""
    return any(char.isalnum() and is_shown(char) for char in text)


def id_problems(kind: str, ids: Iterable[str], where: str) -> list[Problem]:
    """What is wrong with ids: such as hold characters that cannot be seen.

    Args:
        kind: What they are, such as `sample_ids`.
        ids: All of them.
        where: The file they come from, for the message.
    """
    wrong = [text.encode("unicode_escape").decode() for text in ids if not is_shown(text)]
    if not wrong:
        return []
    shown = some(printable(text, 100) for text in wrong)
    what = f"{len(wrong):,} {kind} hold control or other characters that do not show, such as"
    return [Problem(f"{what} {shown}", where, "Leave these characters out")]


def text_problems(document: Any, where: str) -> list[Problem]:
    """Every text of a parsed JSON document, keys too, that would not be seen as it is.

    Args:
        document: Dictionaries, lists, texts and numbers.
        where: The file, for messages.
    """
    problems = []
    for field, text in _texts(document, ""):
        place = f"{where}: {field}" if field else where
        if hidden := hidden_characters(text):
            what = f"holds characters that do not show, {some(hidden)}"
            remedy = "Leave control, direction and other invisible characters out"
            problems.append(Problem(what, place, remedy))
        if _most_marks(text) > MAX_MARKS:
            what = f"has more than {MAX_MARKS} accents or other marks upon one character"
            problems.append(Problem(what, place))
    return problems


def _texts(value: Any, field: str) -> Iterator[tuple[str, str]]:
    """Every text in a document, keys too, with the field it is in."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield field, key
            yield from _texts(item, f"{field}.{key}" if field else key)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _texts(item, f"{field}.{place}")


def _most_marks(text: str) -> int:
    """The most combining marks that follow each other."""
    if text.isascii():
        return 0
    is_mark = (unicodedata.category(char) in ("Mn", "Me") for char in text)
    return max((sum(run) for mark, run in groupby(is_mark) if mark), default=0)
