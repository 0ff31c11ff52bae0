"""What is learned from: pairs of a person and an item at a moment, and what came of them.

Three tasks share this. `choice`: did the person choose the item (1) or not (0)? `like`: was an event's value at least
the person's mean, or a threshold? `rating`: the value itself.

The rule for `choice`. A positive is a person's first event on an item, if it is not negative and if somebody else
had chosen the item before: repeats and items that are new would be told apart from negatives by their counts
alone. For each, `NUM_NEGATIVES` items are drawn as they were known at that moment: a quarter evenly among the items
that somebody had chosen before it, a quarter among the earlier choices of everybody, so that popular ones come as
often as they are chosen, and half by a walk from one of the person's last `NUM_LATE` events to somebody who had
chosen its item, and on to one of his earlier choices: what is near, which is what a ranking has to tell apart. What
the person had an event on before, and the positive itself, is drawn again, at most `NUM_DRAWS` times in all, then
left out. What the person chose later may be drawn: the rule does not look ahead. Events of negative kinds are
negatives at their own moments. The first half of the log's events (`PAST_SHARE`) is only past: what was known of
items then is too little like what is known now. For each person the last `NUM_MOMENTS` events serve, of all at most
`MAX_MOMENTS` moments, drawn from the seed.

Legend: m moments, n pairs, N items.
"""

from __future__ import annotations

import time
import weakref
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms.behaviour import Known
from recommender.algorithms.moments import Moments
from recommender.algorithms.records import Record
from recommender.algorithms.tallies import Int, Tally

CHOICE, LIKE, RATING = TASKS = ("choice", "like", "rating")
NUM_NEGATIVES = 4
NUM_DRAWS = 4
NUM_MOMENTS = 30
NUM_LATE = 5
PAST_SHARE = 0.5
MAX_MOMENTS = 20_000


class UnknownTask(ValueError):
    """There is no such task; the message lists those that there are."""


@dataclass(frozen=True)
class Task:
    """What is to be told of a pair.

    Attributes:
        name: one of `TASKS`
        like_from: for `like`, the lowest value that says so; None: each person's own mean of all values
    """

    name: str = CHOICE
    like_from: float | None = None

    def __post_init__(self) -> None:
        if self.name not in TASKS:
            raise UnknownTask(f"There is no task {self.name!r}. Choose from: {', '.join(TASKS)}.")

    @property
    def is_yes_or_no(self) -> bool:
        return self.name != RATING


@dataclass(frozen=True)
class Examples:
    """Pairs with what came of them.

    Attributes:
        rows: the moment of each pair, an index into `moments`. [n]
        items: [n]
        labels: 1 or 0, for `rating` the value. [n]
        features: see `behaviour`; [n, 0] before they are worked out. [n, F]
    """

    moments: Moments
    rows: Int
    items: Int
    labels: NDArray[np.float64]
    features: NDArray[np.float32]

    @property
    def users(self) -> NDArray[np.int32]:
        """Say whose each pair is. [n]"""
        return self.moments.users[self.rows]

    @property
    def times(self) -> Int:
        """Say when each pair was asked about, microseconds. [n]"""
        return self.moments.times[self.rows]


@dataclass(frozen=True)
class Prepared:
    """A log's record and examples, with their features, and how long they took."""

    record: Record
    examples: Examples
    seconds: float


@dataclass(frozen=True)
class _Last:
    log: weakref.ref[InteractionLog]
    task: Task
    seed: int
    prepared: Prepared


# All classifiers of a table learn from the same examples of the same log: the last ones are kept.
_last: list[_Last] = []


def prepare(log: InteractionLog, *, task: Task, seed: int) -> tuple[Prepared, float]:
    """Return a sorted log's examples with features, and seconds that somebody else had spent on them."""
    for last in _last:
        if last.log() is log and (last.task, last.seed) == (task, seed):
            return last.prepared, last.prepared.seconds
    began = time.perf_counter()
    record = Record.of_log(log)
    examples = sample(log, record, task=task, seed=seed)
    known = Known.of(record, log, examples.moments)
    features = known.features(examples.rows, examples.items)
    examples = replace(examples, features=features)
    prepared = Prepared(record, examples, time.perf_counter() - began)
    _last[:] = [_Last(weakref.ref(log), task, seed, prepared)]
    return prepared, 0.0


def sample(log: InteractionLog, record: Record, *, task: Task, seed: int) -> Examples:
    """Draw the examples of a log by the rule of this module, without features.

    Args:
        log: sorted; whose people are asked about
        record: of what items were known by; of the same log, or of one without these people.
    """
    random = np.random.default_rng(seed)
    if task.name == CHOICE:
        return _choices(log, record, random)
    labels = said(log, task=task)
    events = _some(_last_of_each(log, np.isfinite(labels)), random)
    return _examples(log, events, np.arange(len(events)), log.items[events], labels[events])


def said(log: InteractionLog, *, task: Task) -> NDArray[np.float64]:
    """Return what each event says in the tasks `like` and `rating`, NaN where it has no value. [E]"""
    values = log.values.astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    if task.name == RATING:
        return values
    bounds = _means(log)[log.users] if task.like_from is None else task.like_from
    # A mean of equal values may differ from them in its last bits.
    return np.where(np.isfinite(values), values >= bounds - 1e-6, np.nan)


