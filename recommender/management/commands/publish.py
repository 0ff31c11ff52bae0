"""Make everybody's slates from a finished training and serve them."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from interests.models import RunState, TrainingRun
from interests.selectors import trainings
from interests.services import running
from recommender.management.progress import Progress
from recommender.models import PublicationRun

HELP = """Make a slate of the best 200 unseen items for every end user with the network of a finished
training, check them all, and let them serve from one moment on. Until then, and if anything fails, what
served before goes on serving.

Example:
  manage.py publish
  manage.py publish --training 12 --no-switch

The first publishes the newest finished training; the second makes the slates of training 12 without
serving them (the runs page can switch to them later)."""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--training", type=int, metavar="ID", help="a finished training (default: the newest)"
        )
        parser.add_argument(
            "--no-switch", action="store_true", help="make the slates, but do not serve them"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from recommender.services import publishing

        training = _training(options["training"])
        run = running.request(
            PublicationRun,
            now=timezone.now(),
            settings={"switch": not options["no_switch"]},
            seed=training.seed,
            training_run=training,
        )
        try:
            with Progress() as progress:
                publishing.publish(run_id=run.pk, report=progress)
        except (running.RunStopped, running.RunOvertaken, running.RunNotClaimed) as error:
            raise CommandError(str(error)) from error
        except Exception as error:
            run.refresh_from_db()
            raise CommandError(f"{run} failed: {run.error or error}") from error
        run.refresh_from_db()
        self.stdout.write(_summary(run))


def _training(key: int | None) -> TrainingRun:
    done = trainings.for_now().filter(state=RunState.DONE)
    training = (done if key is None else done.filter(pk=key)).order_by("-pk").first()
    if training is not None:
        return training
    if key is None:
        raise CommandError("No training is done yet. Train first: manage.py train.")
    known = ", ".join(str(pk) for pk in done.order_by("-pk").values_list("pk", flat=True)[:5])
    raise CommandError(
        f"No finished training has the number {key}. Finished are: {known or 'none'}."
    )


def _summary(run: PublicationRun) -> str:
    results = run.results
    serves = "It serves now." if results["switched"] else results["not_switched_because"]
    return (
        f"{run} has slates for {results['num_end_users']:,} end users, made in "
        f"{results['seconds']} s ({results['end_users_per_second']:,} a second). {serves}"
    )
