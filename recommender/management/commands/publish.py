"""Make everybody's slates from a finished training and serve them."""

from __future__ import annotations

import json
import math
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from interests.models import RunState, TrainingRun
from interests.selectors import trainings
from interests.services import running
from recommender import algorithms
from recommender.management.progress import Progress
from recommender.models import PublicationRun

# Made by a training, not by a publication.
NETWORK = "interest_network"
HELP = """Make a slate of the best 200 unseen items for every end user with the network of a finished
training, check them all, and let them serve from one moment on. Until then, and if anything fails, what
served before goes on serving.

Example:
  manage.py publish
  manage.py publish --training 12 --no-switch
  manage.py publish --algorithm fusion
  manage.py publish --algorithm ease --set regularisation=100

The first publishes the newest finished training; the second makes the slates of training 12 without
serving them (the runs page can switch to them later). The others fit another algorithm on all events and rank
by it, with the settings that somebody chose for it, else those of the newest evaluation, else the usual ones;
--set comes on top. Similar items, the map of interests and reasons stay those of the training's network."""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--training", type=int, metavar="ID", help="a finished training (default: the newest)"
        )
        parser.add_argument(
            "--algorithm",
            default=NETWORK,
            metavar="NAME",
            help="what ranks: the training's network, or what `manage.py algorithms` lists",
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help="a setting of that algorithm that is to differ; may be given several times",
        )
        parser.add_argument(
            "--no-switch", action="store_true", help="make the slates, but do not serve them"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from recommender.services import publishing

        changes = _changes(options["algorithm"], options["set"])
        training = _training(options["training"])
        run = running.request(
            PublicationRun,
            now=timezone.now(),
            settings={"switch": not options["no_switch"]} | ({"set": changes} if changes else {}),
            algorithm=options["algorithm"],
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


def _changes(name: str, given: list[str]) -> dict[str, Any]:
    """Return settings as the command line gives them, values as JSON where they are such."""
    if name not in algorithms.REGISTRY:
        raise CommandError(f"There is no algorithm {name!r}. `manage.py algorithms` lists them.")
    if name == NETWORK and given:
        raise CommandError("The network's settings are those of its training: manage.py train.")
    changes: dict[str, Any] = {}
    for one in given:
        key, is_there, value = one.partition("=")
        if not is_there:
            raise CommandError(f"--set takes KEY=VALUE, not {one!r}.")
        try:
            changes[key] = json.loads(value)
        except ValueError:
            changes[key] = value
        if isinstance(changes[key], float) and not math.isfinite(changes[key]):
            raise CommandError(f"--set {key} takes a number, not {value}.")
    return changes


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
    whose = results.get("settings_from")
    whose = f"Ranked by {run.algorithm}, settings: {whose}. " if whose else ""
    return (
        f"{run} has slates for {results['num_end_users']:,} end users, made in "
        f"{results['seconds']} s ({results['end_users_per_second']:,} a second). {whose}{serves}"
    )
