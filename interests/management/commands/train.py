"""Train a network on the events in the database, in this process."""

from __future__ import annotations

import json
import signal
import threading
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from types import FrameType
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from interests.management.durations import seconds
from interests.models import RunState, TrainingRun
from interests.services import running

if TYPE_CHECKING:
    from interests.learning.distributed import Ranks

HELP = """Train a network on the events in the database, on the GPU if there is one, and keep its weights.
A training that was killed goes on from its last checkpoint.

Example:
  manage.py train
  manage.py train --budget 10m
  manage.py train --set width=128 --set dropout=0.2 --seed 1
  manage.py train --run 12
  torchrun --nproc-per-node=2 -- manage.py train --run 12

The first chooses settings by the amount of data, and its time too. With --budget they suit that time: a
short one gets a narrower network, a long one several to average. The last does the training run 12, which somebody
requested or whose process was killed; it is what the workers start. The last does it with two processes,
each on a GPU of its own if there are any; docs/operations.md has the rest, hosts by the dozen included."""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--run", type=int, metavar="ID", help="do this run instead of requesting a new one"
        )
        parser.add_argument("--seed", type=int, default=0, help="of a new run, 0 or more")
        parser.add_argument(
            "--budget",
            type=seconds,
            metavar="10m",
            help="time for a new run: 90s, 10m, 1h; the pass under way is ended",
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            type=_setting,
            metavar="NAME=VALUE",
            help="a setting of a new run, such as width=128 or max_epochs=20; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from interests.learning import distributed

        try:
            with distributed.joined() as ranks:
                if ranks.is_first:
                    self._lead(ranks, options)
                else:
                    _help(ranks)
        except distributed.CannotJoin as error:
            raise CommandError(str(error)) from error

    def _lead(self, ranks: Ranks, options: dict[str, Any]) -> None:
        run_id = options["run"]
        if run_id is None:
            budget = options["budget"]
            limit = {"max_seconds": budget} if budget else {}
            run_id = _request(settings=limit | dict(options["set"]), seed=options["seed"])
        elif options["set"] or options["seed"] or options["budget"]:
            raise CommandError("--set, --budget and --seed are for a new run; leave --run out.")
        elif not TrainingRun.objects.filter(pk=run_id).exists():
            raise CommandError(f"There is no training run {run_id}. Leave --run out for a new one.")
        _train(run_id, ranks)
        run = TrainingRun.objects.get(pk=run_id)
        self.stdout.write(_summary(run))


def _request(*, settings: dict[str, Any], seed: int) -> int:
    from interests.learning.config import BadSettings, TrainingConfig

    if seed < 0:
        raise CommandError("--seed must be 0 or more.")
    if seed > running.MOST_SEED:
        raise CommandError(f"--seed must be at most {running.MOST_SEED:,}, not {seed:,}.")
    try:
        TrainingConfig.from_dict(settings)
    except BadSettings as error:
        raise CommandError(str(error)) from error
    run = running.request(TrainingRun, now=timezone.now(), settings=settings, seed=seed)
    return run.pk


def _train(run_id: int, ranks: Ranks) -> None:
    from interests.services import training

    try:
        training.train(
            run_id=run_id,
            report_to_terminal=True,
            must_end=_terminations().is_set,
            ranks=ranks,
        )
    except (
        running.RunNotClaimed,
        running.RunStopped,
        running.RunOvertaken,
        running.RunLetGo,
        running.RunInterrupted,
    ) as error:
        raise CommandError(str(error)) from error
    except Exception as error:
        raise CommandError(f"Training {run_id} failed. {running.describe(error)}") from error


def _help(ranks: Ranks) -> None:
    """Train with the process that leads, which says what and, by its end, when to end."""
    from interests.learning.distributed import RankFailed
    from interests.services import training

    _terminations()  # process 0 hears it too, keeps a checkpoint and says when to end
    try:
        training.help_to_train(ranks=ranks)
    except RankFailed as error:
        raise CommandError(str(error)) from error


def _terminations() -> threading.Event:
    """Return an event that SIGTERM sets, so that a checkpoint is kept before the process ends."""
    asked = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        asked.set()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, note)
    return asked


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ArgumentTypeError(f"write NAME=VALUE, not {text!r}")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError as error:
        raise ArgumentTypeError(f"{value!r} is not a number") from error


def _summary(run: TrainingRun) -> str:
    if run.state != RunState.DONE:
        return f"{run} is {run.state}. {run.error}"
    results = run.results
    words = ", ".join(f"{key} {value:.4f}" for key, value in results["validation"].items())
    return (
        f"{run} is done: {results['num_events']:,} events of {results['num_users']:,} end users,"
        f" {len(results['curves']['loss'])} passes in {results['seconds']} s on {results['device']}."
        f" Validation: {words or 'too few events for one'}."
    )
