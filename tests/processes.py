"""Real processes of the site for tests, on the test's own database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import connection


def environment(**changes: str) -> dict[str, str]:
    """Return the environment in which a process of the site finds the test's database and home."""
    parts = connection.get_connection_params()
    names = {"host": "host", "port": "port", "user": "user", "password": "password"}
    query = urlencode({key: parts[name] for key, name in names.items() if parts.get(name)})
    return os.environ | {
        "DATABASE_URL": f"postgresql:///{quote(parts['dbname'])}?{query}",
        "SECRET_KEY": settings.SECRET_KEY,
        "HTTPS": "0",
        "RECSITE_HOME": str(settings.RECSITE_HOME),
        "DJANGO_SETTINGS_MODULE": "recsite.settings",
        **changes,
    }


def start(*arguments: str | Path, **changes: str) -> subprocess.Popen[str]:
    """Start Python with these arguments in the checkout, its output in a pipe; `changes` of its environment."""
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR, env=environment(**changes), **options,
    )  # fmt: skip
