"""Evaluate algorithms on data sets, splits and seeds as a queue, and write the table to docs/experiments.md.

    python -m benchmarks.accuracy --data FOLDER [--data FOLDER] --queue DIR [--algorithms all]
        [--split leave-one-out --split time] [--ties file] [--seeds 0,1,2] [--budget 10m] [--k 10]
    python -m benchmarks.accuracy --queue DIR --table

Every job, one algorithm on one split of one data set with one seed, ends as a file in DIR, written whole or
not at all. Stop it as you like, kill -9 included: the same command goes on with what is missing, and tries
again what failed. `--table` works nothing out but the table, from whatever is in DIR.

Seeds vary the algorithms, never the split: ties in time are drawn from seed 0. What is solved in closed form runs
with the first seed only. Settings and the baseline are chosen on validation; the test is asked once a job.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product
from pathlib import Path

from benchmarks import accuracy_jobs, accuracy_table
from benchmarks.accuracy_jobs import Job
from interests import datasets
from interests.management.durations import seconds
from recommender import algorithms
from recommender.algorithms.protocol import CannotFit
from recommender.evaluation import runner, splits
from recommender.evaluation.answers import BadRequest, Request
from recommender.evaluation.splits import Split
from recommender.management.progress import Progress

ROOT = Path(__file__).resolve().parents[1]
# The same answer whatever the seed, but for the order of items with equal scores.
CLOSED_FORMS = ("most_popular", "recently_popular", "item_knn", "ease", "recent_ease")
# Ties in time are drawn from this seed whatever the job's: all seeds are asked the same questions.
SPLIT_SEED = 0
STOPPED = 130


def main(arguments: list[str] | None = None) -> int:
    """Work through the queue and write the table; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.table and not options.data:
        parser.error("Name a data folder with --data, or ask for the --table of what is done.")
    try:
        options.queue.mkdir(parents=True, exist_ok=True)
        jobs = [] if options.table else _jobs(options)
        failed = _work_through(jobs, options.queue)
        accuracy_table.write(options.document, accuracy_jobs.finished(options.queue))
    except (
        algorithms.UnknownAlgorithm,
        accuracy_table.CannotWrite,
        accuracy_jobs.BadQueue,
        datasets.DatasetError,
        splits.CannotSplit,
        BadRequest,
    ) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        print("Stopped. The same command goes on where this one was.", file=sys.stderr)
        return STOPPED
    print(f"The table is in {options.document}.")
    return int(failed > 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, action="append", metavar="FOLDER", help="a data folder; repeatable")
    add("--queue", type=Path, required=True, metavar="DIR", help="where finished jobs are kept")
    add("--algorithms", default="all", help=f"all, or some of {','.join(algorithms.names())}")
    add("--split", action="append", choices=splits.NAMES, help="repeatable; both by default")
    add("--ties", choices=("random", "file"), default="random", help="as manage.py evaluate has it")
    add("--seeds", type=_seeds, default=(0,), metavar="0,1,2", help="of the algorithms (0)")
    add("--budget", type=seconds, metavar="10m", help="time to fit one algorithm: 90s, 10m, 1h")
    add("--k", type=int, default=10, help="length of the lists (10)")
    add("--table", action="store_true", help="write the table of what is done, work nothing out")
    add("--document", type=Path, default=ROOT / "docs/experiments.md", help="where the table goes")
    return parser


def _seeds(text: str) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} are no seeds; write 0,1,2.") from error


def _jobs(options: argparse.Namespace) -> list[Job]:
    """Return the jobs, quick ones first within a split, so that a stopped queue has its baselines."""
    names = algorithms.chosen_names(options.algorithms.split(","))
    made = [
        Job(
            data=str(folder.resolve()), split=split, ties=options.ties, k=options.k,
            budget_seconds=options.budget, algorithm=name, seed=seed,
        )
        for folder, split, name in product(options.data, options.split or splits.NAMES, names)
        for seed in (options.seeds[:1] if name in CLOSED_FORMS else options.seeds)
    ]  # fmt: skip
    for job in made:
        Request(k=job.k, seed=job.seed, budget_seconds=job.budget_seconds)
    folders = {(Path(job.data).name, job.data) for job in made}
    if len({name for name, _ in folders}) < len(folders):
        raise accuracy_jobs.BadQueue("Two data folders have the same name; the table needs two.")
    return made


def _work_through(jobs: Sequence[Job], queue: Path) -> int:
    """Do what is not done; return how many jobs failed."""
    waiting = [job for job in jobs if not accuracy_jobs.is_done(queue, job)]
    if jobs:
        print(f"{len(jobs)} jobs, {len(jobs) - len(waiting)} of them done before.", flush=True)
    failed = 0
    for number, job in enumerate(waiting, start=1):
        said = _do(job, queue)
        failed += said.startswith("failed")
        print(f"{number}/{len(waiting)} {job.label}: {said}", flush=True)
    return failed


def _do(job: Job, queue: Path) -> str:
    """Do a job and keep what came out; return it in words."""
    split = _split(job.data, job.split, job.ties)
    algorithm = algorithms.make(job.algorithm)
    request = Request(k=job.k, seed=job.seed, budget_seconds=job.budget_seconds)
    try:
        with Progress() as progress:
            [result] = runner.run(split, algorithms=[algorithm], request=request, report=progress)
    except CannotFit as error:
        accuracy_jobs.keep_failure(queue, job, reason=str(error))
        return f"failed: {error}"
    # Of an algorithm alone, itself would be the baseline; the table finds the best of all.
    result = replace(result, baseline="")
    accuracy_jobs.keep(queue, job, result=result, is_baseline=algorithm.is_baseline)
    everybody = result.segments["all"].values[f"ndcg@{job.k}"]
    return f"NDCG@{job.k} {everybody:.4f}, fit {result.fit_seconds:.0f} s"


@lru_cache(maxsize=1)
def _split(folder: str, name: str, ties: str) -> Split:
    log = datasets.read(folder).sorted(ties=ties, seed=SPLIT_SEED)
    return splits.split(log, name=name)


if __name__ == "__main__":
    sys.exit(main())
