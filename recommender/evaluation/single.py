"""Prediction of single interactions: was it chosen, is it liked, what is the rating? By k-fold over people.

People are dealt into folds. What answers for a fold was fitted on the events of all others, and asked about the fold's
people from their own events before each moment. What is asked: the examples of `recommender.algorithms.examples`,
drawn from the fold's people by the same rule as for learning. An algorithm has its usual settings, the first of
its grid (those of `rating_answers.SETTINGS` changed): no fold chooses any.

Legend: E events, U end users, n questions.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender import algorithms
from recommender.algorithms import examples
from recommender.algorithms.examples import CHOICE, RATING, Examples, Task
from recommender.algorithms.moments import Moments
from recommender.algorithms.protocol import Report
from recommender.algorithms.records import Record
from recommender.evaluation import rating_answers, single_metrics
from recommender.evaluation.single_metrics import Measured

MAX_FOLDS = 50
# A mean of few labels is pulled to that of all, as if so many of these stood beside it.
PULL = 5.0


class CannotPredict(Exception):
    """The questions cannot be asked, or not of these algorithms; the message says what would be right."""


class Predicts(Protocol):
    """A fitted algorithm that answers for single pairs."""

    def predict(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        items: NDArray[np.int32],
        times: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Return the probability of a yes, or the rating, of each pair at its time. [n]

        Args:
            histories: sorted; of a person only what is earlier than the time counts.
        """
        ...


@dataclass(frozen=True)
class SingleResult:
    """How well one algorithm, or a mean, tells single interactions.

    Attributes:
        measured: over the questions of all folds
        folds: the same of each fold alone, without intervals
        num_questions, num_people: how many were asked
        share_of_yes: of the questions; None for ratings
        fit_seconds, answer_seconds: of all folds
    """

    algorithm: str
    task: Task
    measured: Measured
    folds: tuple[dict[str, float], ...]
    num_questions: int
    num_people: int
    share_of_yes: float | None
    settings: dict[str, Any]
    fit_seconds: float
    answer_seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return the form of `manage.py predict_interactions --json`."""
        return {
            "algorithm": self.algorithm,
            "task": self.task.name,
            "like_from": self.task.like_from,
            "metrics": self.measured.values,
            "intervals": {key: list(ends) for key, ends in self.measured.intervals.items()},
            "folds": list(self.folds),
            "num_questions": self.num_questions,
            "num_people": self.num_people,
            "share_of_yes": self.share_of_yes,
            "settings": self.settings,
            "fit_seconds": self.fit_seconds,
            "answer_seconds": self.answer_seconds,
        }


@dataclass(frozen=True)
class Fold:
    """Some people's questions, and what may be learned from.

    Attributes:
        fit: events of all other people
        histories: events of the fold's people
        questions: without features
    """

    fit: InteractionLog
    histories: InteractionLog
    questions: Examples


@dataclass(frozen=True)
class _Answered:
    answers: list[NDArray[np.float64]]
    settings: dict[str, Any]
    fit_seconds: float = 0.0
    answer_seconds: float = 0.0


def names_for(wanted: Sequence[str], *, task: Task) -> tuple[str, ...]:
    """Return the algorithms asked for, "all" being all that can answer in this task.

    Raises:
        UnknownAlgorithm: there is none of this name.
        CannotPredict: one of them does not answer for single interactions in this task, or none was given.
    """
    able = [
        name
        for name, entry in algorithms.REGISTRY.items()
        if entry.family == algorithms.INTEREST
        or (task.name == RATING and name in rating_answers.SETTINGS)
    ]
    asked = [name.strip() for name in wanted if name.strip()]
    named = [name for name in asked if name not in {"all", algorithms.INTEREST}]
    for name in named:
        algorithms.make(name)
    unable = [name for name in named if name not in able]
    if unable or not asked:
        said = f"{', '.join(unable)} cannot." if unable else "None given."
        raise CannotPredict(
            f"{said} In the task {task.name} these answer: all, or any of {', '.join(able)}."
        )
    return tuple(name for name in able if name in named or len(named) < len(asked))


def folds_of(log: InteractionLog, *, num_folds: int, task: Task, seed: int) -> list[Fold]:
    """Deal people with events into folds of equal size, by a seed, and draw their questions.

    Raises:
        CannotPredict: fewer people than folds, no values where the task needs them, or nothing to ask.
    """
    people = np.unique(log.users)
    if not 2 <= num_folds <= MAX_FOLDS:
        raise CannotPredict(f"Folds must be from 2 to {MAX_FOLDS}, not {num_folds}.")
    if len(people) < num_folds:
        raise CannotPredict(
            f"{len(people):,} people cannot be dealt into {num_folds} folds. Ask for fewer folds."
        )
    if task.name != CHOICE and not np.isfinite(log.values).any():
        raise CannotPredict(
            f"No event has a value, which the task {task.name} needs. Use --task {CHOICE}."
        )
    order = np.random.default_rng(seed).permutation(people)
    fold_of = np.zeros(log.num_users, np.int64)
    fold_of[order] = np.arange(len(order)) % num_folds
    folds = []
    for number in range(num_folds):
        is_own = (fold_of == number)[log.users]
        fit, histories = log.take(~is_own), log.take(is_own)
        questions = examples.sample(histories, Record.of_log(fit), task=task, seed=seed + number)
        folds.append(Fold(fit, histories, questions))
    if not all(len(fold.questions.labels) for fold in folds):
        raise CannotPredict(
            "There is a fold with nothing to ask about: too few events. Ask for fewer folds."
        )
    return folds


def run(
    log: InteractionLog,
    *,
    names: Sequence[str],
    task: Task,
    num_folds: int = 5,
    seed: int = 0,
    report: Report | None = None,
) -> list[SingleResult]:
    """Ask algorithms, and the means of all, of the person and of the item, about the people of each fold.

    Args:
        log: sorted
        names: of algorithms, see `names_for`.

    Returns:
        The means first, then the algorithms in the order given.

    Raises:
        CannotPredict: see `folds_of`.
        CannotFit: one of the algorithms cannot be fitted on a fold.
    """
    folds = folds_of(log, num_folds=num_folds, task=task, seed=seed)
    answered = {name: _Answered([], {}) for name in (*_mean_names(task), *names)}
    for number, fold in enumerate(folds):
        for name, answers in _means(fold, task=task, seed=seed).items():
            answered[name].answers.append(answers)
        for position, name in enumerate(names):
            if report:
                share = (number + position / len(names)) / len(folds)
                report(f"fold {number + 1} of {len(folds)}: {name}", share)
            one = _ask(name, fold, task=task, seed=seed)
            before = answered[name]
            answered[name] = _Answered(
                [*before.answers, *one.answers],
                one.settings,
                before.fit_seconds + one.fit_seconds,
                before.answer_seconds + one.answer_seconds,
            )
    return [_result(name, folds, one, task=task, seed=seed) for name, one in answered.items()]


def _ask(name: str, fold: Fold, *, task: Task, seed: int) -> _Answered:
    is_ours = algorithms.REGISTRY[name].family == algorithms.INTEREST
    options = {"task": task.name, "like_from": task.like_from} if is_ours else {}
    algorithm = algorithms.make(name, **options)
    settings = replace(algorithm.grid()[0], **rating_answers.SETTINGS.get(name, {}))
    began = time.perf_counter()
    fitted: Any = algorithm.fit(fold.fit, settings=settings, seed=seed)
    fitted_at = time.perf_counter()
    questions = fold.questions
    if is_ours:
        predicts: Predicts = fitted
        items = questions.items.astype(np.int32)
        answers = predicts.predict(
            fold.histories, users=questions.users, items=items, times=questions.times
        )
    else:
        labels = examples.said(fold.fit, task=task)
        labels = labels[np.isfinite(labels)]
        answers = rating_answers.ratings(fitted, fold.histories, questions, labels=labels)
    seconds = time.perf_counter() - fitted_at
    shared = getattr(fitted, "shared_seconds", 0.0)
    return _Answered([answers], asdict(settings), fitted_at - began + shared, seconds)


def _mean_names(task: Task) -> tuple[str, ...]:
    if task.name == CHOICE:
        # The rule of examples fixes each person's share: his mean is that of all.
        return ("base_rate", "mean_of_item")
    first = "base_rate" if task.is_yes_or_no else "mean_of_all"
    return (first, "mean_of_person", "mean_of_item")


def _means(fold: Fold, *, task: Task, seed: int) -> dict[str, NDArray[np.float64]]:
    """Return what means answer; those of a person over his earlier events, of an item over other people's."""
    items: NDArray[np.integer]
    if task.name == CHOICE:
        known = examples.prepare(fold.fit, task=task, seed=seed)[0].examples
        items, labels = known.items, known.labels
    else:
        labels = examples.said(fold.fit, task=task)
        items, labels = fold.fit.items[np.isfinite(labels)], labels[np.isfinite(labels)]
    mean = float(labels.mean()) if len(labels) else 0.5
    counts = np.bincount(items, minlength=fold.fit.num_items)
    sums = np.bincount(items, labels, minlength=fold.fit.num_items)
    of_items = (sums + PULL * mean) / (counts + PULL)
    found = [np.full(len(fold.questions.labels), mean), of_items[fold.questions.items]]
    if task.name != CHOICE:
        found.insert(1, _mean_of_person(fold, mean, task=task))
    return dict(zip(_mean_names(task), found, strict=True))


