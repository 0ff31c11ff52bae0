"""Contenders of the benchmark of training, their table, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import numpy as np

from interests.datasets.log import InteractionLog


@dataclass(frozen=True)
class Row:
    """One contender.

    Attributes:
        targets: events that an epoch predicts
        seconds: of an epoch, one value for each round
        peak_mb: the most memory that its process held
        note: what was timed
    """

    name: str
    targets: int
    seconds: tuple[float, ...]
    peak_mb: float
    note: str

    @property
    def rate(self) -> float:
        return self.targets / median(self.seconds)


def our_targets(log: InteractionLog) -> int:
    """Return how many events our pass predicts: all but each end user's first."""
    counts = np.bincount(log.users)
    return int(counts.sum() - (counts > 0).sum())


def peer_targets(log: InteractionLog, *, max_length: int) -> int:
    """Return how many events an epoch of RecTools predicts: the last `max_length` of each end user."""
    counts = np.bincount(log.users)
    return int(np.clip(counts - 1, 0, max_length).sum())


def table(rows: list[Row]) -> list[str]:
    """Return the lines of a table, the peer first."""
    lines = [f"{'what':<34}{'s/epoch':>9}{'events/epoch':>14}{'events/s':>11}{'peak MB':>9}  timed"]
    for row in rows:
        lines.append(
            f"{row.name:<34}{median(row.seconds):>9.1f}{row.targets:>14,}{row.rate:>11,.0f}"
            f"{row.peak_mb:>9,.0f}  {row.note}"
        )
    return lines


def verdicts(rows: list[Row], *, aim: float) -> list[str]:
    """Return a line for each of ours: its ratios to the peer of the same round."""
    peer, *ours = rows
    lines = []
    for row in ours:
        ratios = [theirs / own for theirs, own in zip(peer.seconds, row.seconds, strict=True)]
        lines.append(
            f"{row.name}: epochs {median(ratios):.1f} times as fast ({min(ratios):.1f} to "
            f"{max(ratios):.1f} in {len(ratios)} rounds; to reach: {aim:g}), "
            f"{median(ratios) * row.targets / peer.targets:.1f} times the events a second."
        )
    return lines
