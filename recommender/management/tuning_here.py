"""A study on the events of a folder, without a database: in this process, or in some beside each other.

Nothing of it is kept. With several processes each reads the folder; what they try next depends, by TPE, on
who is done first, so that only one process gives the same study twice.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

from interests import datasets
from recommender import algorithms
from recommender.algorithms import spaces
from recommender.algorithms.protocol import Algorithm, CannotFit
from recommender.algorithms.spaces import Space
from recommender.evaluation import searching, splits, trials
from recommender.evaluation.answers import Request
from recommender.evaluation.searching import Tried
from recommender.evaluation.splits import Split

K = 10
Tell = Callable[[str, float], None]


class Nothing(Exception):
    """There is nothing to study; the message says why."""


@dataclass(frozen=True)
class Asked:
    """What is studied, and how."""

    folder: str
    algorithm: str
    split: str
    sampler: str
    num_trials: int
    seed: int
    budget_seconds: float


@dataclass(frozen=True)
class Outcome:
    """What a trial came to: a value, or that it was ended early, or why it failed."""

    number: int
    tried: Tried
    seconds: float
    error: str = ""


class _Hopeless(Exception):
    """The trial does worse than half of the others did."""


@dataclass(frozen=True)
class _Prepared:
    split: Split
    algorithm: Algorithm
    request: Request


_own: list[_Prepared] = []


def search(asked: Asked, *, workers: int, tell: Tell) -> Iterator[Outcome]:
    """Yield the trials of a study as they end, that of the usual settings among them.

    Raises:
        Nothing: the algorithm has no settings to choose.
        DatasetError, CannotSplit: the folder cannot be studied.
    """
    space = space_of(asked)
    num = searching.num_possible(space, sampler=asked.sampler, num_trials=asked.num_trials)
    if workers > 1:
        yield from _beside_each_other(asked, space, num, workers=workers, tell=tell)
        return
    tell("reading", 0.0)
    _prepare(asked)
    tried: list[Tried] = []
    for number in range(num):
        tell(f"trial {number + 1} of {num}", number / num)
        outcome = _try(number, _values(asked, space, tried, number, num), tried)
        tried.append(outcome.tried)
        yield outcome


def space_of(asked: Asked) -> Space:
    """Return what may be tried.

    Raises:
        Nothing: there is nothing to try.
    """
    space = spaces.space_of(_made(asked))
    if not space:
        raise Nothing(f"{asked.algorithm} has no settings to choose.")
    return space


def _made(asked: Asked) -> Algorithm:
    # One network a trial; several are averaged where it counts.
    options = {"changes": {"num_members": 1}} if asked.algorithm == "interest_network" else {}
    return algorithms.make(asked.algorithm, **options)


def _values(
    asked: Asked, space: Space, tried: list[Tried], number: int, num: int
) -> dict[str, Any]:
    if number == 0:
        return spaces.params_of(_made(asked).grid()[0], space)
    return searching.suggest(
        space, tried, sampler=asked.sampler, seed=asked.seed, number=number, num_trials=num
    )


def _beside_each_other(
    asked: Asked, space: Space, num: int, *, workers: int, tell: Tell
) -> Iterator[Outcome]:
    # Started afresh: torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    # In this process first: what cannot be studied is said in words here, and breaks the pool there.
    tell("reading", 0.0)
    _prepare(asked)
    tried: dict[int, Tried] = {}
    waiting: set[Future[Outcome]] = set()
    with ProcessPoolExecutor(workers, context, initializer=_prepare, initargs=(asked,)) as pool:
        for number in range(num):
            known = [tried[key] for key in sorted(tried)]
            params = _values(asked, space, known, number, num)
            tried[number] = Tried(params, is_running=True)
            waiting.add(pool.submit(_try, number, params, known))
            while waiting and (len(waiting) >= workers or number == num - 1):
                tell(f"{num - len(waiting)} of {num} trials begun", (number - len(waiting)) / num)
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for one in done:
                    outcome = one.result()
                    tried[outcome.number] = outcome.tried
                    yield outcome


def _prepare(asked: Asked) -> None:
    log = datasets.read(asked.folder).sorted(seed=asked.seed)
    split = splits.split(log, name=asked.split)
    trials.samples(split.validation, seed=asked.seed)
    request = Request(k=K, seed=asked.seed, budget_seconds=asked.budget_seconds)
    _own[:] = [_Prepared(split, _made(asked), request)]


def _try(number: int, params: dict[str, Any], others: list[Tried]) -> Outcome:
    own, began = _own[0], time.perf_counter()
    reached: list[tuple[int, float]] = []

    def note(step: int, value: float) -> None:
        reached.append((step, value))
        if number and searching.is_hopeless(others, reached):
            raise _Hopeless

    tried, error = Tried(params, reached=reached), ""
    try:
        measured = trials.measure(
            own.algorithm,
            spaces.applied(own.algorithm.grid()[0], params),
            own.split,
            request=own.request,
            note=note,
            report=lambda *_: None,
        )
        tried = replace(tried, value=measured.ndcg)
    except _Hopeless:
        tried = replace(tried, is_pruned=True)
    except CannotFit as reason:
        error = str(reason)
    return Outcome(number, tried, time.perf_counter() - began, error)
