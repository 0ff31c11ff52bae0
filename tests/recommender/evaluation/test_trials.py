"""One trial: fitted on the training part, asked about validation alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender import algorithms
from recommender.algorithms.linear import EaseSettings
from recommender.algorithms.protocol import tell_measured
from recommender.evaluation import runner, splits, trials
from recommender.evaluation.answers import Request
from recommender.evaluation.splits import CannotSplit
from tests.recommender.logs import drawn_log

SPLIT = splits.split(drawn_log(), name="leave-one-out")
SETTINGS = EaseSettings(50.0)


def nothing(*_):
    pass


def measured(split=SPLIT, note=nothing, report=nothing):
    return trials.measure(
        algorithms.make("ease"), SETTINGS, split, request=Request(), note=note, report=report
    )


def test_a_trial_comes_to_what_an_evaluation_finds_on_validation():
    class One:
        """EASE with one setting."""

        name, is_baseline = "ease", True
        grid = staticmethod(lambda: (SETTINGS,))
        fit = staticmethod(algorithms.make("ease").fit)

    found = measured()

    [result] = runner.run(SPLIT, algorithms=[One()], request=Request())
    assert found.ndcg == pytest.approx(result.validation_ndcg)
    assert found.num_users == SPLIT.validation.num_users


def test_the_test_is_never_opened():
    closed = replace(SPLIT, test=None, fit=None, new_users=None)  # type: ignore[arg-type]

    assert measured(closed).ndcg == measured().ndcg


def test_samples_grow_and_nobody_is_in_two(monkeypatch):
    monkeypatch.setattr(trials, "LEAST_USERS", 2)
    num = SPLIT.validation.num_users

    parts = trials.samples(SPLIT.validation, seed=3)

    assert np.cumsum([part.num_users for part in parts]).tolist() == [
        round(0.1 * num), round(0.3 * num), num,
    ]  # fmt: skip
    users = np.concatenate([part.users for part in parts])
    assert sorted(users) == SPLIT.validation.users.tolist()
    again = trials.samples(SPLIT.validation, seed=3)
    assert [part.users.tolist() for part in again] == [part.users.tolist() for part in parts]


def test_values_on_the_way_are_told_and_may_end_the_trial(monkeypatch):
    monkeypatch.setattr(trials, "LEAST_USERS", 2)
    told = []

    class Enough(Exception):
        pass

    def end(step, value):
        raise Enough

    measured(note=lambda step, value: told.append((step, 0 <= value <= 1)))

    assert told == [(trials.FIRST_SAMPLE, True), (trials.FIRST_SAMPLE + 1, True)]
    with pytest.raises(Enough):
        measured(note=end)


def test_a_fit_tells_its_passes_to_whoever_listens():
    told, shares = [], []
    listener = trials.Listener(
        lambda step, share: shares.append(share), lambda step, value: told.append((step, value))
    )

    tell_measured(listener, 3, 0.25)
    tell_measured(nothing, 4, 0.5)
    tell_measured(None, 5, 0.5)
    listener("pass 1", 1.0)

    assert (told, shares) == ([(3, 0.25)], [trials.FITTED_AT])


def test_nobody_to_validate_on_is_said_in_words():
    nobody = SPLIT.validation.keep_users(np.zeros(SPLIT.validation.num_users, np.bool_))

    with pytest.raises(CannotSplit, match="Nobody is left to validate on"):
        trials.samples(nobody, seed=0)
