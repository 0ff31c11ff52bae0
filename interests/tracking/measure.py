"""How well a tracker foresees the next event: cross-entropy in nats, fitted on other people only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from interests.tracking.histories import History
from interests.tracking.protocol import Track, Tracker

# Nobody's first events can be foreseen: each end user's first five are left out.
FIRST_EVENTS = 5
FOLDS = 5


@dataclass(frozen=True)
class TrackingQuality:
    """What one tracker reached.

    Attributes:
        cross_entropy: mean over events, nats
        cross_entropy_over_users: mean over end users of their own means, nats
        events: how many events were foreseen
        users: how many end users had such events
        fit_seconds: time spent in `fit`, all folds
        track_seconds: time spent in tracking, all folds
    """

    tracker: str
    cross_entropy: float
    cross_entropy_over_users: float
    events: int
    users: int
    fit_seconds: float
    track_seconds: float


class TooLittleToMeasure(Exception):
    """There are no events after anybody's first five, or fewer end users than folds."""


def measure(
    make: Callable[[], Tracker],
    histories: Sequence[History],
    *,
    seed: int = 0,
    on_fold: Callable[[int], None] = lambda fold: None,
) -> TrackingQuality:
    """Return the quality of a tracker; each fold of end users is tracked by one fitted on the others.

    Args:
        make: makes a tracker that is not fitted.
        histories: of all end users.
        seed: which end users fall into which fold.
        on_fold: called with the number of folds done.

    Raises:
        TooLittleToMeasure: nothing would be left to foresee.
    """
    if len(histories) < FOLDS or max(map(len, histories)) <= FIRST_EVENTS:
        raise TooLittleToMeasure(
            f"At least {FOLDS} end users and one with more than {FIRST_EVENTS} events are needed."
        )
    folds = np.random.default_rng(seed).permutation(len(histories)) % FOLDS
    losses: list[np.ndarray] = []
    fit_seconds = track_seconds = 0.0
    for fold in range(FOLDS):
        tracker, started = make(), time.perf_counter()
        tracker.fit([h for h, own in zip(histories, folds, strict=True) if own != fold])
        fitted = time.perf_counter()
        tested = [h for h, own in zip(histories, folds, strict=True) if own == fold]
        losses += _losses(tracker.track_all(tested), tested)
        fit_seconds += fitted - started
        track_seconds += time.perf_counter() - fitted
        on_fold(fold + 1)
    every = np.concatenate(losses)
    if not len(every):
        raise TooLittleToMeasure(
            f"No end user has an event that is not negative after the first {FIRST_EVENTS}."
        )
    return TrackingQuality(
        tracker=tracker.name,
        cross_entropy=float(every.mean()),
        cross_entropy_over_users=float(np.mean([own.mean() for own in losses if len(own)])),
        events=len(every),
        users=sum(len(own) > 0 for own in losses),
        fit_seconds=round(fit_seconds, 3),
        track_seconds=round(track_seconds, 3),
    )


def _losses(tracks: Iterable[tuple[int, Track]], histories: Sequence[History]) -> list[np.ndarray]:
    return [cross_entropies(track, histories[index]) for index, track in tracks]


def cross_entropies(track: Track, history: History) -> np.ndarray:
    """Return -sum of x_c log w_c for each event after the first five that is not negative, nats."""
    is_target = ~history.is_negative
    is_target[:FIRST_EVENTS] = False
    foreseen = track.weights[:-1][is_target]
    losses: np.ndarray = -(history.shares[is_target] * np.log(foreseen)).sum(1)
    return losses
