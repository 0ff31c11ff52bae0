"""Which cells of an item's row are words about it."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Columns that are no description.
NAMED = frozenset({"item_id", "title", "categories"})
A_YEAR = re.compile(r"\d{4}")


def description_of(cells: Iterable[object]) -> str:
    """Join the cells that are words: texts with a letter and years; no numbers, addresses, lists or yes and no."""
    return " ".join(cell.strip() for cell in cells if isinstance(cell, str) and _is_words(cell))


def _is_words(cell: str) -> bool:
    if "://" in cell:
        return False
    return any(map(str.isalpha, cell)) or bool(A_YEAR.fullmatch(cell.strip()))
