"""Counts and ratings of people and items as they stood at any moment, by look-ups in sorted keys.

A group is a person or an item. A rank is a place in time: what counts at a rank is what has a lower one, so an event
never counts itself.

Legend: E events, G groups, n look-ups, K kinds of events, L levels of values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog

# Values are told apart by at most so many levels; medians and spreads are those of the levels.
MAX_LEVELS = 20
# So many kinds are counted each for itself, the commonest; each is two features of every pair.
MAX_KINDS = 20
OTHER_KINDS = "(others)"
MICROSECONDS_A_DAY = 86_400_000_000

Int = NDArray[np.int64]


@dataclass(frozen=True)
class Tally:
    """Events of groups in order of group and rank. keys: group times stride, plus rank; ascending. [E]"""

    keys: Int
    stride: int

    @classmethod
    def of(cls, groups: NDArray[np.integer], ranks: Int, *, stride: int) -> Tally:
        return cls(np.sort(groups.astype(np.int64) * stride + ranks), stride)

    def spans(self, groups: NDArray[np.integer], ranks: Int) -> tuple[Int, Int]:
        """Return where each group's events begin, and where those of a lower rank end. [n], [n]"""
        first = groups.astype(np.int64) * self.stride
        return np.searchsorted(self.keys, first), np.searchsorted(self.keys, first + ranks)

    def counts(self, groups: NDArray[np.integer], ranks: Int) -> Int:
        """Return how many events of each group have a lower rank. [n]"""
        starts, ends = self.spans(groups, ranks)
        return ends - starts


@dataclass(frozen=True)
class Scale:
    """How kinds and values of a log are read, whatever log of the same site comes later.

    Attributes:
        kind_names: K of them: all, or the `MAX_KINDS` commonest and `OTHER_KINDS`, which is any other
        levels: values that stand for all, ascending; empty where events have no values. [L]
        usual: the mean value, 0 without any
    """

    kind_names: tuple[str, ...]
    levels: NDArray[np.float32]
    usual: float

    @classmethod
    def of_log(cls, log: InteractionLog) -> Scale:
        values = log.values[np.isfinite(log.values)]
        levels = np.unique(values)
        if len(levels) > MAX_LEVELS:
            shares = np.linspace(0, 1, MAX_LEVELS)
            levels = np.unique(np.quantile(values, shares, method="lower"))
        usual = float(values.mean(dtype=np.float64)) if len(values) else 0.0
        return cls(_kind_names(log), levels.astype(np.float32), usual)

    def kinds(self, log: InteractionLog) -> Int:
        """Return the number of each event's kind, that of the others or -1 for one that is not known. [E]"""
        numbers = {name: number for number, name in enumerate(self.kind_names)}
        other = numbers.get(OTHER_KINDS, -1)
        return np.array([numbers.get(name, other) for name in log.kind_names], np.int64)[log.kinds]

    def names(self, whose: str) -> tuple[str, ...]:
        """Return what the columns of `Side.features` say."""
        counts = (f"{whose}: events of kind {kind}" for kind in self.kind_names)
        rest = ("mean value", "median", "variance", "spread", "has values", "last event", "age")
        return (*counts, *(f"{whose}: {name}" for name in rest))


def _kind_names(log: InteractionLog) -> tuple[str, ...]:
    """Return the kinds that are counted, in the log's order; of equally common ones the first."""
    names = tuple(log.kind_names)
    if len(names) <= MAX_KINDS:
        return names
    counts = np.bincount(log.kinds, minlength=len(names))
    common = np.sort(np.argsort(-counts, kind="stable")[:MAX_KINDS])
    return (*(names[number] for number in common), OTHER_KINDS)


