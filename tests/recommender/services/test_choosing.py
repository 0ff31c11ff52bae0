"""Chosen settings reach whatever fits next."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
import structlog
from django.contrib.auth.models import User

from interests.models import ChosenSettings, TrainingRun
from interests.selectors import choices
from interests.services import training
from interests.services.running import CannotRun
from recommender.algorithms.fusing import FusionSettings
from recommender.algorithms.linear import Ease, EaseSettings
from recommender.evaluation import runner, splits
from recommender.evaluation.answers import Request
from recommender.models import EvaluationRun
from recommender.services import choosing
from tests import factories
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


def evaluated(*, days: int = 0, split: str = "leave-one-out", state: str = "done", **algorithms):
    """Keep an evaluation that chose these settings."""
    at = NOW + timedelta(days=days)
    told = {name: {"settings": settings} for name, settings in algorithms.items()}
    run = EvaluationRun(
        split=split, results={"algorithms": told}, **factories.done(finished_at=at, state=state)
    )
    run.save()
    return run


def test_without_an_evaluation_or_a_choice_the_usual_settings_count():
    made = choosing.make("ease")
    evaluated(item_knn={"shrinkage": 1.0})
    evaluated(ease={"regularisation": 3.0}, state="failed")

    assert choosing.settings_of(made) == (made.grid()[0], "usual")


def test_the_newest_evaluation_tells_and_leave_one_out_before_time():
    made = choosing.make("ease")
    by_time = evaluated(split="time", days=9, ease={"regularisation": 2.0, "half_life": None})
    first = choosing.settings_of(made)
    newest = evaluated(days=2, ease={"regularisation": 5.0, "half_life": 4.0})
    evaluated(days=1, ease={"regularisation": 7.0})

    assert first == (EaseSettings(2.0, None), f"settings of evaluation {by_time.pk}")
    assert choosing.settings_of(made) == (
        EaseSettings(5.0, 4.0),
        f"settings of evaluation {newest.pk}",
    )


def test_what_somebody_chose_comes_before_an_evaluation():
    ada = User.objects.create_user("ada")
    ChosenSettings.objects.create(
        algorithm="ease", settings={"regularisation": 40.0}, chosen_at=NOW, chosen_by=ada, study_number=3,
    )  # fmt: skip
    evaluated(ease={"regularisation": 5.0})

    settings, whose = choosing.settings_of(choosing.make("ease"))

    assert (settings.regularisation, whose) == (40.0, "chosen by ada, study 3")


def test_settings_that_were_given_to_an_evaluation_end_when_they_are_taken_back():
    before = evaluated(ease={"regularisation": 5.0})
    given = evaluated(days=1, ease={"regularisation": 40.0})
    given.results["algorithms"]["ease"]["settings_given"] = True
    given.save()

    settings, whose = choosing.settings_of(choosing.make("ease"))

    assert (settings.regularisation, whose) == (5.0, f"settings of evaluation {before.pk}")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ease", {"regularization": 5.0}),
        ("ease", {"regularisation": "much"}),
        ("fusion", {"members": ["ease", "gone"], "depth": 10}),
        ("epsilon_greedy", {"over": "gone"}),
    ],
)
def test_settings_of_an_evaluation_that_do_not_fit_any_more_are_left(name, settings):
    made = choosing.make(name)
    evaluated(**{name: settings})

    with structlog.testing.capture_logs() as said:
        found = choosing.settings_of(made)

    assert found == (made.grid()[0], "usual")
    assert [line["event"] for line in said] == ["settings_of_evaluation_do_not_fit"]


def test_a_fusion_mixes_what_the_evaluation_mixed():
    evaluated(fusion={"members": ["ease", "markov"], "depth": 10})

    settings, _ = choosing.settings_of(choosing.make("fusion"))

    assert settings == FusionSettings(("ease", "markov"), 10)


def test_members_of_a_fusion_are_fitted_with_what_was_chosen_for_them(monkeypatch):
    chosen("ease", regularisation=7.0)
    fits = []
    fit = Ease.fit

    def spied(self, log, *, settings, **options):
        fits.append(settings.regularisation)
        return fit(self, log, settings=settings, **options)

    monkeypatch.setattr(Ease, "fit", spied)
    log = drawn_log()
    made = choosing.make("weighted_sum", members=("ease", "most_popular"))

    made.fit(log, settings=made.grid()[0], seed=0)
    published, fits[:] = list(fits), []
    split = splits.split(log, name="leave-one-out")
    runner.run(split, algorithms=[made], request=Request())

    # Once to learn how to mix and once for what serves; an evaluation learns from what it asks.
    assert (published, fits) == ([7.0, 7.0], [7.0])


def test_a_fusion_with_chosen_settings_is_still_learned_on_validation():
    chosen("weighted_sum", members=["ease", "most_popular"], depth=50)
    split = splits.split(drawn_log(), name="leave-one-out")
    made = choosing.make("weighted_sum")

    [found] = runner.run(split, algorithms=[made], request=Request())

    assert choosing.is_chosen(made)
    assert found.settings == {"members": ("ease", "most_popular"), "depth": 50}
    assert found.validation_ndcg is not None


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
