"""The site that `benchmarks.live` puts under load: filled once, run as `make demo` runs it.

python -m benchmarks.live_site PEOPLE fills the site in RECSITE_HOME, whose servers run; the benchmark calls it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import publishing, serving

NUM_EVENTS = 50
QUIET_SECONDS = 300.0
START_SECONDS = 120.0
ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Site:
    """A site that runs.

    Attributes:
        key: of the API
        processes: the first process of each part, by name
    """

    home: Path
    port: int
    key: str
    num_people: int
    processes: dict[str, subprocess.Popen[bytes]]

    def memory(self) -> dict[str, float]:
        """Return the MB of each part; what processes share is split among them."""
        return {
            name: sum(_share_of_memory(one) for one in _family(process)) / 2**20
            for name, process in self.processes.items()
        }

    def cpu_seconds(self) -> dict[str, float]:
        """Return the processor time that each part has used."""
        found = {}
        for name, process in self.processes.items():
            times = [_times(one) for one in _family(process)]
            found[name] = sum(times)
        return found

    def first_answer_seconds(self) -> float:
        """Start the live worker while somebody waits; return the seconds to the slate that has seen it."""
        from django.utils import timezone

        from interests.services import recording
        from recommender.models import Slate

        user_id, now = "user-0", timezone.now()
        event = {
            "event_id": uuid.uuid4().hex, "user_id": user_id, "item_id": "item-1", "kind": "view"
        }  # fmt: skip
        recording.record_events(events=[event], now=now)
        began = time.monotonic()
        self.start("live")
        fresh = Slate.objects.filter(end_user__user_id=user_id, events_through__gte=now)
        while not fresh.exists():
            if time.monotonic() - began > START_SECONDS:
                raise SystemExit(f"The live worker does nothing; see {self.home}/logs/live.log.")
            time.sleep(0.02)
        return time.monotonic() - began

    def start(self, *names: str) -> None:
        """Start some of the programs of a site."""
        from recsite import programs

        for program in programs.site(self.home, port=self.port):
            if program.name in names:
                self.processes[program.name] = program.start(False)

    def wait_until_quiet(self) -> None:
        """Return when no run is under way that the filled data has called for."""
        from interests.models import PopulationRun, RunState, TrackingRun
        from recommender.models import PublicationRun

        deadline = time.monotonic() + QUIET_SECONDS
        under_way = (RunState.WAITING, RunState.STARTED)
        time.sleep(5)  # beat has asked by then
        while any(
            run.objects.filter(state__in=under_way).exists()
            for run in (TrackingRun, PublicationRun, PopulationRun)
        ):
            if time.monotonic() > deadline:
                raise SystemExit("Runs do not end; see the workers' logs.")
            time.sleep(1)


@contextlib.contextmanager
def running(home: Path | None, *, num_people: int) -> Iterator[Site]:
    """Run a filled site but for its live worker and the one that trains; stop all of it afterwards.

    Args:
        home: kept, and used again where it is filled; None: a temporary folder.
    """
    folder = home or Path(tempfile.mkdtemp(prefix="recsite-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(RECSITE_HOME=str(folder), DJANGO_SETTINGS_MODULE="recsite.settings")
    for name in ("DATABASE_URL", "REDIS_URL", "OMP_NUM_THREADS", "OMP_WAIT_POLICY"):
        os.environ.pop(name, None)
    from recsite import embedded

    servers = {
        "postgres": embedded.start_postgres(folder),
        "redis": embedded.start_redis(folder),
    }
    site = Site(folder, serving.free_port(), "", num_people, dict(servers))
    try:
        if not (folder / "filled").exists():
            command = [sys.executable, "-m", "benchmarks.live_site", str(num_people)]
            subprocess.run(command, check=True, cwd=ROOT)
            (folder / "filled").touch()
        site.key = _key()
        (folder / "logs").mkdir(exist_ok=True)
        site.start("web", "asked", "default", "beat")
        serving.wait_for_web(site.port)
        yield site
    finally:
        for process in reversed(list(site.processes.values())):
            embedded.stop(process)
        if home is None:
            shutil.rmtree(embedded.socket_folder(folder), ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)


def _key() -> str:
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from recsite.access import services
    from recsite.access.models import ApiKey, Scope

    call_command("migrate", verbosity=0)
    _, text = services.make_key(
        name="benchmark", scopes=Scope.values, created_by=None, now=timezone.now()
    )
    ApiKey.objects.update(rate_per_minute=600_000)
    return text


def fill(num_people: int) -> None:
    """Fill a site: catalogue, people with histories, a network, states, slates that serve."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from interests.models import TrackingRun, TrainingRun
    from interests.services import running, tracking
    from interests.tracking import mixture
    from recommender.models import PublicationRun
    from recommender.services import counting
    from recommender.services import publishing as making

    call_command("migrate", verbosity=0)
    publishing._fill(0, num_people, num_events=NUM_EVENTS)
    publishing._train()
    trained = TrainingRun.objects.get()
    tracked = running.request(
        TrackingRun, now=timezone.now(), training_run=trained, tracker_version=mixture.VERSION
    )
    tracking.track_everybody(run_id=tracked.pk)
    published = running.request(PublicationRun, now=timezone.now(), training_run=trained)
    making.publish(run_id=published.pk)
    counting.count_popular_items(now=timezone.now())


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        first = psutil.Process(process.pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _share_of_memory(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0


def _times(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    # Of children that ended meanwhile, too: PostgreSQL starts helpers.
    return float(times.user + times.system + times.children_user + times.children_system)


if __name__ == "__main__":
    fill(int(sys.argv[1]))
