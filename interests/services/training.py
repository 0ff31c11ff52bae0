"""Training runs: from the events in the database to weights on disk, in this process, under a lease."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from django.conf import settings
from django.db import transaction

from interests.learning import checkpoints, progress, trainer
from interests.learning.config import BadSettings, TrainingConfig
from interests.learning.distributed import ALONE, RankFailed, Ranks
from interests.learning.preparation import TooFewEvents
from interests.learning.progress import Progress
from interests.learning.trained import TrainedNetwork
from interests.models import RunState, TrainingRun
from interests.selectors import choices, events, trainings
from interests.selectors.events import DatabaseLog
from interests.services import areas, running
from interests.services.reporting import Progress as Shown
from interests.services.running import CannotRun, Hold, RunInterrupted, RunLetGo

REPORT_SECONDS = 1.0
# A network soon, also where the processors are few and busy. Twelve passes over MovieLens small took
# 286 s of one busy core; `max_seconds` in the run's settings asks for more.
SECONDS_PER_100_000_EVENTS = 240
# What ends a run for good; a second attempt would end the same way.
NOT_WORTH_A_SECOND_TRY = (TooFewEvents, BadSettings, trainer.TrainingDiverged)

log = structlog.get_logger()


class NotTrained(Exception):
    """The run has no weights: it is not done."""


@dataclass(frozen=True)
class _Plan:
    """What the processes that help with a run have to know to learn from the same events."""

    run_id: int
    last_key: int
    window_to: datetime | None
    config: dict[str, Any]


def train(
    *,
    run_id: int,
    report_to_terminal: bool = False,
    must_end: Callable[[], bool] | None = None,
    ranks: Ranks = ALONE,
) -> None:
    """Do the whole of one training run, from its last checkpoint if an earlier attempt left one.

    Args:
        report_to_terminal: show a progress bar, or a line a minute where there is no terminal.
        must_end: asked after each step whether this process has to end; the run then waits for another.
        ranks: the processes that train together, of which this is the first; the others `help_to_train`.

    Raises:
        RunNotClaimed: somebody else is at it, or it has ended.
        RunStopped: somebody asked for it.
        RunOvertaken: another process has taken it over.
        RunLetGo: `must_end` said so, and a checkpoint is kept.
        RunInterrupted: another of the processes has ended; the run can be taken up at once.
        CannotRun: the data or the settings do not allow it; the message says why.
        OSError: the disk is full.
    """
    _remove_leftovers()
    with (
        running.held(TrainingRun, run_id=run_id) as hold,
        Shown(hold, is_shown=report_to_terminal) as shown,
    ):
        try:
            _train(hold, shown=shown, must_end=must_end, ranks=ranks)
        except NOT_WORTH_A_SECOND_TRY as error:
            raise CannotRun(str(error)) from error
        except trainer.TrainingStopped as error:
            raise RunLetGo(f"{hold.run} waits for another process to go on.") from error
        except RankFailed as error:
            raise RunInterrupted(str(error)) from error


def help_to_train(*, ranks: Ranks) -> None:
    """Do this process's part of the run that process 0 trains; it alone writes anything.

    Raises:
        RankFailed: process 0 or another one has ended.
        CannotJoin: this process sees other events than process 0.
    """
    plan = ranks.of_first(lambda: None)
    assert isinstance(plan, _Plan)
    run = TrainingRun.objects.get(pk=plan.run_id)
    loaded = _read(run, last_key=plan.last_key, until=plan.window_to)
    trainer.fit(loaded.log, config=TrainingConfig.from_dict(plan.config), ranks=ranks)


def latest_done() -> TrainingRun | None:
    """Return the newest finished training on all that had happened, None before the first."""
    return trainings.for_now().filter(state=RunState.DONE).order_by("-finished_at", "-pk").first()


def load(training_run: TrainingRun) -> TrainedNetwork:
    """Return the network of a finished training.

    Raises:
        NotTrained: the training is not done.
        DamagedWeights: its files are missing or not those that it wrote.
        ForeignWeights: another release wrote them.
    """
    if training_run.state != RunState.DONE or not training_run.weights_path:
        raise NotTrained(f"{training_run} is {training_run.state}: it has no network yet.")
    folder = Path(settings.RECSITE_HOME) / training_run.weights_path
    return checkpoints.load(folder, training_run.weights_sha256)


def folder_of(run_id: int) -> Path:
    """Return where a training keeps its checkpoint and its weights."""
    return Path(settings.RECSITE_HOME) / _relative_folder(run_id)


def _train(hold: Hold, *, shown: Shown, must_end: Callable[[], bool] | None, ranks: Ranks) -> None:
    run: TrainingRun = hold.run  # type: ignore[assignment]  # held as one
    hold.report("Reading the events", 0.0)
    loaded = _read_again(run)
    config = _config(run, loaded)
    facts = {**_facts(loaded), "settings": config.to_dict()}
    window = _window(run, loaded)
    hold.report("Preparing the histories", 0.0, results=facts, **window)
    ranks.of_first(
        lambda: _Plan(
            run_id=run.pk,
            last_key=facts["last_event_key"],
            window_to=window.get("window_to"),
            config=facts["settings"],
        )
    )
    trained = trainer.fit(
        loaded.log,
        config=config,
        directory=folder_of(run.pk),
        report=_reporter(hold, facts=facts, shown=shown),
        is_stopped=must_end,
        ranks=ranks,
    )
    results = {**facts, **trained.results}
    # A network of an earlier time is for looking back; what is today is not its business.
    sorted_items = (
        None
        if trainings.UNTIL in run.settings
        else areas.sort_items(trained, loaded.log, loaded.loaded, seed=run.seed)
    )
    sha256 = checkpoints.save(replace(trained, results=results), folder_of(run.pk))
    with transaction.atomic():
        # Whoever has lost the run writes nothing here, and `end` then says so.
        hold.mine().update(weights_path=_relative_folder(run.pk), weights_sha256=sha256)
        if sorted_items is not None:
            results["num_areas"] = areas.write(sorted_items)
        hold.end(RunState.DONE, results=results)
    progress.remove(folder_of(run.pk))
    log.info("training_done", run_id=run.pk, **results["validation"], seconds=results["seconds"])


def _config(run: TrainingRun, loaded: DatabaseLog) -> TrainingConfig:
    """Return the settings of the first attempt, so that its checkpoint fits; else those that suit."""
    if "settings" in run.results:
        # What they were chosen by, the speed of this machine at that moment, is another now.
        with suppress(BadSettings):  # another release's
            return TrainingConfig.from_dict(run.results["settings"])
    limit = SECONDS_PER_100_000_EVENTS * max(loaded.log.num_events / 100_000, 1.0)
    limit = run.settings.get("max_seconds", limit)
    # Up to when it reads stands in the row's window.
    wishes = {"seed": run.seed, **choices.training_settings(run), **run.settings}
    wishes.pop(trainings.UNTIL, None)
    return TrainingConfig.for_data(loaded.log, budget_seconds=limit, **wishes)


def _read_again(run: TrainingRun) -> DatabaseLog:
    """Return the events to learn from: those of the first attempt, so that its checkpoint fits."""
    return _read(run, last_key=run.results.get("last_event_key"), until=run.window_to)


def _read(run: TrainingRun, *, last_key: int | None, until: datetime | None) -> DatabaseLog:
    """Return the events stored up to a key and dated up to a time.

    Events dated ahead of the clock are left out: `window_to` says until when the network has seen
    everything, and trackers believe its word about whatever comes after that.
    """
    known = events.interaction_log(until=until, last_key=last_key, seed=run.seed)
    return known.happened_by(run.started_at or run.requested_at)


def _facts(loaded: DatabaseLog) -> dict[str, Any]:
    own = loaded.log
    return {
        "num_events": own.num_events,
        "num_users": len(np.unique(own.users)),
        "num_items": len(np.unique(own.items)),
        "last_event_key": int(own.positions.max(initial=0)),
    }


def _window(run: TrainingRun, loaded: DatabaseLog) -> dict[str, datetime]:
    """Return the times of the first and last event."""
    times = loaded.log.times
    if not len(times):
        return {}
    return {"window_from": _moment(times.min()), "window_to": run.window_to or _moment(times.max())}


def _moment(microseconds: np.int64) -> datetime:
    naive: datetime = np.datetime64(int(microseconds), "us").astype(datetime)
    return naive.replace(tzinfo=UTC)


def _reporter(hold: Hold, *, facts: dict[str, Any], shown: Shown) -> Callable[[Progress], None]:
    """Return what writes the curves after each pass and asks once a second whether to go on."""
    asked_at, num_written = time.monotonic(), -1

    def write(now: Progress) -> None:
        nonlocal asked_at, num_written
        shown.step(now.step, now.share_done)
        if len(now.curves["loss"]) > num_written:
            num_written = len(now.curves["loss"])
            hold.report(now.step, now.share_done, results={**facts, "curves": now.curves})
        elif time.monotonic() - asked_at >= REPORT_SECONDS:
            asked_at = time.monotonic()
            hold.check()

    return write


def _relative_folder(run_id: int) -> str:
    return f"networks/{run_id}"


def _remove_leftovers() -> None:
    """Remove the checkpoints of trainings that have ended; nobody will go on from them."""
    found = {
        int(path.parent.name): path.parent
        for path in Path(settings.RECSITE_HOME).glob(f"networks/*/{progress.FILE}")
        if path.parent.name.isdecimal()
    }
    unfinished = TrainingRun.objects.filter(
        pk__in=found, state__in=[RunState.WAITING, RunState.STARTED]
    )
    for run_id in set(found) - set(unfinished.values_list("pk", flat=True)):
        progress.remove(found[run_id])
