"""Cut a log into what algorithms are fitted on and the questions they are asked.

Legend: E events, b end users asked about, T targets, N items.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog

LEAVE_ONE_OUT = "leave-one-out"
TIME = "time"
NAMES = (LEAVE_ONE_OUT, TIME)
# One event to learn from, one to choose on, one to test on.
MIN_EVENTS = 3
# Test: the last tenth of events. Validation: the tenth before it, so that choices see the same span.
TEST_QUANTILE = 0.9
VALIDATION_QUANTILE = 0.8
# After so many events of somebody new he is asked about again.
SESSION_LENGTHS = (1, 3, 5)


class CannotSplit(Exception):
    """The log has nobody to ask about; the message says why and what to do."""


@dataclass(frozen=True)
class Questions:
    """End users, what may be known of them, and the items they went on to choose.

    Attributes:
        histories: sorted; everything before the question and nothing after it
        users: ascending, unique, indices into `histories.user_ids`, int32. [b]
        offsets: where each user's targets begin in `items`, and one past the last. [b + 1]
        items: targets, each once per user, int32. [T]
        times: when each user asks: the time of the first target, microseconds, int64. [b]
    """

    histories: InteractionLog
    users: NDArray[np.int32]
    offsets: NDArray[np.int64]
    items: NDArray[np.int32]
    times: NDArray[np.int64]

    @property
    def num_users(self) -> int:
        return len(self.users)

    @property
    def rows(self) -> NDArray[np.int64]:
        """Say for each target whose it is, an index into `users`. [T]"""
        return np.repeat(np.arange(self.num_users), np.diff(self.offsets))

    def keep_targets(self, kept: NDArray[np.bool_]) -> Questions:
        """Return the same questions with only some targets; users left with none go. kept: [T]"""
        counts = np.bincount(self.rows[kept], minlength=self.num_users)
        asked = counts > 0
        return Questions(
            histories=self.histories,
            users=self.users[asked],
            offsets=np.concatenate([[0], np.cumsum(counts[asked])]).astype(np.int64),
            items=self.items[kept],
            times=self.times[asked],
        )

    def keep_users(self, kept: NDArray[np.bool_]) -> Questions:
        """Return the questions about some users only. kept: [b]"""
        return self.keep_targets(kept[self.rows])


@dataclass(frozen=True)
class Split:
    """One way to hold events back.

    Attributes:
        name: one of `NAMES`
        validation_fit: what algorithms are fitted on to answer `validation`
        validation: questions on which settings and the baseline are chosen
        fit: what algorithms are fitted on to answer `test`
        test: the questions that count, asked once
        new_users: questions about users without any event before the cut, `time` only
        left_out: what was not asked, in words, and how many
        has_repeats: whether items seen before may be targets, and are then not masked
        sessions: questions about the same new users after their first events, by how many are known, `time`
            only; fits use none of them
    """

    name: str
    validation_fit: InteractionLog
    validation: Questions
    fit: InteractionLog
    test: Questions
    new_users: Questions | None
    left_out: dict[str, int]
    has_repeats: bool
    sessions: dict[int, Questions] = field(default_factory=dict)


def split(log: InteractionLog, *, name: str, has_repeats: bool = False) -> Split:
    """Split a sorted log as `name` says; negative events are evidence, never targets.

    Raises:
        CannotSplit: nobody is left to ask about, or there is no split of this name.
    """
    if name == LEAVE_ONE_OUT:
        return leave_one_out(log, has_repeats=has_repeats)
    if name == TIME:
        return by_time(log, has_repeats=has_repeats)
    raise CannotSplit(f"There is no split {name!r}. Choose from: {', '.join(NAMES)}.")


def leave_one_out(log: InteractionLog, *, has_repeats: bool = False) -> Split:
    """Hold back each user's last event for the test, and the one before it for validation.

    Fits use neither; the histories of the test hold the validation event. Users with fewer than three
    events that are not negative are not asked about; their events are learned from.

    Raises:
        CannotSplit: no user has three events, or all last events repeat an item.
    """
    positive = np.flatnonzero(~log.is_negative)
    ends = np.cumsum(np.bincount(log.users[positive], minlength=log.num_users))
    counts = np.diff(ends, prepend=0)
    users = np.flatnonzero(counts >= MIN_EVENTS).astype(np.int32)
    if not len(users):
        raise CannotSplit(
            f"No end user has {MIN_EVENTS} events (negative ones aside), so none can be held back. "
            "Bring more events, or use the time split."
        )
    test_events = positive[ends[users] - 1]
    validation_events = positive[ends[users] - 2]
    fit = log.take(_before(log, users=users, events=validation_events))
    histories = log.take(_before(log, users=users, events=test_events))
    validation, _ = _single(log, fit, validation_events, has_repeats=has_repeats)
    test, repeats = _single(log, histories, test_events, has_repeats=has_repeats)
    left_out = {
        f"end users with fewer than {MIN_EVENTS} events": int((counts < MIN_EVENTS).sum()),
        "targets seen before": repeats,
    }
    _insist_on_targets(test, left_out)
    return Split(LEAVE_ONE_OUT, fit, validation, fit, test, None, left_out, has_repeats)


def by_time(log: InteractionLog, *, has_repeats: bool = False) -> Split:
    """Cut everybody's events at the 0.9 quantile of times; what lies after it is the test.

    Validation is the tenth of events before the cut, answered from what lies before that. Targets are
    all items after a cut that their user had not seen before it, of users known before it.

    Raises:
        CannotSplit: too few different times, or nobody known before the cut went on after it.
    """
    times = np.sort(log.times)
    if not len(times) or times[0] == times[-1]:
        raise CannotSplit("The time split needs events at different times. Use leave-one-out.")
    cut, validation_cut = (
        int(times[int(len(times) * share)]) for share in (TEST_QUANTILE, VALIDATION_QUANTILE)
    )
    return cut_at(log, cut=cut, validation_cut=validation_cut, has_repeats=has_repeats)


def cut_at(
    log: InteractionLog, *, cut: int, validation_cut: int, has_repeats: bool = False
) -> Split:
    """Cut everybody's events at a time of the caller's choice, as `by_time` does at its own.

    Args:
        cut: the first microsecond of the test
        validation_cut: the first microsecond of validation, which ends at `cut`

    Raises:
        CannotSplit: nobody known before the cut went on after it.
    """
    fit = log.take(log.times < cut)
    validation_fit = log.take(log.times < validation_cut)
    between = log.take((log.times >= validation_cut) & (log.times < cut))
    after = log.take(log.times >= cut)
    validation, _, _ = _unseen(validation_fit, between, has_repeats=has_repeats)
    test, new_users, repeats = _unseen(fit, after, has_repeats=has_repeats)
    left_out = {
        "end users without events after the cut": len(np.setdiff1d(fit.users, after.users)),
        "end users new after the cut (a slice of their own)": new_users.num_users,
        "targets seen before": repeats,
    }
    _insist_on_targets(test, left_out)
    sessions = _sessions(log, is_late=log.times >= cut, has_repeats=has_repeats)
    return Split(
        TIME, validation_fit, validation, fit, test, new_users, left_out, has_repeats, sessions
    )


def _before(
    log: InteractionLog, *, users: NDArray[np.int32], events: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Mark what comes before each user's event, and all events of users who are not listed. [E]"""
    limits = np.full(log.num_users, log.num_events)
    limits[users] = events
    return np.arange(log.num_events) < limits[log.users]


