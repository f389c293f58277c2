"""Pages as a browser would have them."""

from __future__ import annotations

import shutil
from collections import Counter
from html.parser import HTMLParser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)


class Page(HTMLParser):
    """What is in a page: tags counted, attributes, links, tables as rows of cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.links: list[str | None] = []
        self.tables: list[list[list[str]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags[tag] += 1
        self.attributes += attributes
        if tag == "a":
            self.links.append(dict(attributes)["href"])
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_data(self, data):
        if self.tables and self.tables[-1] and self.tables[-1][-1]:
            self.tables[-1][-1][-1] += data.replace("\N{NO-BREAK SPACE}", " ")

    @property
    def cells(self) -> list[list[list[str]]]:
        """Without what stands behind the last cell of a table."""
        return [[[x.strip().split("\n")[0] for x in row] for row in t] for t in self.tables]

    @property
    def shape(self) -> list[list[int]]:
        """How many cells each row of each table has."""
        return [[len(row) for row in table] for table in self.tables]
