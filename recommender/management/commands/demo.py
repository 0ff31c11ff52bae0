"""From nothing to a running site: servers, tables, an account, data, training, slates, web and workers."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from interests import datasets
from interests.datasets import DatasetError
from interests.datasets import layout as layout_of_files
from recommender import tasks
from recommender.management import in_process
from recommender.management.terminal import Terminal
from recommender.services import demonstrating
from recsite import children, embedded, env, preflight, programs
from recsite.supervisor import CannotSupervise, Supervisor

# A web server that dies this often in a row before it ever answered will not come up.
HOPELESS_DEATHS = 4
SITE_UP_SECONDS = 90
LOOK_SECONDS = 1.0
VISITS = "In another terminal, let its people come and click: make visit"

EXPECTED = (
    preflight.NotReady,
    CannotSupervise,
    embedded.ServerDidNotStart,
    demonstrating.OtherDataIsThere,
    DatasetError,
)


class Command(BaseCommand):
    help = (
        "Start a whole site on this machine: PostgreSQL, Redis, web, workers; import data, train, track, "
        "publish and evaluate. Started again, it goes on from what is there. "
        "Example: manage.py demo --data path/to/folder --port 8001"
    )
    requires_system_checks: list[str] = []  # there is no database yet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--data",
            type=Path,
            metavar="FOLDER",
            help="your own events (interactions.csv, or a MovieLens folder); "
            "without it a simulated population",
        )
        parser.add_argument(
            "--no-serve",
            action="store_true",
            help="do everything up to the finished slates in this process, then stop",
        )
        parser.add_argument("--port", type=int, default=8000, help="of the site (default 8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        home: Path = settings.RECSITE_HOME
        os.umask(0o077)  # what the site writes is nobody else's to read
        self.terminal = Terminal()
        try:
            folder = _checked(options["data"])
            preflight.check(home=home, port=None if options["no_serve"] else options["port"])
            with Supervisor(home=home, say=self.terminal.say) as supervisor:
                self._prepare(supervisor, home)
                if options["no_serve"]:
                    self._work_through(supervisor, home, folder)
                else:
                    self._serve(supervisor, home, folder, options["port"])
        except EXPECTED as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.terminal.say("site", "Everything is stopped. Start again with the same command.")
        finally:
            self.terminal.close()

    def _prepare(self, supervisor: Supervisor, home: Path) -> None:
        """Start the embedded servers and bring the tables up to date."""
        for program in programs.servers(
            home, postgres=env.is_embedded(), redis=env.is_redis_embedded()
        ):
            self.terminal.say(program.name, "starting")
            supervisor.add(program)
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except DatabaseError as error:
            raise CommandError(_about_database(error)) from error
        connection.close()

    def _serve(self, supervisor: Supervisor, home: Path, folder: Path | None, port: int) -> None:
        account = demonstrating.first_account(path=home / "demo.json", now=timezone.now())
        call_command("collectstatic", interactive=False, verbosity=0)
        connection.close()
        for program in programs.site(home, port=port):
            supervisor.add(program)
        self._wait_for_web(supervisor, home, port)
        self._print_welcome(account, port, "The site is up and fills while the rest is worked out.")
        started_at = timezone.now()
        if (data := self._data_to_import(home, folder, supervisor)) is not None:
            _request_and_enqueue(data)
        supervisor.run(until=_every(LOOK_SECONDS, self._follow(started_at)))
        said = _summary()
        if demonstrating.is_simulated():
            said += f"\n  {VISITS}"
        connection.close()
        self._print_welcome(account, port, said)
        supervisor.run()

    def _wait_for_web(self, supervisor: Supervisor, home: Path, port: int) -> None:
        def is_decided() -> bool:
            return supervisor.num_deaths("web") >= HOPELESS_DEATHS or programs.answers(port)

        self.terminal.say("web", "starting")
        is_known = supervisor.run(seconds=SITE_UP_SECONDS, until=is_decided)
        if not is_known or supervisor.num_deaths("web") >= HOPELESS_DEATHS:
            log = home / "logs" / "web.log"
            raise CommandError(
                f"The web server does not come up. The end of {log}:\n{_end_of(log)}"
            )

    def _print_welcome(self, account: demonstrating.FirstAccount, port: int, text: str) -> None:
        self.terminal.write(
            f"\n  {text}\n\n"
            f"    address   http://localhost:{port}/\n"
            f"    login     {account.username}\n"
            f"    password  {account.password}\n"
            f"    API key   {account.api_key}\n"
            f"    API docs  http://localhost:{port}/api/docs\n\n"
            "  Ctrl-C stops everything.\n"
        )

    def _data_to_import(
        self, home: Path, folder: Path | None, supervisor: Supervisor
    ) -> Path | None:
        """Return the folder that must be imported, if any; the simulated one is made first."""
        if folder is not None:
            return folder if demonstrating.is_import_due(folder=folder) else None
        if demonstrating.has_data():
            return None
        made = home / demonstrating.SIMULATED
        self.terminal.say("data", "making a simulated population with known interest changes")
        connection.close()
        log = home / "logs" / "simulate.log"
        process = children.start(
            [sys.executable, settings.BASE_DIR / "manage.py", "simulate", made],
            log=log,
            parent_died=signal.SIGTERM,
        )
        supervisor.run(until=lambda: process.poll() is not None)
        if process.returncode:
            raise CommandError(f"The simulation failed. The end of {log}:\n{_end_of(log)}")
        return made

    def _follow(self, since: datetime) -> Callable[[], bool]:
        """Return what shows how far the runs are and tells whether all of them have ended."""
        seen: set[str] = set()

        def look() -> bool:
            try:
                for run in demonstrating.runs_ended_since(since):
                    if str(run) not in seen:
                        seen.add(str(run))
                        self.terminal.show_end(run)
                active = demonstrating.active_runs()
                self.terminal.show_progress(active)
                return not active and demonstrating.is_all_done(now=timezone.now())
            except DatabaseError:  # it is being restarted
                return False
            finally:
                connection.close()

        return look

    def _work_through(self, supervisor: Supervisor, home: Path, folder: Path | None) -> None:
        """Do every run up to the slates here, one after the other."""
        data = self._data_to_import(home, folder, supervisor)
        if data is not None:
            demonstrating.request_import(folder=data, now=timezone.now())
        in_process.work_until_published(terminal=self.terminal)
        self.terminal.write(_summary())


def _checked(folder: Path | None) -> Path | None:
    """Return the data folder as an absolute path, refused before anything is started if it is none."""
    if folder is None:
        return None
    folder = folder.expanduser().resolve()
    layout = datasets.recognise(folder)
    for table in layout.tables:
        layout_of_files.header_of(table)
    return folder


def _request_and_enqueue(folder: Path) -> None:
    with transaction.atomic():
        run = demonstrating.request_import(folder=folder, now=timezone.now())
        transaction.on_commit(lambda: tasks.enqueue_run(run))
    connection.close()


def _every(seconds: float, look: Callable[[], bool]) -> Callable[[], bool]:
    """Return `look` slowed down to once in so many seconds."""
    next_at = 0.0

    def slowed() -> bool:
        nonlocal next_at
        if time.monotonic() < next_at:
            return False
        is_so = look()
        next_at = time.monotonic() + seconds
        return is_so

    return slowed


def _summary() -> str:
    held = demonstrating.counts()
    connection.close()
    return (
        f"All done: {held.end_users:,} end users, {held.items:,} items, {held.events:,} events, "
        f"{held.slates:,} slates."
    )


def _about_database(error: DatabaseError) -> str:
    if "No space left on device" in str(error):
        return embedded.DISK_FULL.format(home=settings.RECSITE_HOME)
    if env.is_embedded():
        return f"The tables could not be brought up to date: {error}"
    return f"The database of DATABASE_URL cannot be used: {str(error).strip()}"


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:])