def _single(
    log: InteractionLog, histories: InteractionLog, events: NDArray[np.intp], *, has_repeats: bool
) -> tuple[Questions, int]:
    """Ask for one event of each user; return the questions and how many repeats were dropped."""
    questions = Questions(
        histories=histories,
        users=log.users[events],
        offsets=np.arange(len(events) + 1),
        items=log.items[events],
        times=log.times[events],
    )
    return _without_repeats(questions, has_repeats=has_repeats)


def _sessions(
    log: InteractionLog, *, is_late: NDArray[np.bool_], has_repeats: bool
) -> dict[int, Questions]:
    """Ask about users without an early event once their first events are known. is_late: [E]"""
    is_new = ~np.isin(log.users, log.users[~is_late])
    place = np.arange(log.num_events) - log.offsets[log.users]
    found = {}
    for length in SESSION_LENGTHS:
        histories = log.take(~is_late | (is_new & (place < length)))
        later = log.take(is_new & (place >= length))
        questions, _, _ = _unseen(histories, later, has_repeats=has_repeats)
        if questions.num_users:
            found[length] = questions
    return found


def _unseen(
    histories: InteractionLog, later: InteractionLog, *, has_repeats: bool
) -> tuple[Questions, Questions, int]:
    """Ask for all later items of each user; return known users, new users, and dropped repeats."""
    later = later.take(~later.is_negative)
    users, starts = np.unique(later.users, return_index=True)
    keys = np.unique(later.users.astype(np.int64) * later.num_items + later.items)
    owners = keys // max(later.num_items, 1)
    everybody = Questions(
        histories=histories,
        users=users,
        offsets=np.searchsorted(owners, [*users, later.num_users]),
        items=(keys % max(later.num_items, 1)).astype(np.int32),
        times=later.times[starts],
    )
    is_known = np.isin(users, histories.users)
    known, repeats = _without_repeats(everybody.keep_users(is_known), has_repeats=has_repeats)
    return known, everybody.keep_users(~is_known), repeats


def _without_repeats(questions: Questions, *, has_repeats: bool) -> tuple[Questions, int]:
    if has_repeats:
        return questions, 0
    log = questions.histories
    seen = log.users.astype(np.int64) * log.num_items + log.items
    asked = questions.users[questions.rows].astype(np.int64) * log.num_items + questions.items
    is_new = ~np.isin(asked, seen)
    return questions.keep_targets(is_new), int((~is_new).sum())


def _insist_on_targets(test: Questions, left_out: dict[str, int]) -> None:
    if not test.num_users:
        counts = "; ".join(f"{name}: {count:,}" for name, count in left_out.items())
        raise CannotSplit(
            f"Nothing is left to ask for ({counts}). Where people choose the same items again, "
            "keep repeats (--repeats); else bring more events."
        )
