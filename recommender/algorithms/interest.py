"""Interest as yes or no, or a rating: P(y=1|x) = σ(θᵀx) and its kin, learned from pairs of person and item.

What all of these algorithms share: the examples (`examples`), the features x (`behaviour`), and how a model of pairs
ranks a catalogue. Everybody's items are put in order by their company with the history; the model orders the first
`CANDIDATES` of those the person has not had, and the first `HAD` of all; the rest follow in the order of company.
Where the model tells two of them apart by less than a thousandth, company decides.

Legend: b end users, N items, n pairs, c candidates, F features.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms import examples, limits, matrices
from recommender.algorithms.behaviour import Known
from recommender.algorithms.examples import CHOICE, Examples, Prepared, Task
from recommender.algorithms.limits import Bound
from recommender.algorithms.moments import Moments
from recommender.algorithms.protocol import CannotFit, Report, answer_strangers
from recommender.algorithms.records import Record
from recommender.algorithms.tallies import Int

CANDIDATES, HAD = 500, 100
# Pairs whose features are held at a time: 100 MB or so.
BLOCK_PAIRS = 400_000
# No answer is surer than this: a surprise would cost any number in log-loss.
SUREST = 0.001


@dataclass(frozen=True)
class Asked:
    """Pairs that a model is asked about, and the histories behind them.

    Attributes:
        histories: sorted
        rows: the moment of each pair, an index into `moments`. [n]
        items: [n]
        features: see `behaviour`. [n, F]
    """

    histories: InteractionLog
    moments: Moments
    rows: Int
    items: Int
    features: NDArray[np.float32]


class Model(Protocol):
    """What is learned: a frozen dataclass of arrays."""

    def raw(self, asked: Asked) -> NDArray[np.float64]:
        """Return a number for each pair, higher where more likely, or the rating. [n]"""
        ...

    def answers(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what `raw` numbers mean: a probability, or the rating. [n]"""
        ...


