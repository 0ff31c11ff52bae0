"""Pages as readers see them: their text, their tables."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from django.http import HttpResponseBase


class _Reader(HTMLParser):
    """Collects the text of a page and of the cells of its tables."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tables: list[list[list[str]]] = []
        self._cell: list[str] | None = None
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("th", "td"):
            self._cell = []
        if tag in ("script", "head"):
            self._hidden += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td") and self._cell is not None:
            self.tables[-1][-1].append(_plain(self._cell))
            self._cell = None
        if tag in ("script", "head"):
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text.append(data)
            if self._cell is not None:
                self._cell.append(data)


def _plain(parts: list[str]) -> str:
    return re.sub(r"\s+", " ", " ".join(parts).replace("\u2009", " ")).strip()


def _read(response: HttpResponseBase) -> _Reader:
    reader = _Reader()
    reader.feed(response.content.decode())  # type: ignore[attr-defined]  # pages are not streamed
    return reader


def text(response: HttpResponseBase) -> str:
    """Return all that a page says, white space as single spaces."""
    return _plain(_read(response).text)


def table(response: HttpResponseBase, number: int = 0) -> list[list[str]]:
    """Return the rows of a table of the page, the heading first."""
    return _read(response).tables[number]
