"""Real PostgreSQL and Redis for every process of a test run: their own, in a folder that is gone afterwards.

Loaded with `-p tests.servers`, before pytest-django reads the settings. `DATABASE_URL` and `REDIS_URL`
choose other servers, as they do for the site.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

# Settings read the environment when they are loaded, which is before any fixture runs.
_HOME = Path(tempfile.mkdtemp(prefix="recsite-tests-"))
os.environ["RECSITE_HOME"] = str(_HOME)
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright runs a loop beside the tests


_SERVERS = pytest.StashKey[list]()


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return  # pytest-xdist: this process hands out tests and runs none
    from recsite import embedded

    servers = []
    if not os.environ.get("DATABASE_URL"):
        servers.append(embedded.start_postgres(_HOME, ends_with_parent=True))
    if not os.environ.get("REDIS_URL"):
        servers.append(embedded.start_redis(_HOME, ends_with_parent=True))
    config.stash[_SERVERS] = servers


def pytest_unconfigure(config: pytest.Config) -> None:
    from recsite import embedded

    for server in config.stash.get(_SERVERS, []):
        embedded.stop(server)
    shutil.rmtree(embedded.socket_folder(_HOME), ignore_errors=True)
    shutil.rmtree(_HOME, ignore_errors=True)
