"""Which addresses from submissions may become links."""

from __future__ import annotations

import re
from typing import TypeGuard

#: Nothing but characters that mean the same in markdown, HTML and LaTeX once those are escaped:
#: no user names, ports or fragments, no spaces, no quotes, no brackets, no other script's letters.
_HTTPS = re.compile(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9._~%/=?&+-]*)?")


def is_plain_https(address: str | None) -> TypeGuard[str]:
    """True for an https address of plain characters, the only kind that becomes a link."""
    return address is not None and _HTTPS.fullmatch(address) is not None
