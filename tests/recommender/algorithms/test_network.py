import numpy as np
import pytest

from interests.learning.config import TrainingConfig
from recommender import algorithms
from tests.recommender.logs import drawn_log

TINY = {"width": 8, "max_epochs": 2, "patience": 2}


def test_one_training_answers_for_all_weights_of_what_rises_now():
    log = drawn_log()
    users = np.arange(3, dtype=np.int32)
    algorithm = algorithms.make("interest_network", changes=TINY)
    grid = algorithm.grid()

    fitted = [algorithm.fit(log, settings=settings, seed=0) for settings in grid]

    assert [settings.trend for settings in grid] == [0.5, 0.0, 4.0]
    assert [each.shared_seconds > 0 for each in fitted] == [False, True, True]
    usual, plain, steep = (each.scores(log, users=users) for each in fitted)
    known = np.isfinite(plain[0])
    rises = np.tile(fitted[0].network.log_rises, (3, 1))
    np.testing.assert_allclose((usual - plain)[:, known], rises / 2, atol=1e-4)
    np.testing.assert_allclose((steep - plain)[:, known], 4 * rises, atol=1e-4)


def test_another_log_or_seed_is_trained_on_anew():
    log = drawn_log()
    algorithm = algorithms.make("interest_network", changes=TINY)
    [settings, *_] = algorithm.grid()
    algorithm.fit(log, settings=settings, seed=0)

    other_seed = algorithm.fit(log, settings=settings, seed=1)
    other_log = algorithm.fit(drawn_log(), settings=settings, seed=1)

    assert (other_seed.shared_seconds, other_log.shared_seconds) == (0.0, 0.0)


def test_a_trend_that_is_told_is_not_chosen():
    algorithm = algorithms.make("interest_network", changes={**TINY, "trend": 2.0})

    assert [settings.trend for settings in algorithm.grid()] == [2.0]


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("interest_network", {}),
        ("cnn", {"encoder": "cnn"}),
        ("gru", {"encoder": "gru"}),
        ("lstm", {"encoder": "lstm"}),
        ("bidirectional_transformer", {"encoder": "bidirectional"}),
        ("multi_interest", {"encoder": "gru", "num_interests": 2}),
    ],
)
def test_each_row_trains_the_network_it_is_named_for(name, own):
    algorithm = algorithms.make(name, changes={**TINY, "max_epochs": 1})

    fitted = algorithm.fit(drawn_log(), settings=algorithm.grid()[0], seed=0)

    found, usual = fitted.network.config, TrainingConfig()
    assert algorithm.name == name
    assert {key: getattr(found, key) for key in own} == own
    for key in {"encoder", "num_interests"} - own.keys():
        assert getattr(found, key) == getattr(usual, key)


def test_what_a_caller_changes_goes_before_what_a_row_has_of_its_own():
    algorithm = algorithms.make(
        "multi_interest", changes={"routing": "capsules", "num_interests": 3}
    )

    changes = algorithm.grid()[0].changes

    assert (changes["routing"], changes["num_interests"], changes["encoder"]) == (
        "capsules",
        3,
        "gru",
    )
