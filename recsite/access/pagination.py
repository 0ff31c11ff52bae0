"""Lists page by cursor: a cursor names the last row of a page, so rows that come in move nothing."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from recsite.access.problems import BadParameter

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


class InvalidCursor(BadParameter):
    """The cursor is not one that a list has given out."""

    default_code = "invalid_cursor"
    default_detail = 'cursor must be what "next" of the page before said.'


def encode(*position: str | int) -> str:
    """Return a cursor for the row at this position."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode(cursor: str, *types: type) -> tuple[Any, ...] | None:
    """Return the position that a cursor names, None for an empty one.

    Raises:
        InvalidCursor: it does not hold values of just these types.
    """
    if not cursor:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        position = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise InvalidCursor from None
    if not isinstance(position, list) or [type(value) for value in position] != list(types):
        raise InvalidCursor
    if any(isinstance(value, int) and not 0 <= value < 2**63 for value in position):
        raise InvalidCursor
    return tuple(position)
