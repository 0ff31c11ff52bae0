"""Chosen settings reach whatever fits next."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from interests.models import ChosenSettings, TrainingRun
from interests.selectors import choices
from interests.services import training
from interests.services.running import CannotRun
from recommender.algorithms.linear import EaseSettings
from recommender.services import choosing
from tests.factories import NOW
from tests.recommender.logs import drawn_log

pytestmark = pytest.mark.django_db


def chosen(algorithm: str, **settings) -> None:
    ChosenSettings.objects.create(algorithm=algorithm, settings=settings, chosen_at=NOW)


def test_an_algorithm_is_fitted_with_what_was_chosen_and_nothing_else():
    chosen("ease", regularisation=40.0, half_life=3.0)

    made = choosing.make("ease")

    assert made.grid() == (EaseSettings(40.0, 3.0),)
    assert (made.name, made.is_baseline) == ("ease", True)
    assert made.fit(drawn_log(), settings=made.grid()[0], seed=0).half_life == 3.0
    assert len(choosing.make("recent_ease").grid()) > 1


def test_what_an_algorithm_says_of_itself_stays():
    chosen("ease", regularisation=40.0)

    made = choosing.make("ease")

    assert [hasattr(made, name) for name in ("reads_order", "shares_fits")] == [False, False]


def test_chosen_settings_that_a_release_does_not_know_are_said_in_words():
    chosen("ease", regularization=40.0)

    with pytest.raises(CannotRun) as raised:
        choosing.make("ease")

    assert str(raised.value) == (
        "The settings chosen for ease do not fit it any more: EaseSettings has no setting "
        "'regularization'. Take them back: manage.py tune --use-usual ease"
    )


def test_the_network_s_settings_are_those_of_its_next_training():
    chosen("interest_network", **{"changes.width": 32, "changes.dropout": 0.1, "trend": 2.0})
    run = TrainingRun(requested_at=NOW)

    assert choices.training_settings(run) == {"width": 32, "dropout": 0.1, "trend": 2.0}
    assert choosing.make("interest_network").grid()[0].changes == {}
    assert choices.training_settings(TrainingRun(network="another", requested_at=NOW)) == {}


def test_a_training_takes_them_over_but_for_what_it_was_told_itself():
    chosen("interest_network", **{"changes.width": 32, "changes.dropout": 0.1})
    run = TrainingRun(requested_at=NOW, settings={"dropout": 0.25}, seed=3)

    config = training._config(run, SimpleNamespace(log=drawn_log()))

    assert (config.width, config.dropout, config.seed) == (32, 0.25, 3)
