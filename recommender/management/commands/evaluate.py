"""Compare algorithms on held-out events of a data folder, without a database."""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from interests import datasets
from interests.datasets.log import InteractionLog
from interests.management.arguments import writable
from interests.management.durations import seconds
from recommender import algorithms
from recommender.algorithms.protocol import CannotFit
from recommender.evaluation import runner, splits
from recommender.evaluation.answers import BadRequest, Request
from recommender.evaluation.results import Result
from recommender.evaluation.splits import Split
from recommender.management import evaluation_table
from recommender.management.progress import Progress

HELP = """Fit algorithms on a part of a data folder's events and ask them for the rest: ranking over all items, those
seen before masked, with 95 % intervals over end users and a paired test against the baseline that
was best on validation. Most popular and recently popular are always in the table.

Example:
  manage.py evaluate --data DATA/movielens --split leave-one-out --algorithms all --json evaluation.json
  manage.py evaluate --data DATA/movielens --split time --algorithms item_knn,ease --k 20 --budget 10m

Prints a table; --json writes a list of {"algorithm", "metrics", "intervals", "p_value", "segments",
"targets_sha256", "fit_seconds", "score_seconds", ...}."""


class Command(BaseCommand):
    help = HELP
    requires_system_checks: tuple[str, ...] = ()

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--data", required=True, metavar="FOLDER", help="the data folder")
        add("--split", choices=splits.NAMES, default=splits.LEAVE_ONE_OUT, help="what is held out")
        add("--algorithms", default="usual", metavar="NAMES",
            help="all, usual, or names with commas between; `manage.py algorithms` lists them")  # fmt: skip
        add("--k", type=int, default=10, help="length of the lists (10)")
        add("--ties", choices=("random", "file"), default="random",
            help="order of one person's events at one time: drawn from the seed, or the file's")  # fmt: skip
        add("--request-time", choices=("unknown", "known"), default="unknown",
            help="whether algorithms may see when the target happened")  # fmt: skip
        add("--repeats", action="store_true", help="keep targets seen before, and mask nothing")
        add("--budget", type=seconds, metavar="10m", help="time to fit one algorithm: 90s, 10m, 1h")
        add("--seed", type=int, default=0, help="of everything that is drawn (0)")
        add("--json", metavar="OUT", help="file to write the results to")

    def handle(self, *args: Any, **options: Any) -> None:
        out = writable(options["json"]) if options["json"] else None
        try:
            results, split, unfitted = _evaluate(options)
        except (
            datasets.DatasetError,
            algorithms.UnknownAlgorithm,
            splits.CannotSplit,
            BadRequest,
            CannotFit,
        ) as error:
            raise CommandError(str(error)) from error
        if out:
            asked = _asked(options) | {"left_out": split.left_out}
            rows = [result.as_json() | asked for result in results]
            out.write_text(json.dumps(rows, indent=2) + "\n")
        for line in evaluation_table.lines(results, split=split, unfitted=unfitted):
            self.stdout.write(line)


def _evaluate(options: dict[str, Any]) -> tuple[list[Result], Split, dict[str, str]]:
    request = Request(
        k=options["k"],
        seed=options["seed"],
        is_request_time_known=options["request_time"] == "known",
        has_repeats=options["repeats"],
        budget_seconds=options["budget"],
    )
    names = algorithms.chosen_names(options["algorithms"].split(","))
    with Progress() as progress:
        progress("reading", 0.0)
        log: InteractionLog = datasets.read(options["data"])
        log = log.sorted(ties=options["ties"], seed=request.seed)
        split = splits.split(log, name=options["split"], has_repeats=request.has_repeats)
        made = [algorithms.make(name) for name in names]
        unfitted: dict[str, str] = {}
        results = runner.run(
            split, algorithms=made, request=request, report=progress, unfitted=unfitted
        )
    return results, split, unfitted


def _asked(options: dict[str, Any]) -> dict[str, Any]:
    """Return what distinguishes this table from others, so that none are mixed up."""
    names = ("split", "k", "ties", "request_time", "repeats", "seed")
    return {name: options[name] for name in names} | {"budget_seconds": options["budget"]}