def _choices(log: InteractionLog, record: Record, random: np.random.Generator) -> Examples:
    keys = log.users.astype(np.int64) * log.num_items + log.items
    different, first = np.unique(keys, return_index=True)
    is_first = np.zeros(log.num_events, bool)
    is_first[first] = True
    ranks = record.rank_at(log.times)
    first_ranks = np.full(log.num_items, np.iinfo(np.int64).max)
    first_ranks[record.firsts[1]] = record.firsts[0]
    is_known = first_ranks[log.items] < ranks
    is_known &= ranks >= PAST_SHARE * len(record.times)
    chosen = _some(_last_of_each(log, is_first & is_known & ~log.is_negative), random)
    refused = _some(_last_of_each(log, is_known & log.is_negative), random)
    rows = np.repeat(np.arange(len(chosen)), NUM_NEGATIVES)

    def had(items: Int, events: Int) -> NDArray[np.bool_]:
        """Tell which items a person had an event on by an event of his, it included."""
        wanted = log.users[events].astype(np.int64) * log.num_items + items
        place = np.minimum(np.searchsorted(different, wanted), len(different) - 1)
        return np.asarray((different[place] == wanted) & (first[place] <= events))

    drawing = _Drawing(log, record, random)
    drawn, is_missing = np.zeros(len(rows), np.int64), np.ones(len(rows), bool)
    for _ in range(NUM_DRAWS):
        places = np.flatnonzero(is_missing)
        if not len(places):
            break
        events = chosen[rows[places]]
        drawn[places] = drawing.draw(events, ranks[events], places)
        is_missing[places] = had(drawn[places], events)
    rows, drawn = rows[~is_missing], drawn[~is_missing]
    return _examples(
        log,
        np.concatenate([chosen, refused]),
        np.concatenate([np.arange(len(chosen) + len(refused)), rows]),
        np.concatenate([log.items[chosen], log.items[refused], drawn]),
        np.repeat([1.0, 0.0], [len(chosen), len(refused) + len(drawn)]),
    )


class _Drawing:
    """Items as they were known at moments, to draw from."""

    def __init__(self, log: InteractionLog, record: Record, random: np.random.Generator) -> None:
        self._log, self._record, self._random = log, record, random
        stride = len(record.times) + 1
        self._by_item = Tally.of(record.chosen, record.ranks, stride=stride)
        self._by_person = Tally.of(record.people, record.ranks, stride=stride)
        self._people = record.people[np.lexsort((record.ranks, record.chosen))]
        self._chosen = record.chosen[np.lexsort((record.ranks, record.people))]

    def draw(self, events: Int, ranks: Int, places: Int) -> Int:
        """Draw an item for each event by the first, second or third way, as its place says. [n]"""
        found = np.where(places % 4 == 0, self._evenly(ranks), self._popular(ranks))
        near = places % 4 >= 2
        found[near] = self._near(events[near], ranks[near], found[near])
        return found

    def _evenly(self, ranks: Int) -> Int:
        known = np.searchsorted(self._record.firsts[0], ranks)
        return np.asarray(self._record.firsts[1][self._below(known)])

    def _popular(self, ranks: Int) -> Int:
        choices = np.searchsorted(self._record.ranks, ranks)
        return self._record.chosen[self._below(choices)].astype(np.int64)

    def _near(self, events: Int, ranks: Int, others: Int) -> Int:
        """Walk from a late event of the person to another who chose its item, to a choice of his."""
        starts = np.maximum(self._log.offsets[self._log.users[events]], events - NUM_LATE)
        come_from = self._log.items[
            np.where(starts < events, starts + self._below(events - starts), 0)
        ]
        first, last = self._by_item.spans(come_from, ranks)
        met = self._people[np.where(last > first, first + self._below(last - first), 0)]
        first_choice, last_choice = self._by_person.spans(met, ranks)
        found = self._chosen[
            np.where(
                last_choice > first_choice,
                first_choice + self._below(last_choice - first_choice),
                0,
            )
        ]
        is_walked = (starts < events) & (last > first) & (last_choice > first_choice)
        return np.where(is_walked, found, others)

    def _below(self, counts: Int) -> Int:
        """Draw a number from 0 to each count, exclusive; 0 where that is 0."""
        return (self._random.random(len(counts)) * counts).astype(np.int64)


def _last_of_each(log: InteractionLog, wanted: NDArray[np.bool_]) -> Int:
    """Return the places of the last `NUM_MOMENTS` wanted events of each person, ascending."""
    events = np.flatnonzero(wanted)
    ends = np.cumsum(np.bincount(log.users[events], minlength=log.num_users))
    left = ends[log.users[events]] - np.arange(len(events))
    return events[left <= NUM_MOMENTS]


def _some(events: Int, random: np.random.Generator) -> Int:
    """Draw at most `MAX_MOMENTS` events."""
    if len(events) <= MAX_MOMENTS:
        return events
    return np.sort(random.choice(events, MAX_MOMENTS, replace=False))


def _means(log: InteractionLog) -> NDArray[np.float64]:
    """Return the mean of each person's values, 0 without any. [U]"""
    is_known = np.isfinite(log.values)
    users, values = log.users[is_known], log.values[is_known].astype(np.float64)
    sums = np.bincount(users, values, minlength=log.num_users)
    counts = np.bincount(users, minlength=log.num_users)
    return np.asarray(sums / np.maximum(counts, 1))


def _examples(
    log: InteractionLog, events: Int, rows: Int, items: NDArray[np.integer], labels: NDArray[np.float64]
) -> Examples:  # fmt: skip
    nothing = np.zeros((len(rows), 0), np.float32)
    return Examples(Moments.at_events(log, events), rows, items.astype(np.int64), labels, nothing)
