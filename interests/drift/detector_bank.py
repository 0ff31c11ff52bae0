"""What the detector remembers of many people at once, and how one more event of each changes it.

A hypothesis is: since a begin g, most of the interest in category j went to category k. Under it only
the split between j and k differs from "nothing changes", so that each event counts by the ratio of the two
splits; everything else both sides keep learning together. The sum over hypotheses of these ratios, one
prior chance for each event as a begin, is a Shiryaev-Roberts statistic (docs/drift.md).

Legend: B people, K categories without "uncategorised", G begins, oldest first, J falling categories, E chances of a binge, N remembered events.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from interests.drift.detector_settings import DetectorSettings

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Rows = NDArray[np.intp]
RECENT_EVENTS = 48
RECENT_CATEGORIES = 3
# Ratios are held in this range so that float32 neither overflows nor slows down.
LEAST, MOST = np.float32(1e-18), np.float32(1e18)
LEAST_RATIO = np.float32(1e-3)
NEVER = 1_000_000_000


@dataclass
class Bank:
    """One row for each person.

    Attributes:
        num_events: seen, negatives included. [B]
        session: number of the running session. [B]
        num_told: seen that tell something. [B]
        since_alarm, since_begin: such events since the last alarm, the last possible begin. [B]
        counts, session_counts: events of each category until and within the running session. [B, K]
        is_plain: the probability that the running session is no binge. [B]
        plain_log: log-likelihood of the running session. [B]
        binge_logs: the same if it is a binge of each category. [B, K]
        chance_weights: how likely each chance of a binge is. [B, E]
        begins: number of events before each possible begin, -1: none. [B, G]
        begins_told: the same of those that tell something. [B, G]
        begin_weights: chance events that each stands for. [B, G]
        begin_chances: of a binge, known then. [B, G]
        before: interest shares known then. [B, G, K]
        falling: the strongest interests then. [B, G, J]
        chances: how likely each move is beforehand; sums to 1 over J and K. [B, G, J, K]
        past: likelihood ratio of the sessions since. [B, G, J, K]
        running: the same of the running session. [B, G, J, K]
        last_move: falling and rising category of the last alarm, -1: none. [B, 2]
        recent: numbers of the newest evidence events, -1: none, oldest first. [B, N]
        recent_columns, recent_shares: their largest categories. [B, N, 3]
        evidence: log(1 + R) in nats. [B]
    """

    num_events: NDArray[np.int64]
    num_told: NDArray[np.int64]
    session: NDArray[np.int64]
    since_alarm: NDArray[np.int64]
    since_begin: NDArray[np.int64]
    counts: Floats
    session_counts: Floats
    is_plain: Floats
    plain_log: Floats
    binge_logs: Floats
    chance_weights: Floats
    begins: NDArray[np.int64]
    begins_told: NDArray[np.int64]
    begin_weights: Floats
    begin_chances: Floats
    before: Singles
    falling: NDArray[np.int16]
    chances: Singles
    past: Singles
    running: Singles
    last_move: NDArray[np.int16]
    recent: NDArray[np.int32]
    recent_columns: NDArray[np.int16]
    recent_shares: Singles
    evidence: Floats

    @classmethod
    def new(cls, num_people: int, num_columns: int, settings: DetectorSettings) -> Bank:
        """Return a bank of people of whom nothing is known; K is `num_columns`."""
        people, begins = num_people, settings.num_begins
        falling = min(settings.num_falling, num_columns)
        cube = (people, begins, falling, num_columns)
        return cls(
            num_events=np.zeros(people, np.int64),
            num_told=np.zeros(people, np.int64),
            session=np.full(people, -1),
            since_alarm=np.full(people, NEVER),
            since_begin=np.zeros(people, np.int64),
            counts=np.zeros((people, num_columns)),
            session_counts=np.zeros((people, num_columns)),
            is_plain=np.ones(people),
            plain_log=np.zeros(people),
            binge_logs=np.zeros((people, num_columns)),
            chance_weights=np.tile(np.asarray(settings.binge_weights), (people, 1)),
            begins=np.full((people, begins), -1),
            begins_told=np.full((people, begins), -1),
            begin_weights=np.zeros((people, begins)),
            begin_chances=np.zeros((people, begins)),
            before=np.full((people, begins, num_columns), 1 / num_columns, np.float32),
            falling=np.zeros((people, begins, falling), np.int16),
            chances=np.zeros(cube, np.float32),
            past=np.ones(cube, np.float32),
            running=np.ones(cube, np.float32),
            last_move=np.full((people, 2), -1, np.int16),
            recent=np.full((people, RECENT_EVENTS), -1, np.int32),
            recent_columns=np.zeros((people, RECENT_EVENTS, RECENT_CATEGORIES), np.int16),
            recent_shares=np.zeros((people, RECENT_EVENTS, RECENT_CATEGORIES), np.float32),
            evidence=np.zeros(people),
        )

    def head(self, num_people: int) -> Bank:
        """Return a view of the first people; what is written there is written here."""
        return Bank(**{f.name: getattr(self, f.name)[:num_people] for f in fields(self)})

    def row(self, row: int) -> Bank:
        """Return a view of one person."""
        return Bank(**{f.name: getattr(self, f.name)[row : row + 1] for f in fields(self)})

    @property
    def num_columns(self) -> int:
        return int(self.counts.shape[1])

    def interests(self, pseudo: Floats) -> Floats:
        """Return the interest shares as known now, rows sum to 1. [B, K]"""
        counts = self.counts + self.is_plain[:, None] * self.session_counts + pseudo
        return np.asarray(counts / counts.sum(1, keepdims=True))
