"""Compare how well algorithms tell single interactions of a data folder, without a database."""

from __future__ import annotations

import json
import math
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from interests import datasets
from interests.management.arguments import insist_on_seed, writable
from recommender import algorithms
from recommender.algorithms.examples import TASKS, Task
from recommender.algorithms.protocol import CannotFit
from recommender.evaluation import single
from recommender.evaluation.single import SingleResult
from recommender.management.evaluation_table import grid
from recommender.management.progress import Progress

HELP = """Tell single interactions of a data folder by k-fold cross-validation over people: whether an item is chosen
(events beside items drawn as they were known at that moment), whether it is liked (a value at least the person's
mean, or --like-from), or its rating. People of a fold are asked about from their own earlier events; algorithms are
fitted on everybody else's. Each measure comes with its 95 % interval over people. The base rate and the
means of the person and of the item are always in the table.

Example:
  manage.py predict_interactions --data DATA/movielens --algorithms all --task like --json like.json
  manage.py predict_interactions --data DATA/movielens --algorithms mlp,svm --task rating --folds 10

Prints a table; --json writes a list of {"algorithm", "task", "metrics", "intervals", "folds",
"num_questions", "num_people", "fit_seconds", "answer_seconds", ...}."""


class Command(BaseCommand):
    help = HELP
    requires_system_checks: tuple[str, ...] = ()

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--data", required=True, metavar="FOLDER", help="the data folder")
        add("--algorithms", default="all", metavar="NAMES",
            help="all that can, or names with commas between; `manage.py algorithms` lists them")  # fmt: skip
        add("--task", choices=TASKS, default=TASKS[0], help="what is told (choice)")
        add("--like-from", type=float, metavar="VALUE",
            help="with --task like: the lowest value that is a like; otherwise the person's own mean")  # fmt: skip
        add("--folds", type=int, default=5, help="parts that people are dealt into (5)")
        add("--ties", choices=("random", "file"), default="random",
            help="order of one person's events at one time: drawn from the seed, or the file's")  # fmt: skip
        add("--seed", type=int, default=0, help="of everything that is drawn (0)")
        add("--json", metavar="OUT", help="file to write the results to")

    def handle(self, *args: Any, **options: Any) -> None:
        insist_on_seed(options["seed"])
        if options["like_from"] is not None and options["task"] != "like":
            raise CommandError("--like-from is for --task like.")
        if options["like_from"] is not None and not math.isfinite(options["like_from"]):
            raise CommandError(f"--like-from must be a number, not {options['like_from']}.")
        out = writable(options["json"]) if options["json"] else None
        try:
            results = _predict(options)
        except (
            datasets.DatasetError,
            algorithms.UnknownAlgorithm,
            single.CannotPredict,
            CannotFit,
        ) as error:
            raise CommandError(str(error)) from error
        if out:
            asked = {name: options[name] for name in ("seed", "ties")}
            rows = [
                result.as_json() | asked | {"num_folds": options["folds"]} for result in results
            ]
            out.write_text(json.dumps(rows, indent=2) + "\n")
        for line in _lines(results, num_folds=options["folds"]):
            self.stdout.write(line)


def _predict(options: dict[str, Any]) -> list[SingleResult]:
    task = Task(options["task"], options["like_from"])
    names = single.names_for(options["algorithms"].split(","), task=task)
    with Progress() as progress:
        progress("reading", 0.0)
        log = datasets.read(options["data"]).sorted(ties=options["ties"], seed=options["seed"])
        return single.run(
            log,
            names=names,
            task=task,
            num_folds=options["folds"],
            seed=options["seed"],
            report=progress,
        )


def _lines(results: list[SingleResult], *, num_folds: int) -> Iterator[str]:
    first = results[0]
    share = "" if first.share_of_yes is None else f", {first.share_of_yes:.1%} of them yes"
    yield (
        f"{first.task.name}: {first.num_questions:,} questions about {first.num_people:,} people in "
        f"{num_folds} folds{share}; each value with half of its 95 % interval"
    )
    yield ""
    measures = list(first.measured.values)
    header = [name.replace("_", " ") for name in measures]
    yield from grid(
        [["algorithm", *header, "fit s", "answer s"], *(_row(result) for result in results)]
    )


def _row(result: SingleResult) -> list[str]:
    cells = []
    for name, value in result.measured.values.items():
        low, high = result.measured.intervals.get(name, (value, value))
        cells.append(f"{value:.4f} ±{(high - low) / 2:.4f}")
    seconds = (f"{result.fit_seconds:.1f}", f"{result.answer_seconds:.1f}")
    return [result.algorithm, *cells, *seconds]
