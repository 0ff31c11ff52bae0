"""Starts the processes of a one-machine site, keeps them running and takes them down together.

One thread, no pipes: every process writes to its own log file, and what matters in there is repeated on the
terminal. The kernel ends the processes when the supervisor is killed; whatever got away (a training run
below a worker) is found by a mark in its environment at the next start.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

import psutil

from recsite import children, embedded

# Every process of a site carries this with the site's home, and hands it to its own children.
MARK = "RECSITE_SUPERVISED"
# Restarts wait 0.5, 1, 2, 4, then 8 seconds: quick for an accident, gentle where each start fails.
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 8.0
# A process that lived this long did start properly, so its next death is an accident again.
HEALTHY_SECONDS = 60.0
STOP_SECONDS = 15.0
LARGEST_LOG = 10 * 1024 * 1024
LINES_AT_ONCE = 5
WIDTH = 240
WORTH_SHOWING = re.compile(r'"level": ?"(error|critical)"|\b(ERROR|CRITICAL|FATAL|PANIC)\b')
# What PostgreSQL answers to whoever asks while it comes or goes.
EXPECTED = re.compile(
    r"the database system is (starting up|shutting down)|due to administrator command"
)

Say = Callable[[str, str], None]


class CannotSupervise(Exception):
    """The site cannot be started; the message says why and what to do."""


@dataclass(frozen=True)
class Program:
    """One process of the site.

    Attributes:
        name: what it is called on the terminal; its log is `logs/<name>.log`.
        start: starts it, from the supervisor's thread. `again` is true when it has died before.
        how: the signal that ends it properly.
        is_server: whether others need it, so that it ends last.
    """

    name: str
    start: Callable[[bool], subprocess.Popen[bytes]]
    how: signal.Signals = signal.SIGTERM
    is_server: bool = False


@dataclass
class _Watched:
    program: Program
    process: subprocess.Popen[bytes] | None
    log: Path
    position: int
    started_at: float = field(default_factory=time.monotonic)
    deaths: int = 0
    due_at: float = 0.0


class Supervisor:
    """Use in a `with` block of the main thread: `add` programs, call `tick` several times a second.

    Leaving the block, also by Ctrl-C or SIGTERM (both raise `KeyboardInterrupt` inside), stops all of them.
    """

    def __init__(self, *, home: Path, say: Say) -> None:
        self.home = home
        self._say = say
        self._watched: list[_Watched] = []
        self._lock: IO[str] | None = None
        self._handlers: dict[int, object] = {}

    def __enter__(self) -> Self:
        """Take the site's lock and clear away what a killed supervisor left.

        Raises:
            CannotSupervise: another one runs, or the home cannot be used.
        """
        self._take_lock()
        os.environ[MARK] = str(self.home)
        self._clear_leftovers()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, _interrupt)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number in self._handlers:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of them
        try:
            self.stop()
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)  # type: ignore[arg-type]
            os.environ.pop(MARK, None)
            if self._lock:
                self._lock.close()

    def add(self, program: Program) -> None:
        """Start a program and watch it from now on."""
        log = self.home / "logs" / f"{program.name}.log"
        if log.exists() and log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        position = log.stat().st_size if log.exists() else 0
        self._watched.append(_Watched(program, program.start(False), log, position))

    def tick(self) -> None:
        """Restart what has died and is due, and repeat on the terminal what matters in the logs."""
        now = time.monotonic()
        for watched in self._watched:
            if watched.process is not None and watched.process.poll() is not None:
                self._note_death(watched, watched.process.returncode, now)
            if watched.process is None and now >= watched.due_at:
                self._start_again(watched, now)
            self._show_log(watched)

    def run(self, *, seconds: float | None = None, until: Callable[[], bool] | None = None) -> bool:
        """Watch for a time or until something holds; return whether it does."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while deadline is None or time.monotonic() < deadline:
            self.tick()
            if until is not None and until():
                return True
            time.sleep(0.2)
        return False

    def num_deaths(self, name: str) -> int:
        """Return how often in a row a program died soon after its start."""
        return next(watched.deaths for watched in self._watched if watched.program.name == name)

    def pids(self) -> dict[str, int]:
        """Return the process numbers of what runs now, by name."""
        return {w.program.name: w.process.pid for w in self._watched if w.process is not None}

    def stop(self) -> None:
        """Stop everything: first what works, then the servers it works with."""
        for are_servers in (False, True):
            some = [w for w in self._watched if w.program.is_server == are_servers]
            processes = [(w.process, w.program.how) for w in some if w.process is not None]
            children.stop(*processes, seconds=STOP_SECONDS)
        self._watched.clear()

    def _take_lock(self) -> None:
        """Hold `supervisor.lock` for as long as this process lives: the kernel lets go of it, so it is never stale."""
        path = self.home / "supervisor.lock"
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            (self.home / "logs").mkdir(mode=0o700, exist_ok=True)
            lock = path.open("a+")
        except OSError as error:
            raise CannotSupervise(embedded.what_a_folder_lacks(self.home, error)) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
        except BlockingIOError:
            lock.close()
            number = path.read_text().strip() or "unknown"
            raise CannotSupervise(
                f"Recsite runs already on {self.home} (process {number}). Stop that one with Ctrl-C "
                f"(or: kill {number}), or set RECSITE_HOME to another folder."
            ) from None
        except OSError as error:
            lock.close()
            raise CannotSupervise(embedded.what_a_folder_lacks(self.home, error)) from error
        self._lock = lock

    def _clear_leftovers(self) -> None:
        left = leftovers(self.home)
        if not left:
            return
        processes = "1 process" if len(left) == 1 else f"{len(left)} processes"
        self._say("site", f"Ending {processes} that an earlier start left behind.")
        for process in left:
            if (
                process.name() == "postgres"
            ):  # it drops its clients at SIGINT and waits for them at SIGTERM
                process.send_signal(signal.SIGINT)
        children.end([p for p in left if p.name() != "postgres"], seconds=3)
        psutil.wait_procs(left, timeout=STOP_SECONDS)
        children.end(left, seconds=0)

    def _note_death(self, watched: _Watched, code: int, now: float) -> None:
        watched.deaths = 0 if now - watched.started_at > HEALTHY_SECONDS else watched.deaths
        wait = min(FIRST_WAIT_SECONDS * 2**watched.deaths, LONGEST_WAIT_SECONDS)
        watched.process, watched.due_at, watched.deaths = None, now + wait, watched.deaths + 1
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        self._say(
            watched.program.name,
            f"ended ({how}); starting it again in {wait:g} s. Its log: {watched.log}",
        )

    def _start_again(self, watched: _Watched, now: float) -> None:
        watched.started_at = now
        try:
            watched.process = watched.program.start(True)
        except (OSError, embedded.ServerDidNotStart) as error:
            watched.deaths += 1
            watched.due_at = now + LONGEST_WAIT_SECONDS
            self._say(watched.program.name, f"did not start: {error}")

    def _show_log(self, watched: _Watched) -> None:
        try:
            with watched.log.open("rb") as log:
                log.seek(watched.position)
                new = log.read(LARGEST_LOG)
        except OSError:
            return
        whole = new[: new.rfind(b"\n") + 1]  # a line that is being written is read next time
        watched.position += len(whole)
        lines = whole.decode(errors="replace").splitlines()
        worth = [s for s in lines if WORTH_SHOWING.search(s) and not EXPECTED.search(s)]
        for line in worth[:LINES_AT_ONCE]:
            self._say(watched.program.name, _in_short(line))
        if len(worth) > LINES_AT_ONCE:
            self._say(
                watched.program.name, f"... {len(worth) - LINES_AT_ONCE} more in {watched.log}"
            )


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _in_short(line: str) -> str:
    """Return a line of a log for the terminal; of a JSON line what happened, its log has the rest."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        line = json.loads(line)["event"]
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 4]} ..."


def leftovers(home: Path) -> list[psutil.Process]:
    """Return the processes that carry the mark of this home, this process left out."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == str(home):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            continue  # gone, or somebody else's
    return found
