"""What must be right before a site is started; each mistake is one clear sentence."""

from __future__ import annotations

import errno
import shutil
import socket
import sys
from pathlib import Path

# A fresh PostgreSQL takes 60 MB, its log of changes grows to 2 GB at most on large imports.
LEAST_FREE_BYTES = 500 * 1024 * 1024


class NotReady(Exception):
    """The site cannot be started here as asked; the message says why and what to do."""


def check(*, home: Path, port: int | None) -> None:
    """Check the Python, the disk and, where there is one, the port.

    Raises:
        NotReady: on the first that is not right.
    """
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise NotReady(
            f"Recsite needs Python 3.11, 3.12 or 3.13; this is {sys.version.split()[0]}. "
            "Remove .venv and run make with PYTHON=/path/to/python3.12"
        )
    _check_disk(home)
    if port is not None:
        _check_port(port)


def _check_disk(home: Path) -> None:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if free < LEAST_FREE_BYTES:
        raise NotReady(
            f"The disk of {home} is full: {free // 2**20} MB are free and {LEAST_FREE_BYTES // 2**20} MB are "
            "needed. Free some space or set RECSITE_HOME to a folder on another disk."
        )


def _check_port(port: int) -> None:
    if not 1 <= port <= 65535:
        raise NotReady(f"{port} is no port: it must be between 1 and 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise NotReady(
                    f"Port {port} is kept for root. Choose another: make demo PORT=8000"
                ) from error
            raise NotReady(
                f"Port {port} is taken by another program. Choose another: make demo PORT={port + 1}"
            ) from error
