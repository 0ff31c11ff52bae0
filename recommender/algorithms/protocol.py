"""What every algorithm offers: settings to choose from, a fit, and scores for end users.

Legend: b end users asked about, N items of the log's catalogue, E events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog

# What is being done, in words, and how much of it, 0 to 1.
Report = Callable[[str, float], None]


class CannotFit(Exception):
    """The algorithm cannot be fitted on this log; the message says why and what to do."""


class Fitted(Protocol):
    """An algorithm after its fit: a frozen dataclass, so that it can be saved without pickle.

    Its fields are arrays (numpy, scipy.sparse or torch), plain values, tuples, lists and dicts of these,
    and frozen dataclasses of the same kind; see `saving`. One that rules out by itself what somebody chose before
    has a method `for_repeats` that returns one which does not. One that took over work of an
    earlier fit says in `shared_seconds` how long that was, so that its time is what it takes alone.
    """

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        """Score every item for some end users.

        Args:
            histories: sorted; with the catalogue and users of the log that was fitted. What it holds
                of a user is all that the algorithm may know about them.
            users: which end users, indices into `histories.user_ids`. [b]
            request_times: when each of them asks, in microseconds, where that may be known. [b]

        Returns:
            Higher is better, -inf for items outside the fitted catalogue, never NaN. [b, N]
        """
        ...


class Algorithm(Protocol):
    """A way to rank items, before its fit. Settings are frozen dataclasses of its own.

    One whose settings all share the work of one fit, so that a budget need not end their choice, says so by
    `shares_fits`, True. One whose scores depend on the order of a history, with any settings of its grid, says so
    by `reads_order`, True: an evaluation then asks it from shuffled histories as well. One that can tell something
    about items which nobody chose yet, from their content, says so by `scores_new_items`, True; all others give
    them -inf. One that cannot tell which items somebody chooses again says so by `knows_repeats`, False.
    """

    @property
    def name(self) -> str: ...

    @property
    def is_baseline(self) -> bool:
        """Say whether others are tested against it."""
        ...

    def grid(self) -> Sequence[Any]:
        """Return the settings to choose from on validation, the usual ones first; at least one."""
        ...

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: Any,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Fitted:
        """Fit on a sorted log and nothing else.

        Args:
            settings: one of `grid()`, or of the same class.
            budget_seconds: when to stop what works in steps; closed forms take what they take.

        Raises:
            CannotFit: too little data, or too much for this algorithm.
        """
        ...


def tell_measured(report: Report | None, number: int, value: float) -> None:
    """Tell how good a fit is after pass `number`, from 1, by a measure of its own that grows with it.

    Whoever listens (`report.measured`) may end the fit by raising; most do not listen.
    """
    listener = getattr(report, "measured", None)
    if listener is not None:
        listener(number, value)


def event_counts(log: InteractionLog) -> NDArray[np.int64]:
    """Count the events of each item that are not negative. [N]"""
    return np.bincount(log.items[~log.is_negative], minlength=log.num_items)


def answer_strangers(
    scores: NDArray[np.float32],
    *,
    has_history: NDArray[np.bool_],
    popularity: NDArray[np.float32],
) -> None:
    """Give those of whom nothing is known what most choose, as the API does. Changes `scores` in place.

    Args:
        scores: [b, N]
        has_history: whether an end user chose anything in the fitted catalogue. [b]
        popularity: scores of the items, -inf outside the fitted catalogue. [N]
    """
    scores[~has_history] = popularity


def popularity(log: InteractionLog) -> NDArray[np.float32]:
    """Return each item's number of events that are not negative, -inf where it has none. [N]"""
    counts = event_counts(log)
    return np.where(counts > 0, counts, -np.inf).astype(np.float32)
