"""Durations as people type them."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> float:
    """Read a duration such as 90s, 10m or 1h.

    Raises:
        ArgumentTypeError: it is none, or not above 0.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not found or float(found[1]) == 0:
        raise ArgumentTypeError(f"{text!r} is no duration above 0; write 90s, 10m or 1h.")
    return float(found[1]) * UNITS[found[2]]
