"""Settings of gunicorn that are the same wherever it runs: its processes count into files of one folder.

`gunicorn --config python:recsite.web_server`. It is read before anything else is imported.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import psutil

# In memory where the system has such a folder: the files are written to with each request.
_MEMORY = Path("/dev/shm")
_START = "recsite-metrics-"


def make_folder(parent: Path) -> Path:
    """Return a new folder of this server's own; those of servers that were killed go."""
    for left in parent.glob(f"{_START}*-*"):
        pid = left.name.removeprefix(_START).partition("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_START}{os.getpid()}-", dir=parent))


_folder = make_folder(_MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir()))
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(_folder))


def on_exit(server: Any) -> None:
    """Take the folder away with the server."""
    shutil.rmtree(_folder, ignore_errors=True)
