"""Nothing after a cut may reach a fit: whatever happens there, the same questions get the same scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender import algorithms
from recommender.evaluation import runner, splits
from recommender.evaluation.answers import Request
from recommender.evaluation.splits import Split
from tests.recommender.logs import DAY, drawn_log

TINY = {"changes": {"width": 16, "max_epochs": 2, "warmup_steps": 2}}
NETWORKS = [name for name, entry in algorithms.REGISTRY.items() if entry.module == "network"]
MIXED = {"members": ("most_popular", "item_knn")}
FUSIONS = [name for name, one in algorithms.REGISTRY.items() if one.family == algorithms.FUSION]
OPTIONS = dict.fromkeys(NETWORKS, TINY) | dict.fromkeys(FUSIONS, MIXED)
OPTIONS["mlp"] = {"changes": {"max_epochs": 1}}
OPTIONS["lstm_classifier"] = {
    "changes": {"max_epochs": 1, "widths": (8, 8), "item_width": 8, "window": 8}
}
OPTIONS["random_forest"] = {"changes": {"num_trees": 5}}
OPTIONS["gradient_boosting"] = {"changes": {"num_trees": 5}}
VIEW, DISLIKE = 0, 1
Change = Callable[[InteractionLog, np.ndarray, np.random.Generator], InteractionLog]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Add in one order, so that equal means equal to the last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def items(log: InteractionLog, late: np.ndarray, random: np.random.Generator) -> InteractionLog:
    """Draw other items, those included that nobody chose before."""
    new = log.items.copy()
    new[late] = random.integers(0, log.num_items, len(late))
    return replace(log, items=new)


def times(log: InteractionLog, late: np.ndarray, random: np.random.Generator) -> InteractionLog:
    """Move events to later times."""
    new = log.times.copy()
    new[late] += random.integers(0, 500 * DAY, len(late))
    return replace(log, times=new)


def values(log: InteractionLog, late: np.ndarray, random: np.random.Generator) -> InteractionLog:
    new = log.values.copy()
    new[late] = random.normal(0, 100, len(late))
    return replace(log, values=new)


def kinds(log: InteractionLog, late: np.ndarray, random: np.random.Generator) -> InteractionLog:
    """Turn events into those of a kind that weighs more and is seen nowhere else."""
    new = log.kinds.copy()
    new[late] = 2
    return replace(log, kinds=new)


def order(log: InteractionLog, late: np.ndarray, random: np.random.Generator) -> InteractionLog:
    """Shuffle the items among the events."""
    new = log.items.copy()
    new[late] = random.permutation(new[late])
    return replace(log, items=new)


def refusals(log: InteractionLog, late: np.ndarray, random: np.random.Generator) -> InteractionLog:
    """Add events that speak against items, each after one of the late ones."""
    return added(log, late, random, kind=DISLIKE)


def added(
    log: InteractionLog, late: np.ndarray, random: np.random.Generator, *, kind: int = VIEW
) -> InteractionLog:
    """Add as many events as there are late ones, each after one of them."""
    return replace(
        log,
        users=np.append(log.users, log.users[late]),
        items=np.append(log.items, random.integers(0, log.num_items, len(late)).astype(np.int32)),
        kinds=np.append(log.kinds, np.full(len(late), kind, np.int16)),
        values=np.append(log.values, np.ones(len(late), np.float32)),
        times=np.append(log.times, log.times[late] + DAY),
        positions=np.arange(log.num_events + len(late)),
    )


def taken_away(
    log: InteractionLog, late: np.ndarray, random: np.random.Generator
) -> InteractionLog:
    """Leave about half of the late events."""
    kept = np.ones(log.num_events, bool)
    kept[late[random.random(len(late)) < 0.5]] = False
    return log.take(kept)


def all_at_once(
    log: InteractionLog, late: np.ndarray, random: np.random.Generator
) -> InteractionLog:
    """Change all there is about late events, and add events that speak against items."""
    for change in (items, values, kinds, times, refusals):
        log = change(log, late, random)
    return log


def all_and_their_number(
    log: InteractionLog, late: np.ndarray, random: np.random.Generator
) -> InteractionLog:
    """Change all there is about late events, add others, and take half of them away."""
    for change in (all_at_once, added, taken_away):
        log = change(log, late, random)
    return log


EVERYWHERE: tuple[Change, ...] = (items, times, values, kinds, order, refusals)
CHANGES = [
    *(pytest.param(splits.LEAVE_ONE_OUT, change, id=f"one-{change.__name__}") for change in EVERYWHERE),
    # Where the cut is a time, events may come and go; where it is the last event, that moves the cut.
    *(
        pytest.param(splits.TIME, change, id=f"time-{change.__name__}")
        for change in (*EVERYWHERE, added, taken_away)
    ),
]  # fmt: skip


# Whatever of it a fit could see would show: one fit for each algorithm and split.
AT_ONCE = [
    pytest.param(splits.LEAVE_ONE_OUT, all_at_once, id="one"),
    pytest.param(splits.TIME, all_and_their_number, id="time"),
]
# How settings are chosen is the same for all.
CHOSEN = ("most_popular", "recently_popular", "item_knn", "user_knn", "ease", "als", "weighted_sum")


@cache
def drawn() -> InteractionLog:
    """Draw events on some of 60 items by 40 end users; a third kind is there to be used."""
    return replace(
        drawn_log(num_users=40, num_items=60, num_events=600),
        values=np.random.default_rng(1).normal(size=600).astype(np.float32),
        kind_names=("view", "dislike", "purchase"),
        kind_weights=np.array([1, -1, 3], np.float32),
    )


def cuts_of(log: InteractionLog) -> tuple[int, int]:
    ordered = np.sort(log.times)
    return int(ordered[480]), int(ordered[540])


def cut(log: InteractionLog, name: str, cuts: tuple[int, int]) -> Split:
    if name == splits.TIME:
        return splits.cut_at(log, validation_cut=cuts[0], cut=cuts[1])
    return splits.leave_one_out(log)


def late_events(log: InteractionLog, name: str, cuts: tuple[int, int]) -> np.ndarray:
    """Return the places of what is held back for the test."""
    if name == splits.TIME:
        return np.flatnonzero(log.times >= cuts[1])
    positive = np.flatnonzero(~log.is_negative)
    ends = np.searchsorted(log.users[positive], np.arange(log.num_users), side="right") - 1
    return positive[ends]


def unchanged(split: str) -> Split:
    return cut(drawn(), split, cuts_of(drawn()))


def changed(split: str, change: Change) -> Split:
    """Return the split of the log with its events after the cut changed."""
    log, cuts = drawn(), cuts_of(drawn())
    late = late_events(log, split, cuts)
    return cut(change(log, late, np.random.default_rng(3)).sorted(), split, cuts)


def answers(name: str, split: Split) -> NDArray[np.float32]:
    """Return an algorithm's scores for everybody, fitted as for the test of a split. [b, N]"""
    algorithm = algorithms.make(name, **OPTIONS.get(name, {}))
    fitted = algorithm.fit(split.fit, settings=algorithm.grid()[0], seed=0)
    users = np.arange(split.fit.num_users, dtype=np.int32)
    return fitted.scores(split.test.histories, users=users)


