"""Measure how well trackers foresee the next event, from files, without a database."""

from __future__ import annotations

import json
import math
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from interests import datasets
from interests.datasets.log import InteractionLog
from interests.management.arguments import insist_on_seed, writable
from interests.tracking import histories
from interests.tracking.measure import FOLDS, TooLittleToMeasure, TrackingQuality, measure
from interests.tracking.registry import TRACKERS

HELP = """Measure trackers on a data folder: mean cross-entropy, in nats, of the next event's category shares,
each event foreseen from earlier events only, after the first five of each end user; whatever is
fitted is fitted on other end users (five folds).

Example:
  manage.py track --data DATA/movielens --trackers decay,mixture --json tracking.json
  manage.py track --data DATA/streams --trackers all --bound 2.661 --json tracking.json

Writes a list of {"tracker", "cross_entropy", "cross_entropy_over_users", "reliability", "resolution",
"reliability_of_categories", "resolution_of_categories", "events", "users", "fit_seconds", "track_seconds"},
with --bound also "share_of_way", and prints it as a table. Reliability (0 is best) and resolution (more is
better) are the two parts of the Brier score that trackers differ by (Murphy 1973), summed over
categories; those of each category are named. With --bound, what nobody can do better than, the table
tells how much of the way from the best classical tracker measured beside it each tracker goes.
Networks (hmm, gru, lstm, transformer) take minutes for each 100,000 events."""

# What needs no learning beyond a few settings; the share of the way is counted from the best of them.
CLASSICAL = ("own_shares", "last_n", "decay", "time_decay", "short_long_decay", "markov")


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
        parser.add_argument(
            "--bound", type=float, metavar="NATS", help="the least cross-entropy there can be"
        )
        parser.add_argument("--json", required=True, metavar="OUT", help="where to write")

    def handle(self, *args: Any, **options: Any) -> None:
        names = _names(options["trackers"])
        insist_on_seed(options["seed"])
        if options["bound"] is not None and not any(name in CLASSICAL for name in names):
            raise CommandError(f"--bound needs a tracker beside it: one of {', '.join(CLASSICAL)}.")
        if options["bound"] is not None and not math.isfinite(options["bound"]):
            raise CommandError(f"--bound must be a number of nats, not {options['bound']}.")
        out = writable(options["json"])
        try:
            log = datasets.read(options["data"])
            measured = _measure(names, log=log.sorted(seed=options["seed"]), seed=options["seed"])
        except (datasets.DatasetError, TooLittleToMeasure) as error:
            raise CommandError(str(error)) from error
        if options["bound"] is not None:
            _add_share_of_way(measured, bound=options["bound"])
        out.write_text(json.dumps(measured, indent=2) + "\n")
        for row in measured:
            self.stdout.write(_line(row))


def _line(row: dict[str, Any]) -> str:
    line = (
        f"{row['tracker']:<16} {row['cross_entropy']:.4f} nats over {row['events']:,} events, "
        f"{row['cross_entropy_over_users']:.4f} over {row['users']:,} end users, "
        f"reliability {row['reliability']:.5f}, resolution {row['resolution']:.5f}"
    )
    share = row.get("share_of_way")
    return line if share is None else f"{line}, {share:.0%} of the way to the bound"


def _add_share_of_way(measured: list[dict[str, Any]], *, bound: float) -> None:
    best = min(row["cross_entropy"] for row in measured if row["tracker"] in CLASSICAL)
    if best <= bound:
        raise CommandError(f"--bound must be below {best:.4f}, which was reached.")
    for row in measured:
        row["share_of_way"] = (best - row["cross_entropy"]) / (best - bound)


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
    categories = log.catalogue.category_names
    return [_row(quality, categories) for quality in measured]


def _row(quality: TrackingQuality, categories: tuple[str, ...]) -> dict[str, Any]:
    row = asdict(quality)
    for name in ("reliability_of_categories", "resolution_of_categories"):
        row[name] = dict(zip(categories, row[name], strict=True))
    return row