def _mean_of_person(fold: Fold, mean: float, *, task: Task) -> NDArray[np.float64]:
    log, questions = fold.histories, fold.questions
    labels = examples.said(log, task=task)
    is_known = np.isfinite(labels)
    sums = np.append(0, np.cumsum(np.where(is_known, labels, 0)))
    counts = np.append(0, np.cumsum(is_known))
    moments = Moments.at_times(log, questions.users, questions.times)
    starts, ends = log.offsets[questions.users], moments.ends
    return np.asarray(
        (sums[ends] - sums[starts] + PULL * mean) / (counts[ends] - counts[starts] + PULL)
    )


def _result(
    name: str, folds: Sequence[Fold], one: _Answered, *, task: Task, seed: int
) -> SingleResult:
    labels = np.concatenate([fold.questions.labels for fold in folds])
    people = np.concatenate([fold.questions.users for fold in folds])
    return SingleResult(
        algorithm=name,
        task=task,
        measured=single_metrics.measure(
            np.concatenate(one.answers),
            labels,
            people=people,
            is_yes_or_no=task.is_yes_or_no,
            seed=seed,
        ),
        folds=tuple(
            single_metrics.values(answers, fold.questions.labels, is_yes_or_no=task.is_yes_or_no)
            for answers, fold in zip(one.answers, folds, strict=True)
        ),
        num_questions=len(labels),
        num_people=len(np.unique(people)),
        share_of_yes=float(labels.mean()) if task.is_yes_or_no else None,
        settings=one.settings,
        fit_seconds=one.fit_seconds,
        answer_seconds=one.answer_seconds,
    )
