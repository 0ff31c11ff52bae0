"""Child processes that write to a log file and do not outlive their parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil


def start(
    command: Sequence[str | os.PathLike[str]],
    *,
    log: Path,
    parent_died: signal.Signals | None = None,
    account: str | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that Ctrl-C reaches only who started it.

    Args:
        log: the file its output is added to.
        parent_died: the signal it gets when the calling thread dies (Linux); none: it lives on.
        account: the account it runs as, if another.
        folder: where it runs.
        environment: all of its environment; the same as ours without.
    """
    as_account: dict[str, Any] = (
        {"user": account, "group": account, "extra_groups": []} if account else {}
    )
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=environment,
            start_new_session=True,
            # Nothing in it takes a lock, and whoever starts servers has one thread.
            preexec_fn=_end_with_parent(parent_died) if parent_died else None,  # noqa: PLW1509
            **as_account,
        )


def stop(*processes: tuple[subprocess.Popen[bytes], signal.Signals], seconds: float) -> None:
    """Ask processes to end, each by its signal, all at once.

    What is left of them and of their descendants after `seconds` is ended by force.
    """
    families = [relative for process, _ in processes for relative in descendants(process.pid)]
    for process, how in processes:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(how)
    deadline = time.monotonic() + seconds
    for process, _ in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(deadline - time.monotonic(), 0))
    end(families, seconds=2)
    for process, _ in processes:
        if process.poll() is None:
            process.kill()
            process.wait()


def descendants(pid: int) -> list[psutil.Process]:
    """Return a process's children and theirs, the process itself left out; none if it is gone."""
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def end(processes: Sequence[psutil.Process], *, seconds: float) -> None:
    """Terminate processes that are not our children, and kill those left after `seconds`."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    deadline = time.monotonic() + seconds
    while any(is_alive(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def is_alive(process: psutil.Process) -> bool:
    """Tell whether a process still does anything: one that waits to be reaped does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _end_with_parent(how: signal.Signals) -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    prctl, parent, number = ctypes.CDLL(None).prctl, os.getpid(), int(how)

    def ask() -> None:
        prctl(1, number)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return ask
