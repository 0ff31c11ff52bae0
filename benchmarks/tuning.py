"""A study spread over two workers, one of which is killed in the middle.

    python -m benchmarks.tuning [--data FOLDER] [--algorithm als] [--trials 30] [--sampler tpe] [--home FOLDER]

Starts PostgreSQL, Redis and two workers of the queue `tuning` of its own in a folder that is gone afterwards,
imports a folder (a simulated population without one), asks for a study and kills one worker with all its
processes (kill -9) when a third of the trials have ended and both are at work. The other goes on; what a
schedule asks of a site, that lost trials are sent again, is asked here too. Prints the trials and exits 1 unless
the study ends with all its trials, the lost one done by its second attempt, none done twice, and settings that
are better on validation than the usual ones.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.live import Aim

if TYPE_CHECKING:
    from recommender.models import Study

ROOT = Path(__file__).resolve().parents[1]
NUM_WORKERS = 2
# A killed worker's trial is given to another after this; a site waits 30 seconds.
LEASE_SECONDS = 6
LOOK_SECONDS = 0.05
# The schedule of a site does it every 15 seconds. Without, a study whose other trials end before the lease of a
# lost one has run out would wait for ever.
RECLAIM_SECONDS = 1.0
# What a process that is held still had sent before is written by then.
SETTLE_SECONDS = 0.2
PATIENCE_SECONDS = 1_800.0
START_SECONDS = 180.0


@dataclass
class Story:
    """What was seen of a study while it ran.

    Attributes:
        most_at_work: trials under a lease that had not expired, at one look
        lost: numbers of the trials that were at work when the worker was killed, and were begun again
    """

    most_at_work: int = 0
    killed_after: int = 0
    seconds: float = 0.0
    lost: list[int] = field(default_factory=list)


def main() -> None:
    """Run a study, print what became of it, exit 1 where it falls short."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="a data folder; a simulated one without")
    parser.add_argument("--algorithm", default="als")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--sampler", default="tpe")
    parser.add_argument("--home", type=Path, help="keep the site in this folder, or use it")
    options = parser.parse_args()
    home = options.home or Path(tempfile.mkdtemp(prefix="recsite-bench-"))
    home.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        RECSITE_HOME=str(home),
        DJANGO_SETTINGS_MODULE="recsite.settings",
        RUN_LEASE_SECONDS=str(LEASE_SECONDS),
        OMP_NUM_THREADS="1",
    )
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    from recsite import embedded

    servers = [embedded.start_postgres(home), embedded.start_redis(home)]
    try:
        is_good = run(options)
    finally:
        for server in reversed(servers):
            embedded.stop(server)
        if options.home is None:
            shutil.rmtree(embedded.socket_folder(home), ignore_errors=True)
            shutil.rmtree(home, ignore_errors=True)
    sys.exit(0 if is_good else 1)


def run(options: argparse.Namespace) -> bool:
    """Fill the site, do the study, print it; return whether every aim was reached."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.utils import timezone

    from recommender import tasks
    from recommender.services import tuning

    call_command("migrate", verbosity=0)
    _fill(options.data, settings.RECSITE_HOME)
    study = tuning.request(
        algorithm=options.algorithm,
        sampler=options.sampler,
        num_trials=options.trials,
        max_at_once=NUM_WORKERS,
        now=timezone.now(),
    )
    workers = [start_worker(number, settings.RECSITE_HOME) for number in range(NUM_WORKERS)]
    try:
        wait_for(workers)
        tasks.enqueue_run(study)
        story = follow(study, workers)
    finally:
        for worker in workers:
            kill(worker)
    print_trials(study)
    aims = compare(study, story)
    print(f"\n{'aim':<52}{'measured':>18}{'to reach':>12}")
    for aim in aims:
        missed = "" if aim.is_reached else "   MISSED"
        print(f"{aim.name:<52}{aim.measured:>18}{aim.aim:>12}{missed}")
    return all(aim.is_reached for aim in aims)


def start_worker(
    number: int, home: Path, *, environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a worker of the queue `tuning` in a group of its own, its log in the home."""
    with (home / f"tuning-{number}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "recsite", "worker", "-Q", "tuning", "-c", "1",
             "-n", f"tuning{number}@%h", "--without-gossip", "--without-mingle", "--loglevel", "INFO"],
            cwd=ROOT, stdout=log, stderr=log, start_new_session=True, env=environment,
        )  # fmt: skip


def wait_for(workers: list[subprocess.Popen[bytes]]) -> None:
    """Return when all workers answer, so that no study is over before the last of them is up."""
    from recsite.celery import app

    began = time.monotonic()
    while len(app.control.ping(timeout=1.0) or []) < len(workers):
        if time.monotonic() - began > START_SECONDS:
            raise SystemExit("The workers do not start; see their logs.")


