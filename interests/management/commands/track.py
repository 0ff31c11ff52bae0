"""Measure how well trackers foresee the next event, from files, without a database."""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from interests import datasets
from interests.datasets.log import InteractionLog
from interests.tracking import histories
from interests.tracking.measure import FOLDS, TooLittleToMeasure, TrackingQuality, measure
from interests.tracking.registry import TRACKERS

HELP = """Measure trackers on a data folder: mean cross-entropy, in nats, of the next event's category shares,
each event foreseen from earlier events only, after the first five of each end user; whatever is
fitted is fitted on other end users (five folds).

Example:
  manage.py track --data DATA/movielens --trackers decay,mixture --json tracking.json

Writes a list of {"tracker", "cross_entropy", "cross_entropy_over_users", "events", "users",
"fit_seconds", "track_seconds"} and prints it as a table."""


class Command(BaseCommand):
    help = HELP
    requires_system_checks: list[str] = []

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", required=True, metavar="FOLDER", help="the data folder")
        parser.add_argument(
            "--trackers", default="all", help=f"all, or some of {','.join(TRACKERS)}"
        )
        parser.add_argument("--seed", type=int, default=0, help="of folds and of ties in time")
        parser.add_argument("--json", required=True, metavar="OUT", help="where to write")

    def handle(self, *args: Any, **options: Any) -> None:
        names = _names(options["trackers"])
        if options["seed"] < 0:
            raise CommandError("--seed must be 0 or more.")
        try:
            log = datasets.read(options["data"])
            measured = _measure(names, log=log.sorted(seed=options["seed"]), seed=options["seed"])
        except (datasets.DatasetError, TooLittleToMeasure) as error:
            raise CommandError(str(error)) from error
        try:
            Path(options["json"]).write_text(json.dumps(measured, indent=2) + "\n")
        except OSError as error:
            raise CommandError(f"Cannot write {options['json']}: {error}") from error
        for row in measured:
            self.stdout.write(
                f"{row['tracker']:<12} {row['cross_entropy']:.4f} nats over {row['events']:,} events, "
                f"{row['cross_entropy_over_users']:.4f} over {row['users']:,} end users"
            )


def _names(given: str) -> list[str]:
    names = list(TRACKERS) if given == "all" else given.split(",")
    if unknown := [name for name in names if name not in TRACKERS]:
        raise CommandError(
            f"No tracker is called {', '.join(unknown)}. There are: {', '.join(TRACKERS)}."
        )
    return names


def _measure(names: list[str], *, log: InteractionLog, seed: int) -> list[dict[str, Any]]:
    everybody = histories.of_log(log)
    measured: list[TrackingQuality] = []
    with tqdm(total=FOLDS * len(names), unit="fold", disable=None) as bar:

        def advance(fold: int) -> None:
            bar.update()

        for name in names:
            bar.set_description(name)
            measured.append(measure(TRACKERS[name], everybody, seed=seed, on_fold=advance))
    return [asdict(quality) for quality in measured]