@dataclass(frozen=True)
class Constant:
    """The answer where there is nothing to tell apart: ranking is by company alone."""

    value: float

    def raw(self, asked: Asked) -> NDArray[np.float64]:
        return np.full(len(asked.rows), self.value)

    def answers(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        return raw


@dataclass(frozen=True)
class FittedInterest:
    """A model with what its features need of the log.

    Attributes:
        bounds: between which answers lie
    """

    record: Record
    model: Model
    task: Task
    bounds: tuple[float, float]
    shared_seconds: float = 0.0

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        """Score all items. With request times, what was known of items is what was known then."""
        scores = np.empty((len(users), histories.num_items), np.float32)  # [b, N]
        step = max(1, BLOCK_PAIRS // (CANDIDATES + HAD))
        for first in range(0, len(users), step):
            own = users[first : first + step]
            times = None if request_times is None else request_times[first : first + step]
            scores[first : first + step] = self._block(histories, own, times)
        return scores

    def predict(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        items: NDArray[np.int32],
        times: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Answer for single pairs of a person and an item at a time.

        Args:
            histories: sorted, with the fitted catalogue; of each person only what is earlier than the pair's
                time counts, and nothing of others.
            users, items: of each pair, indices into the histories' `user_ids` and items. [n]
            times: microseconds. [n]

        Returns:
            The probability of a yes, or the rating. [n]
        """
        keys = np.stack([users.astype(np.int64), times])
        different, rows = np.unique(keys, axis=1, return_inverse=True)
        moments = Moments.at_times(histories, different[0].astype(np.int32), different[1])
        rows = rows.reshape(-1)
        known = Known.of(self.record, histories, moments)
        answers = np.empty(len(rows))
        for first in range(0, len(rows), BLOCK_PAIRS):
            own = slice(first, first + BLOCK_PAIRS)
            raw = self._raw(histories, known, rows[own], items[own].astype(np.int64))
            answers[own] = np.clip(self.model.answers(raw), *self.bounds)
        return answers

    def _block(
        self, histories: InteractionLog, users: NDArray[np.int32], times: Int | None
    ) -> NDArray[np.float32]:
        moments = (
            Moments.now(histories, users, self.record)
            if times is None
            else Moments.until(histories, users, times)
        )
        known = Known.of(self.record, histories, moments)
        company = self._company(known)  # [b, N]
        had = matrices.choices_of(histories, users=users)
        candidates = _candidates(company, had.toarray() > 0)  # [b, c]
        rows = np.repeat(np.arange(len(users)), candidates.shape[1])
        raw = self._raw(histories, known, rows, candidates.ravel()).reshape(candidates.shape)
        raw += 0.001 * np.take_along_axis(company, candidates, axis=1)
        scores = np.asarray(raw.min(axis=1, keepdims=True) - 2 + company, np.float32)
        np.put_along_axis(scores, candidates, raw.astype(np.float32), axis=1)
        is_fitted = np.isfinite(self.record.popularity)
        scores[:, ~is_fitted] = -np.inf
        has_history = had[:, np.flatnonzero(is_fitted)].sum(axis=1) > 0
        answer_strangers(scores, has_history=has_history, popularity=self.record.popularity)
        return scores

    def _company(self, known: Known) -> NDArray[np.float64]:
        """Return the order that needs no model, below 1, -1 where nobody chose an item. [b, N]"""
        company = known.nearness().astype(np.float64)
        popular = np.where(np.isfinite(self.record.popularity), self.record.popularity, 0)
        company += 1e-6 * popular / max(popular.max(initial=0), 1)
        company /= np.maximum(company.max(axis=1, keepdims=True), 1e-12) * (1 + 1e-6)
        company[:, np.isneginf(self.record.popularity)] = -1
        return company

    def _raw(
        self, histories: InteractionLog, known: Known, rows: Int, items: Int
    ) -> NDArray[np.float64]:
        features = known.features(rows, items)
        return self.model.raw(Asked(histories, known.moments, rows, items, features))


class InterestAlgorithm(ABC):
    """What these algorithms have in common: how they come to their examples.

    Attributes:
        task: what is learned; ranking is of choices.
        bounds: of the settings, by name
    """

    name: str
    bounds: ClassVar[Mapping[str, Bound]] = {}
    is_baseline = False
    reads_order = True
    # Examples are first choices: a model that has never seen what somebody had can only guess about it.
    knows_repeats = False

    def __init__(
        self,
        *,
        task: str = CHOICE,
        like_from: float | None = None,
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        """Make one for a task. changes: to the settings of the grid, for callers who know them."""
        self.task = Task(task, like_from)
        self._changes = dict(changes or {})

    def grid(self) -> Sequence[Any]:
        return tuple(replace(settings, **self._changes) for settings in self.usual())

    @abstractmethod
    def usual(self) -> Sequence[Any]:
        """Return the settings to choose from, where nothing is changed."""

    @abstractmethod
    def learn(
        self,
        log: InteractionLog,
        prepared: Prepared,
        *,
        settings: Any,
        seed: int,
        budget_seconds: float | None,
        report: Report | None,
    ) -> Model:
        """Return the model of examples of which some say yes and some no, or that are ratings."""

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: Any,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> FittedInterest:
        limits.insist(self.name, settings, **self.bounds)
        if not log.num_events or log.is_negative.all():
            raise CannotFit(f"There are no choices to learn from: {self.name} needs at least one.")
        if report:
            report("examples", 0.0)
        prepared, shared_seconds = examples.prepare(log, task=self.task, seed=seed)
        labels = prepared.examples.labels
        model: Model
        if len(np.unique(labels)) < 2:
            model = Constant(float(labels[0]) if len(labels) else 0.0)
        else:
            model = self.learn(
                log,
                prepared,
                settings=settings,
                seed=seed,
                budget_seconds=budget_seconds,
                report=report,
            )
        bounds = _bounds(self.task, prepared.examples)
        return FittedInterest(prepared.record, model, self.task, bounds, shared_seconds)


def _bounds(task: Task, known: Examples) -> tuple[float, float]:
    if task.is_yes_or_no or not len(known.labels):
        return SUREST, 1 - SUREST
    return float(known.labels.min()), float(known.labels.max())


def _candidates(company: NDArray[np.float64], had: NDArray[np.bool_]) -> Int:
    """Return the items that the model orders, some of them perhaps twice. [b, c]"""
    unseen = np.where(had, -2.0, company)
    return np.concatenate([_first(unseen, CANDIDATES), _first(company, HAD)], axis=1)


def _first(scores: NDArray[np.float64], count: int) -> Int:
    count = min(count, scores.shape[1])
    return np.argpartition(-scores, count - 1, axis=1)[:, :count]
