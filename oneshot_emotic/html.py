"""Text from submissions made harmless in HTML, between tags and inside quoted attributes."""

from __future__ import annotations

import html

from oneshot_emotic.addresses import is_plain_https
from oneshot_emotic.errors import printable


def escaped(text: str, limit: int = 200) -> str:
    """`text` on one line, showing the characters given and nothing else.

    It may stand between tags and in an attribute within quotes; not inside <script> or <style>.

    >>> escaped('<b onclick="x()">A & B</b>')
    '&lt;b onclick=&quot;x()&quot;&gt;A &amp; B&lt;/b&gt;'
    """
    return html.escape(printable(text, limit), quote=True)


def link(text: str, address: str | None) -> str:
    """A link to `address` if it is a plain https one; otherwise the text alone.

    >>> link("My model", "https://example.org/?a=1&b=2")
    '<a href="https://example.org/?a=1&amp;b=2" rel="nofollow noopener noreferrer">My model</a>'
    >>> link("My model", "javascript:alert(1)")
    'My model'
    """
    if not is_plain_https(address):
        return escaped(text)
    href = html.escape(address, quote=True)
    return f'<a href="{href}" rel="nofollow noopener noreferrer">{escaped(text)}</a>'
