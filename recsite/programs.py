"""The processes that a one-machine site consists of, for the supervisor."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from recsite import children, embedded
from recsite.supervisor import Program


def servers(home: Path, *, postgres: bool, redis: bool) -> list[Program]:
    """Return the embedded servers that the site needs; the first start waits until they answer."""
    chosen: list[Program] = []
    if postgres:
        chosen.append(_server("postgres", partial(embedded.start_postgres, home)))
    if redis:
        chosen.append(_server("redis", partial(embedded.start_redis, home)))
    return chosen


# A worker for each queue: a training takes hours, an event is to be seen in seconds. Two processes for
# the default queue, so that short tasks get through beside a publication.
WORKER_PROCESSES = {"live": 1, "asked": 1, "training": 1, "tuning": 1, "default": 2}
# Where a machine is full, what takes minutes comes after requests and slates, and studies after all else.
NICENESS = {"training": 10, "tuning": 15, "default": 10}
# Small batches gain nothing from a second core, which has requests to answer.
ONE_CORE = {"OMP_NUM_THREADS": "1"}


def _server(name: str, start: Callable[..., subprocess.Popen[bytes]]) -> Program:
    return Program(
        name,
        lambda again: start(ends_with_parent=True, wait=not again),
        how=signal.SIGINT,
        is_server=True,
    )


def site(home: Path, *, port: int) -> list[Program]:
    """Return the web server, a worker for each queue and beat."""
    celery = ["-m", "celery", "-A", "recsite"]
    worker = [*celery, "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    return [
        _python("web", home, port, _GUNICORN + ["--bind", f"127.0.0.1:{port}"]),
        *(
            _python(queue, home, port, [*worker, "-Q", queue, "-c", str(num), "-n", f"{queue}@%h"])
            for queue, num in WORKER_PROCESSES.items()
        ),
        _python(
            "beat", home, port,
            [*celery, "beat", "--loglevel", "INFO", "--pidfile=", "-s", str(home / "beat-schedule")],
        ),
    ]  # fmt: skip


_GUNICORN = [
    "-m", "gunicorn", "recsite.wsgi", "--config", "python:recsite.web_server", "--worker-class", "gthread", "--workers", "2", "--threads", "4",
    "--graceful-timeout", "5", "--no-control-socket",
]  # fmt: skip


def _python(name: str, home: Path, port: int, arguments: list[str]) -> Program:
    # Celery's SIGQUIT gives unfinished tasks back to the queue; its SIGTERM would wait for a training.
    how = signal.SIGQUIT if "worker" in arguments else signal.SIGTERM

    def start(again: bool) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if name in ("live", "asked"):
            environment = ONE_CORE | environment
        environment.setdefault("SITE_ADDRESS", f"http://localhost:{port}")
        return children.start(
            ["nice", "-n", str(NICENESS.get(name, 0)), sys.executable, *arguments],
            log=home / "logs" / f"{name}.log",
            parent_died=how,
            folder=Path(__file__).resolve().parent.parent,
            environment=environment,
        )

    return Program(name, start, how=how)


def answers(port: int) -> bool:
    """Tell whether the web server is up and not broken."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
