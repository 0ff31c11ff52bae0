"""A command as a process of its own that never outlives whoever waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from recsite import children

POLL_SECONDS = 1.0
# A training saves what it can within this after SIGTERM.
GRACE_SECONDS = 15.0


def run_to_end(command: Sequence[str], *, log: Path) -> int:
    """Run a command, its output added to `log`; return its exit code, negative where a signal ended it.

    Whatever interrupts the waiting (a revoked task, a time limit, Ctrl-C) ends the command and all that
    it started. So does the end of the waiter, even by kill -9, and of the waiter's own parent.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    process = children.start(command, log=log, parent_died=signal.SIGTERM)
    parent = os.getppid()
    try:
        while True:
            try:
                return process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                if os.getppid() != parent:  # the worker's main process is gone: nobody minds us
                    raise SystemExit(1) from None
    finally:
        children.stop((process, signal.SIGTERM), seconds=GRACE_SECONDS)
