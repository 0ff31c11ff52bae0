"""Settings of gunicorn that are the same wherever it runs: its processes count into files of one folder.

`gunicorn --config python:recsite.web_server`. It is read before anything else is imported.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

# In memory where the system has such a folder: the files are written to with each request.
_MEMORY = Path("/dev/shm")
_folder = tempfile.mkdtemp(prefix="recsite-metrics-", dir=_MEMORY if _MEMORY.is_dir() else None)
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", _folder)


def on_exit(server: Any) -> None:
    """Take the folder away with the server."""
    shutil.rmtree(_folder, ignore_errors=True)
