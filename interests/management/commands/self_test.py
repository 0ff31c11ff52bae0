"""Try the drift detector on a data folder with known changes, without a database."""

from __future__ import annotations

import json
import math
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from interests import datasets
from interests.drift import detectors, self_test
from interests.management.arguments import insist_on_seed, writable
from interests.tracking import histories
from interests.tracking.protocol import population_prior

HELP = """Put known changes of interest into copies of a data folder's histories, and say how many the drift
detector finds, how soon, and how many false alarms it raises where nothing changes (the same
histories with their sessions in a random order). Tries several thresholds; --budget names the lowest
one within so many false alarms per 1,000 events.

Example:
  manage.py self_test --data DATA/movielens --budget 1.5 --json self-test.json"""


class Command(BaseCommand):
    help = HELP
    requires_system_checks: list[str] = []

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--data", required=True, metavar="FOLDER", help="the data folder")
        add(
            "--budget", type=float, metavar="N", help="false alarms per 1,000 events that are borne"
        )
        add("--users", type=int, metavar="N", help="only so many end users, drawn at random")
        add("--seed", type=int, default=0, help="of everything that is drawn (0)")
        add("--json", metavar="OUT", help="where to write the table")

    def handle(self, *args: Any, **options: Any) -> None:
        insist_on_seed(options["seed"])
        if options["budget"] is not None and not 0 < options["budget"] < math.inf:
            raise CommandError("--budget must be above 0: false alarms per 1,000 events.")
        if options["users"] is not None and options["users"] < 1:
            raise CommandError("--users must be 1 or more.")
        out = writable(options["json"]) if options["json"] else None
        try:
            found = _run(options)
            if out:
                out.write_text(json.dumps(asdict(found), indent=2) + "\n")
        except (datasets.DatasetError, self_test.TooFewHistories) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{found.num_changes:,} changes put into {found.num_events:,} events of "
            f"{found.num_end_users:,} end users; * is the product's threshold"
        )
        self.stdout.write(
            "threshold   false/1,000   found   interval      half after   9 in 10 after"
        )
        for row in found.reached:
            self.stdout.write(_line(row))
        if options["budget"] is not None:
            self.stdout.write(_advice(found, options["budget"]))


def _run(options: dict[str, Any]) -> self_test.SelfTest:
    log = datasets.read(options["data"]).sorted(seed=options["seed"])
    people = histories.of_log(log)
    with tqdm(total=100, unit="%", disable=None, desc="trying thresholds") as bar:

        def show(share_done: float) -> None:
            bar.update(round(100 * share_done) - bar.n)

        return self_test.run(
            self_test.drawn(people, seed=options["seed"], limit=options["users"] or len(people)),
            population=population_prior(people, num_categories=log.catalogue.shares.shape[1]),
            settings=detectors.DEFAULT,
            seed=options["seed"],
            report=show,
        )


def _line(row: self_test.Reached) -> str:
    is_own = abs(row.threshold - detectors.DEFAULT.threshold) < 1e-9
    delays = (row.median_delay, row.late_delay)
    half, late = ("-" if delay is None else f"{delay:.0f} events" for delay in delays)
    return (
        f"{row.threshold:7.2f}{'*' if is_own else ' '}   {row.false_alarms_per_1000:11.2f}   "
        f"{row.found_share:5.0%}   {row.low:4.0%} to {row.high:4.0%}   {half:>10}   {late:>13}"
    )


def _advice(found: self_test.SelfTest, budget: float) -> str:
    best = self_test.threshold_for(found.reached, false_alarms_per_1000=budget)
    if best is None:
        return f"No threshold tried keeps within {budget:g} false alarms per 1,000 events."
    return (
        f"Within {budget:g} false alarms per 1,000 events: threshold {best.threshold:.2f}, which finds "
        f"{best.found_share:.0%} of the changes. Choose it on the site under Drift, Self-test."
    )