def kill(worker: subprocess.Popen[bytes]) -> None:
    """Kill a worker with all its processes, as when its machine is gone."""
    if worker.poll() is None:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def follow(
    study: Study,
    workers: list[subprocess.Popen[bytes]],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Story:
    """Watch a study to its end; kill the first worker when a third is done and all are at work."""
    from interests.models import RunState
    from recommender import tasks

    story, began = Story(), time.monotonic()
    reclaimed = began
    least = max(study.num_trials // 3, 1)
    victims: list[int] = []
    while study.state in (RunState.WAITING, RunState.STARTED):
        if time.monotonic() - began > patience_seconds:
            raise SystemExit("The study does not end; see the workers' logs.")
        if time.monotonic() - reclaimed > RECLAIM_SECONDS:
            reclaimed = time.monotonic()
            tasks.reclaim_abandoned()
        at_work = _at_work(study)
        story.most_at_work = max(story.most_at_work, len(at_work))
        num_ended = study.trials.filter(state__in=[RunState.DONE, RunState.FAILED]).count()
        if not story.killed_after and num_ended >= least and len(at_work) == len(workers):
            # Held still, it cannot end its trial between this look and its death; where all are at work now,
            # it has one, because nobody has two.
            os.killpg(workers[0].pid, signal.SIGSTOP)
            time.sleep(SETTLE_SECONDS)
            victims = _at_work(study)
            if len(victims) == len(workers):
                kill(workers[0])
                story.killed_after = num_ended
            else:
                os.killpg(workers[0].pid, signal.SIGCONT)
        time.sleep(LOOK_SECONDS)
        study.refresh_from_db()
    story.seconds = time.monotonic() - began
    again = study.trials.filter(number__in=victims, attempt__gt=1)
    story.lost = list(again.values_list("number", flat=True))
    return story


def _at_work(study: Study) -> list[int]:
    """Return the numbers of the trials that are under a lease."""
    from django.utils import timezone

    from interests.models import RunState

    under_way = study.trials.filter(state=RunState.STARTED, lease_expires_at__gte=timezone.now())
    return list(under_way.values_list("number", flat=True))


def print_trials(study: Study) -> None:
    """Print every trial, in the order in which they were begun."""
    from recommender.charts import studies as charts

    print(f"{study.algorithm}, {study.sampler}, {study.split}\n")
    print(f"{'trial':>5}{'NDCG@10':>10}{'s':>8}{'attempt':>9}  settings")
    for trial in study.trials.order_by("number"):
        value = f"{trial.value:.4f}" if trial.value is not None else "early" if trial.is_pruned else trial.state  # fmt: skip
        said = ", ".join(
            f"{charts.setting_name(name).lower()} {charts.setting_value(one)}"
            for name, one in trial.settings.items()
        )
        print(f"{trial.number:>5}{value:>10}{_seconds(trial):>8.1f}{trial.attempt:>9}  {said}")


def compare(study: Study, story: Story) -> list[Aim]:
    """Return what was seen beside what is to be reached."""
    from interests.models import RunState

    trials = list(study.trials.order_by("number"))
    num_ended = sum(trial.state in (RunState.DONE, RunState.FAILED) for trial in trials)
    best, start = study.results.get("best") or {}, study.results.get("start_ndcg") or 0.0
    found = float(best.get("ndcg", 0.0))
    work = sum(_seconds(trial) for trial in trials)
    numbers = [trial.number for trial in trials]
    return [
        Aim("the study ends", study.state, "done", study.state == RunState.DONE),
        Aim("trials that ended", f"{num_ended}", f"{study.num_trials}", num_ended == study.num_trials),
        Aim("each number once", f"{len(set(numbers))}", f"{len(numbers)}", sorted(set(numbers)) == numbers),
        Aim("trials when one worker was killed", f"{story.killed_after}", "> 0", story.killed_after > 0),
        Aim("its trial was begun again by the other", f"{story.lost}", "one", len(story.lost) == 1),
        Aim("at work at one time, at most", f"{story.most_at_work}", f"{NUM_WORKERS}", story.most_at_work == NUM_WORKERS),
        Aim("NDCG@10 on validation, usual settings to best", f"{start:.4f} to {found:.4f}", "more", found > start),
        Aim("seconds of trials in seconds of the clock", f"{work:.0f} in {story.seconds:.0f}", "", True),
    ]  # fmt: skip


def _fill(data: Path | None, home: Path) -> None:
    from django.core.management import call_command
    from django.utils import timezone

    from interests.models import ImportRun, Interaction
    from interests.services import importing, running

    if Interaction.objects.exists():
        return
    if data is None:
        data = home / "simulated"
        call_command("simulate", str(data), "--users", "400", "--items", "600")
    run = running.request(ImportRun, now=timezone.now(), source=str(data.resolve()))
    importing.import_folder(run_id=run.pk)


def _seconds(trial: Any) -> float:
    if trial.started_at is None or trial.finished_at is None:
        return 0.0
    return float((trial.finished_at - trial.started_at).total_seconds())


if __name__ == "__main__":
    main()
