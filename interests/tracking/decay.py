"""Exponential decay by events: the best classical tracker on the public data we looked at."""

from __future__ import annotations

from interests.tracking.memories import Memory
from interests.tracking.own_shares import SingleMemory

HALF_LIVES = (8, 15, 30, 60, 120)
PSEUDO_COUNTS = (8, 12, 20)


def decay() -> SingleMemory:
    """Return a new tracker; half-life and pseudo-count are chosen on other people."""
    candidates = tuple(Memory(length, count) for length in HALF_LIVES for count in PSEUDO_COUNTS)
    return SingleMemory(candidates, name="decay")