@cache
def answers_unchanged(name: str, split: str) -> NDArray[np.float32]:
    return answers(name, unchanged(split))


@pytest.mark.parametrize(("split", "change"), [*CHANGES, *AT_ONCE])
def test_a_change_after_the_cut_leaves_what_is_fitted_and_known_as_it_was(split, change):
    before, after = unchanged(split), changed(split, change)

    names = ("users", "items", "kinds", "values", "times")
    for own, other in (
        (before.validation_fit, after.validation_fit),
        (before.fit, after.fit),
        (before.validation.histories, after.validation.histories),
        (before.test.histories, after.test.histories),
    ):
        assert own.num_events > 400
        for name in names:
            np.testing.assert_array_equal(getattr(own, name), getattr(other, name))


@pytest.mark.parametrize("change", [items, order, added])
def test_the_questions_of_the_test_do_change(change):
    before, after = unchanged(splits.TIME), changed(splits.TIME, change)

    assert before.test.items.tolist() != after.test.items.tolist()


@pytest.mark.parametrize("name", algorithms.names())
@pytest.mark.parametrize(("split", "change"), AT_ONCE)
def test_no_algorithm_answers_otherwise_for_what_happened_after_the_cut(split, change, name):
    before = answers_unchanged(name, split)

    after = answers(name, changed(split, change))

    assert np.isfinite(before).any()
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("split", splits.NAMES)
def test_settings_and_the_baseline_are_chosen_without_the_test(split):
    made = [algorithms.make(name, **OPTIONS.get(name, {})) for name in CHOSEN]
    chosen = [
        [
            (result.algorithm, result.settings, result.validation_ndcg, result.baseline)
            for result in runner.run(one, algorithms=made, request=Request())
        ]
        for one in (unchanged(split), changed(split, items))
    ]

    assert chosen[0] == chosen[1]
