"""The chain of runs without workers: each run's service called here, one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from django.core.management import CommandError
from django.db import DatabaseError, connection
from django.utils import timezone

from interests.models import ImportRun, PopulationRun, Run, RunState, TrackingRun, TrainingRun
from interests.services import running
from recommender.management.terminal import Terminal
from recommender.models import EvaluationRun, PublicationRun
from recommender.services import advancing, counting, demonstrating

LOOK_SECONDS = 1.0
# The lease of a run whose holder was killed ends after this.
PATIENCE_SECONDS = running.LEASE_SECONDS + 10


def work_until_published(*, terminal: Terminal) -> None:
    """Do the runs that the data calls for, up to the slates.

    Raises:
        CommandError: a run failed, with its reason.
    """
    for run_class in demonstrating.RUN_CLASSES[:-1]:
        if run_class is TrainingRun:
            counting.count_popular_items(now=timezone.now())
        while (run := _next(run_class)) is not None:
            _work(run, terminal)


def _next(run_class: type[Run]) -> Run | None:
    """Return the run of this class that is to be done, requesting it where the data calls for one."""
    rows = run_class._default_manager.filter(state__in=advancing.ACTIVE).order_by("pk")
    if run_class is not ImportRun and not rows.exists():
        advancing.advance(now=timezone.now())
    return rows.first()


def _work(run: Run, terminal: Terminal) -> None:
    is_over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(run, terminal, is_over), daemon=True)
    watcher.start()
    try:
        _claim_and_work(run)
    except (running.RunNotClaimed, running.RunStopped) as error:
        raise CommandError(str(error)) from error
    except Exception:
        run.refresh_from_db()
        if run.state != RunState.FAILED:
            raise
    finally:
        is_over.set()
        watcher.join()
    run.refresh_from_db()
    terminal.show_end(run)
    if run.state != RunState.DONE:
        raise CommandError(f"{run} {run.state}: {run.error}")


def _claim_and_work(run: Run) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            _service(run)(run_id=run.pk)
        except running.RunNotClaimed:
            if time.monotonic() > deadline:
                raise
            time.sleep(LOOK_SECONDS)
        else:
            return


def _watch(run: Run, terminal: Terminal, is_over: threading.Event) -> None:
    while not is_over.wait(LOOK_SECONDS):
        try:
            terminal.show_progress([type(run)._default_manager.get(pk=run.pk)])
        except DatabaseError:
            continue  # shown again when it answers
        finally:
            connection.close()


def _service(run: Run) -> Callable[..., None]:
    # Torch comes with these; whoever only starts a site does not wait for it.
    from interests.services import describing, importing, tracking, training  # noqa: PLC0415
    from recommender.services import evaluating, publishing  # noqa: PLC0415

    services: dict[type[Run], Callable[..., None]] = {
        ImportRun: importing.import_folder,
        TrainingRun: training.train,
        TrackingRun: tracking.track_everybody,
        PopulationRun: describing.describe_population,
        PublicationRun: publishing.publish,
        EvaluationRun: evaluating.evaluate,
    }
    return services[type(run)]
