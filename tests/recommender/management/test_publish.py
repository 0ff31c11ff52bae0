from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from interests.models import TrainingRun
from recommender.models import PublicationRun, Serving
from tests import factories
from tests.recommender.services.conftest import NUM_USERS, populate, train

pytestmark = pytest.mark.django_db


@pytest.fixture
def training() -> TrainingRun:
    populate()
    return train()


def call(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_publish_serves_the_newest_finished_training(training):
    newest = train()
    TrainingRun.objects.create(requested_at=factories.NOW)

    said = call("publish")

    run = PublicationRun.objects.get()
    assert (run.training_run, Serving.objects.get().publication) == (newest, run)
    assert said == (
        f"publication {run.pk} has slates for {NUM_USERS} end users, made in "
        f"{run.results['seconds']} s ({run.results['end_users_per_second']:,} a second). "
        "It serves now.\n"
    )


def test_publish_of_a_named_training_without_the_switch(training):
    train()

    said = call("publish", "--training", str(training.pk), "--no-switch")

    assert PublicationRun.objects.get().training_run == training
    assert not Serving.objects.exists()
    assert said.endswith("It was asked not to.\n")


def test_publish_without_a_training_says_what_to_do():
    with pytest.raises(
        CommandError, match=r"^No training is done yet. Train first: manage.py train"
    ):
        call("publish")


def test_publish_of_an_unknown_training_names_those_there_are(training):
    with pytest.raises(CommandError) as error:
        call("publish", "--training", "999999")

    assert str(error.value) == (
        f"No finished training has the number 999999. Finished are: {training.pk}."
    )


def test_publish_that_fails_says_why(training):
    TrainingRun.objects.filter(pk=training.pk).update(weights_sha256="0" * 64)

    with pytest.raises(CommandError) as error:
        call("publish")

    run = PublicationRun.objects.get()
    assert str(error.value) == f"publication {run.pk} failed: {run.error}"
    assert "Restore the files from a backup or train again." in run.error


def test_rollback_goes_back_to_what_served_before(training):
    call("publish")
    call("publish")
    first, second = PublicationRun.objects.order_by("pk")

    said = call("rollback")

    assert Serving.objects.get().publication == first
    assert said == (
        f"publication {first.pk} of training {training.pk} serves again, with slates for "
        f"{NUM_USERS} end users. People with newer events are being refreshed.\n"
    )
    assert second.switches.count() == 1


def test_rollback_before_anything_serves_says_so():
    with pytest.raises(CommandError, match=r"^Nothing serves yet"):
        call("rollback")


@pytest.mark.parametrize("command", ["publish", "rollback"])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit):
        call(command, "--help")

    assert f"Example:\n  manage.py {command}" in capsys.readouterr().out


def test_publish_by_another_algorithm_with_other_settings(training):
    said = call("publish", "--algorithm", "ease", "--set", "regularisation=50")

    run = PublicationRun.objects.get()
    assert (run.algorithm, run.settings["set"]) == ("ease", {"regularisation": 50})
    assert said.endswith(" Ranked by ease, settings: usual, with changes. It serves now.\n")
    assert Serving.objects.get().publication == run


@pytest.mark.parametrize(
    ("half_life", "said"),
    [("0", "ease needs a half life above 0, not 0."), ("long", "above 0, not 'long'.")],
)
def test_publish_with_a_setting_out_of_bounds_says_what_it_may_be(training, half_life, said):
    with pytest.raises(CommandError, match=said):
        call("publish", "--algorithm", "ease", "--set", f"half_life={half_life}")

    assert not Serving.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--algorithm", "nothing"), "There is no algorithm 'nothing'"),
        (("--set", "width=8"), "those of its training: manage.py train"),
        (("--algorithm", "ease", "--set", "regularisation"), "takes KEY=VALUE"),
        (
            ("--algorithm", "ease", "--set", "half_life=NaN"),
            "--set half_life takes a number, not NaN.",
        ),
    ],
)
def test_publish_by_what_there_is_not_is_refused_before_a_run_is_made(training, arguments, said):
    with pytest.raises(CommandError, match=said):
        call("publish", *arguments)

    assert not PublicationRun.objects.exists()
