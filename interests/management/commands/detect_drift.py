"""Raise drift events on a data folder, from files, without a database."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from interests import datasets
from interests.datasets.log import InteractionLog
from interests.drift import detectors
from interests.drift.detectors import Alarm
from interests.management.arguments import insist_on_seed
from interests.tracking import histories

HELP = """Raise drift events on a data folder: when each end user's interests changed, and from what to what.
Each history is seen event by event; an alarm knows no event after the one that raises it.
Nothing is trained: settings and prior chances ship with the product.

Example:
  manage.py detect_drift --data DATA/movielens --out alarms.csv

Writes user_id,detected_at,change_at,score,rising,falling: the times of the events that raised it and
that the change began with, the evidence in nats, and names of categories joined by |."""


class Command(BaseCommand):
    help = HELP
    requires_system_checks: list[str] = []

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", required=True, metavar="FOLDER", help="the data folder")
        parser.add_argument("--out", required=True, metavar="ALARMS.csv", help="where to write")
        parser.add_argument("--seed", type=int, default=0, help="of ties in time")
        parser.add_argument(
            "--false-alarms",
            type=float,
            metavar="N",
            help="at most so many per 1,000 events of people who keep their interests "
            "(default: as the product does)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        insist_on_seed(options["seed"])
        try:
            settings = _settings(options["false_alarms"])
            log = datasets.read(options["data"]).sorted(seed=options["seed"])
        except (datasets.DatasetError, ValueError) as error:
            raise CommandError(str(error)) from error
        alarms = _detect(log, settings)
        try:
            _table(log, alarms).to_csv(Path(options["out"]), index=False, lineterminator="\n")
        except OSError as error:
            raise CommandError(f"Cannot write {options['out']}: {error}") from error
        self.stdout.write(
            f"{sum(map(len, alarms)):,} drift events of {sum(map(bool, alarms)):,} end users in "
            f"{log.num_events:,} events of {log.num_users:,}, written to {options['out']}."
        )


def _settings(false_alarms: float | None) -> detectors.DetectorSettings:
    if false_alarms is None:
        return detectors.DEFAULT
    threshold = detectors.threshold_for(false_alarms_per_1000=false_alarms)
    return detectors.DetectorSettings(threshold=threshold)


def _detect(log: InteractionLog, settings: detectors.DetectorSettings) -> list[list[Alarm]]:
    with tqdm(total=log.num_users, unit="end user", disable=None) as bar:

        def advance(people: int) -> None:
            bar.update(people)

        return detectors.detect(histories.of_log(log), settings=settings, on_block=advance)


def _table(log: InteractionLog, alarms: list[list[Alarm]]) -> pd.DataFrame:
    names = log.catalogue.category_names
    rows = [
        (
            log.user_ids[user],
            _stamp(log.times[log.offsets[user] + alarm.after - 1]),
            _stamp(log.times[log.offsets[user] + alarm.begin]),
            f"{alarm.score:.4f}",
            "|".join(names[category] for category in alarm.rising),
            "|".join(names[category] for category in alarm.falling),
        )
        for user, own in enumerate(alarms)
        for alarm in own
    ]
    columns = ["user_id", "detected_at", "change_at", "score", "rising", "falling"]
    return pd.DataFrame(rows, columns=columns)


def _stamp(microseconds: np.int64) -> str:
    return f"{np.datetime64(int(microseconds), 'us')}Z"
