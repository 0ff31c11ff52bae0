"""Tasks for the test of a poisoned message; a worker of its own is started with this as its app."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from recsite.celery import app

QUEUE = "poison-test"


@app.task(queue=QUEUE)
def poison(*, path: str) -> None:
    with Path(path).open("a") as file:
        file.write("started\n")
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(queue=QUEUE, autoretry_for=(ValueError,))
def failing(*, path: str) -> None:
    with Path(path).open("a") as file:
        file.write("started\n")
    raise ValueError("again")


@app.task(queue=QUEUE)
def harmless(*, path: str) -> None:
    Path(path).touch()
