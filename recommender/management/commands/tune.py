"""Search for better settings of an algorithm, or put those that a study found to use."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from interests import datasets
from interests.management.arguments import insist_on_seed, writable
from interests.management.durations import seconds
from interests.models import RunState
from recommender import algorithms, tasks
from recommender.evaluation import splits
from recommender.management import tuning_table
from recommender.management.progress import Progress
from recommender.management.tuning_table import Found, Line
from recommender.models import Study
from recommender.services import tuning
from recsite import heartbeats

HELP = """Search for settings of an algorithm that do better on validation than its usual ones. The test is never
opened. By default on the events of the site: a study is asked for, and any number of workers of the queue
`tuning` do its trials. With --data on the files of a folder, in this process, without a database.

Example:
  manage.py tune --algorithm ease --trials 30
  manage.py tune --algorithm interest_network --trials 40 --sampler tpe --workers 8 --budget 5m
  manage.py tune --algorithm als --data data/ml-latest-small --workers 2 --json study.json
  manage.py tune --use 7
  manage.py tune --use-usual ease

The last but one lets the best settings of study 7 be used from the next training, evaluation or publication
on; the last takes them back. Nothing does so by itself."""
LOOK_SECONDS = 1.0
QUEUE = "tuning"


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--algorithm", metavar="NAME", help="`manage.py algorithms` lists them")
        add(
            "--trials",
            type=int,
            default=30,
            help="at most so many, the usual settings included (30)",
        )
        # A plain word: it goes to processes that have no models to read another with.
        add("--sampler", choices=Study.Sampler.values, default=Study.Sampler.TPE.value,
            help="what is tried next: by the trials so far (tpe), by chance, or all of a grid")  # fmt: skip
        add("--workers", type=int, metavar="N",
            help="trials at once at most (4); with --data, processes (1)")  # fmt: skip
        add("--split", choices=splits.NAMES, default=splits.LEAVE_ONE_OUT, help="what is held out")
        add("--budget", type=seconds, default=tuning.BUDGET_SECONDS, metavar="10m",
            help="time to fit one trial: 90s, 10m, 1h")  # fmt: skip
        add("--seed", type=int, default=0, help="of everything that is drawn (0)")
        add("--data", metavar="FOLDER", help="a data folder in place of the site's events")
        add("--json", metavar="OUT", help="file to write the trials to")
        add("--no-wait", action="store_true", help="ask for the study and leave")
        add("--use", type=int, metavar="STUDY", help="use its best settings from now on")
        add("--use-usual", metavar="NAME", help="use an algorithm's usual settings again")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["use"] is not None:
            self.stdout.write(_use(options["use"]))
            return
        if options["use_usual"]:
            self.stdout.write(_use_usual(options["use_usual"]))
            return
        if not options["algorithm"]:
            raise CommandError("Say which: --algorithm NAME. `manage.py algorithms` lists them.")
        out = writable(options["json"]) if options["json"] else None
        found = _here(options) if options["data"] else self._on_the_site(options)
        if found is None:
            return
        if out:
            out.write_text(json.dumps(found.as_json(), indent=2) + "\n")
        for line in tuning_table.lines(found):
            self.stdout.write(line)

    def _on_the_site(self, options: dict[str, Any]) -> Found | None:
        study = _request(options)
        if not tasks.enqueue_run(study):
            self.stderr.write("The queue cannot be reached; the study waits until it can.")
        if heartbeats.seconds_since_seen(names=[QUEUE])[QUEUE] is None:
            self.stderr.write(
                "No worker for studies has been seen yet. Start one, on any machine:\n"
                f"  celery -A recsite worker -Q {QUEUE}"
            )
        self.stdout.write(f"Study {study.pk} of {study.algorithm} is asked for.")
        if options["no_wait"]:
            return None
        try:
            with Progress() as progress:
                _follow(study, progress)
        except KeyboardInterrupt:
            self.stdout.write(f"\nStudy {study.pk} goes on; its page can stop it.")
            return None
        if study.state == RunState.FAILED:
            raise CommandError(f"Study {study.pk} failed. {study.error}")
        self.stdout.write(f"Study {study.pk} is {study.state}. To use its best: --use {study.pk}")
        return _of_rows(study)


def _request(options: dict[str, Any]) -> Study:
    try:
        return tuning.request(
            algorithm=options["algorithm"],
            sampler=options["sampler"],
            num_trials=options["trials"],
            max_at_once=4 if options["workers"] is None else options["workers"],
            split=options["split"],
            seed=options["seed"],
            budget_seconds=options["budget"],
            now=timezone.now(),
        )
    except tuning.CannotTune as error:
        raise CommandError(str(error)) from error


def _follow(study: Study, progress: Progress) -> None:
    while study.state in (RunState.WAITING, RunState.STARTED):
        progress(study.step or "waiting for a worker", study.share_done)
        connection.close()
        time.sleep(LOOK_SECONDS)
        study.refresh_from_db()


def _of_rows(study: Study) -> Found:
    rows = [
        Line(
            number=row.number,
            params=row.settings,
            value=row.value,
            is_pruned=row.is_pruned,
            seconds=(row.finished_at - row.started_at).total_seconds()
            if row.finished_at and row.started_at
            else None,
            error=row.error,
        )
        for row in study.trials.order_by("number")
    ]
    return Found(study.algorithm, rows, study.results.get("importances", {}))


def _here(options: dict[str, Any]) -> Found:
    from recommender.evaluation import searching
    from recommender.management import tuning_here

    asked = tuning_here.Asked(
        folder=options["data"],
        algorithm=options["algorithm"],
        split=options["split"],
        sampler=options["sampler"],
        num_trials=options["trials"],
        seed=options["seed"],
        budget_seconds=options["budget"],
    )
    if not tuning.LEAST_TRIALS <= asked.num_trials <= tuning.MOST_TRIALS:
        raise CommandError("--trials must be from 2 to 1,000.")
    insist_on_seed(asked.seed)
    try:
        with Progress() as progress:
            done = list(tuning_here.search(asked, workers=options["workers"] or 1, tell=progress))
        space = tuning_here.space_of(asked)
    except (
        algorithms.UnknownAlgorithm,
        datasets.DatasetError,
        splits.CannotSplit,
        tuning_here.Nothing,
    ) as error:
        raise CommandError(str(error)) from error
    done.sort(key=lambda one: one.number)
    rows = [
        Line(one.number, one.tried.params, one.tried.value, one.tried.is_pruned, one.seconds, one.error)
        for one in done
    ]  # fmt: skip
    importances = searching.importances(space, [one.tried for one in done], seed=asked.seed)
    return Found(asked.algorithm, rows, importances)


def _use(number: int) -> str:
    study = Study.objects.filter(pk=number).first()
    if study is None:
        raise CommandError(f"There is no study {number}.")
    try:
        chosen = tuning.use(study=study, now=timezone.now(), by=None)
    except tuning.NothingToUse as error:
        raise CommandError(str(error)) from error
    return (
        f"{tuning.where_used(study.algorithm).capitalize()} of {study.algorithm} is made with "
        f"{tuning_table.said(chosen.settings)}."
    )


def _use_usual(algorithm: str) -> str:
    if not tuning.use_usual(algorithm=algorithm):
        raise CommandError(f"{algorithm} is used with its usual settings already.")
    return f"{algorithm} is used with its usual settings again."
