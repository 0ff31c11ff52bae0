"""Pages of long lists, kept in the address."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, QueryDict

# An address is typed by people too: page 10 ** 30 must not reach the database.
LAST_PAGE = 1_000_000


def number(request: HttpRequest, name: str, *, default: int, most: int = 2_000_000_000) -> int:
    """Return a whole number from the address, or the default where there is none that makes sense."""
    text = request.GET.get(name, "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        return default
    return min(int(text), most)


def page_number(request: HttpRequest) -> int:
    """Return the page that the address asks for, from 1."""
    return max(number(request, "page", default=1, most=LAST_PAGE), 1)


@dataclass(frozen=True)
class Pages:
    """Where a page stands among its fellows, with their addresses."""

    first: int
    last: int
    total: int
    previous: str
    following: str


def pages(request: HttpRequest, *, page: int, size: int, shown: int, total: int) -> Pages:
    """Return the addresses of the pages before and after, the filters kept."""
    start = (page - 1) * size
    return Pages(
        first=start + 1 if shown else 0,
        last=start + shown,
        total=total,
        previous=_address(request.GET, page - 1) if page > 1 else "",
        following=_address(request.GET, page + 1) if start + shown < total else "",
    )


def _address(query: QueryDict, page: int) -> str:
    changed = query.copy()
    changed["page"] = str(page)
    return "?" + changed.urlencode()