@dataclass(frozen=True)
class Side:
    """Everything about one side, people or items, that depends on the moment.

    Attributes:
        events: all of them
        times: in the order of `events`, microseconds. [E]
        kinds: grouped by group and kind
        levels: those with a value, grouped by group and level
        rated: those with a value, grouped by group
        sums: of the values of `rated` less the usual one, and of their squares, running. [E' + 1, 2]
    """

    scale: Scale
    events: Tally
    times: Int
    kinds: Tally
    levels: Tally
    rated: Tally
    sums: NDArray[np.float64]

    @classmethod
    def of(
        cls, log: InteractionLog, *, groups: NDArray[np.integer], ranks: Int, stride: int, scale: Scale
    ) -> Side:  # fmt: skip
        """Group a log's events. groups: of each event. [E]; ranks: 0 to stride - 1. [E]"""
        order = np.lexsort((ranks, groups))
        kinds = scale.kinds(log)
        known = kinds >= 0
        rated = order[np.isfinite(log.values[order])]
        levels = np.searchsorted(scale.levels, log.values[rated], side="right") - 1
        levels = np.maximum(levels, 0)
        num_kinds, num_levels = len(scale.kind_names), max(len(scale.levels), 1)
        values = log.values[rated].astype(np.float64) - scale.usual
        sums = np.concatenate([np.zeros((1, 2)), np.cumsum(np.stack([values, values**2], 1), 0)])
        wide = groups.astype(np.int64)
        return cls(
            scale=scale,
            events=Tally.of(groups, ranks, stride=stride),
            times=log.times[order],
            kinds=Tally.of((wide * num_kinds + kinds)[known], ranks[known], stride=stride),
            levels=Tally.of(wide[rated] * num_levels + levels, ranks[rated], stride=stride),
            rated=Tally.of(groups[rated], ranks[rated], stride=stride),
            sums=sums,
        )

    def features(
        self, groups: NDArray[np.integer], ranks: Int, *, times: Int
    ) -> NDArray[np.float32]:
        """Return what was known of groups at ranks, in the columns of `Scale.names`. times: [n] -> [n, K + 7]

        Counts are log(1 + count), ages and times since the last event log(1 + days); those of who has no
        event yet are 0. Who has no value yet has the usual one.
        """
        num_kinds = len(self.scale.kind_names)
        own: Int = groups.astype(np.int64)
        counts = [self.kinds.counts(own * num_kinds + k, ranks) for k in range(num_kinds)]
        columns = [np.log1p(count) for count in counts]
        columns += [*self._values(own, ranks), *self._ages(own, ranks, times)]
        return np.stack(columns, axis=1).astype(np.float32)

    def mean_values(self, groups: NDArray[np.integer], ranks: Int) -> NDArray[np.float64]:
        """Return the mean value of each group, the usual one where there is none. [n]"""
        starts, ends = self.rated.spans(groups, ranks)
        sums = self.sums[ends, 0] - self.sums[starts, 0]
        return np.asarray(self.scale.usual + sums / np.maximum(ends - starts, 1))

    def _values(self, groups: Int, ranks: Int) -> list[NDArray[np.float64]]:
        starts, ends = self.rated.spans(groups, ranks)
        counts = ends - starts
        own = np.maximum(counts, 1)
        means, squares = ((self.sums[ends] - self.sums[starts]) / own[:, None]).T
        variances = np.maximum(squares - means**2, 0)
        medians, spreads = self._levels(groups, ranks, counts)
        usual = np.float64(self.scale.usual)
        return [means + usual, medians, variances, spreads, (counts > 0).astype(np.float64)]

    def _levels(
        self, groups: Int, ranks: Int, counts: Int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the median and the highest less the lowest of each group's levels. [n], [n]"""
        levels = self.scale.levels.astype(np.float64)
        if not len(levels):
            return np.full(len(groups), self.scale.usual), np.zeros(len(groups))
        each = [self.levels.counts(groups * len(levels) + k, ranks) for k in range(len(levels))]
        running = np.cumsum(np.stack(each, axis=1), axis=1)  # [n, L]
        upper = levels[(running * 2 > counts[:, None]).argmax(axis=1)]
        lower = levels[(running * 2 >= counts[:, None]).argmax(axis=1)]
        lowest = levels[(running > 0).argmax(axis=1)]
        highest = levels[(running >= counts[:, None]).argmax(axis=1)]
        is_known = counts > 0
        medians = np.where(is_known, (upper + lower) / 2, self.scale.usual)
        return medians, np.where(is_known, highest - lowest, 0.0)

    def _ages(self, groups: Int, ranks: Int, times: Int) -> list[NDArray[np.float64]]:
        """Return log days since each group's last and first event, 0 where it has none."""
        starts, ends = self.events.spans(groups, ranks)
        is_known = ends > starts
        padded = np.append(self.times, 0)
        last, first = (
            padded[np.where(is_known, ends - 1, -1)],
            padded[np.where(is_known, starts, -1)],
        )
        return [
            np.where(is_known, log_days(times - last), 0.0),
            np.where(is_known, log_days(times - first), 0.0),
        ]


def log_days(microseconds: Int) -> NDArray[np.float64]:
    """Return log(1 + days), 0 for times before."""
    return np.log1p(np.maximum(microseconds, 0) / MICROSECONDS_A_DAY)
