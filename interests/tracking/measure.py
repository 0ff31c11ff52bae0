"""How well a tracker foresees the next event: cross-entropy in nats, fitted on other people only."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.tracking.histories import History
from interests.tracking.protocol import Track, Tracker

# What is said of a category is compared with what came in so many groups of events, of equal size.
GROUPS = 20
# Nobody's first events can be foreseen: each end user's first five are left out.
FIRST_EVENTS = 5
FOLDS = 5


@dataclass(frozen=True)
class TrackingQuality:
    """What one tracker reached.

    Attributes:
        cross_entropy: mean over events, nats
        cross_entropy_over_users: mean over end users of their own means, nats
        reliability: mean over events of the squared distance between what was said of a category and how
            often it then came, summed over categories; 0: what is said comes as often as it is said
        resolution: the same distance between how often it came and how often it comes at all; the larger,
            the better categories that come are told from those that do not
        reliability_of_categories, resolution_of_categories: the parts of each category. C numbers each
        events: how many events were foreseen
        users: how many end users had such events
        fit_seconds: time spent in `fit`, all folds
        track_seconds: time spent in tracking, all folds
    """

    tracker: str
    cross_entropy: float
    cross_entropy_over_users: float
    reliability: float
    resolution: float
    reliability_of_categories: tuple[float, ...]
    resolution_of_categories: tuple[float, ...]
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
    said: list[np.ndarray] = []
    came: list[np.ndarray] = []
    fit_seconds = track_seconds = 0.0
    for fold in range(FOLDS):
        tracker, started = make(), time.perf_counter()
        tracker.fit([h for h, own in zip(histories, folds, strict=True) if own != fold])
        fitted = time.perf_counter()
        tested = [h for h, own in zip(histories, folds, strict=True) if own == fold]
        for index, track in tracker.track_all(tested):
            losses.append(cross_entropies(track, tested[index]))
            is_target = targets(tested[index])
            said.append(track.weights[:-1][is_target])
            came.append(tested[index].shares[is_target])
        fit_seconds += fitted - started
        track_seconds += time.perf_counter() - fitted
        on_fold(fold + 1)
    every = np.concatenate(losses)
    if not len(every):
        raise TooLittleToMeasure(
            f"No end user has an event that is not negative after the first {FIRST_EVENTS}."
        )
    reliability, resolution = murphy(np.concatenate(said), np.concatenate(came))
    return TrackingQuality(
        tracker=tracker.name,
        cross_entropy=float(every.mean()),
        cross_entropy_over_users=float(np.mean([own.mean() for own in losses if len(own)])),
        reliability=float(reliability.sum()),
        resolution=float(resolution.sum()),
        reliability_of_categories=tuple(reliability.tolist()),
        resolution_of_categories=tuple(resolution.tolist()),
        events=len(every),
        users=sum(len(own) > 0 for own in losses),
        fit_seconds=round(fit_seconds, 3),
        track_seconds=round(track_seconds, 3),
    )


def targets(history: History) -> NDArray[np.bool_]:
    """Mark the events that are foreseen: after the first five, not negative. [L]"""
    is_target = ~history.is_negative
    is_target[:FIRST_EVENTS] = False
    return is_target


def cross_entropies(track: Track, history: History) -> NDArray[np.float64]:
    """Return -sum of x_c log w_c for each event after the first five that is not negative, nats."""
    is_target = targets(history)
    foreseen = track.weights[:-1][is_target]
    losses: NDArray[np.float64] = -(history.shares[is_target] * np.log(foreseen)).sum(1)
    return losses


def murphy(
    said: NDArray[np.float64], came: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return reliability and resolution of each category, the two parts of its Brier score. [C] each

    The Brier score is reliability - resolution + uncertainty, up to the spread inside of groups (Murphy,
    "A new vector partition of the probability score", 1973). For each category the events are put into
    20 groups of equal size by what was said.

    Args:
        said: weights before each event. [E, C]
        came: the event's shares. [E, C]
    """
    num_events, num_categories = said.shape
    reliability, resolution = np.zeros(num_categories), np.zeros(num_categories)
    for category in range(num_categories):
        order = np.argsort(said[:, category], kind="stable")
        often = came[:, category].mean()
        for group in np.array_split(order, min(GROUPS, num_events)):
            share, mean = len(group) / num_events, came[group, category].mean()
            reliability[category] += share * (said[group, category].mean() - mean) ** 2
            resolution[category] += share * (mean - often) ** 2
    return reliability, resolution
