"""Everything the site reads from its environment, in one place; `.env.example` lists the same names."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

import environ

# Read by torch when it loads: its threads sleep while they wait for each other instead of spinning. On
# 2 cores shared with a site at work, a pass over 100,000 events took 71 s so and over 150 s spinning.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")


def home() -> Path:
    """Return the folder of embedded databases, weights, uploads and logs (`RECSITE_HOME`)."""
    return Path(os.environ.get("RECSITE_HOME") or BASE_DIR / ".recsite").resolve()


def is_embedded() -> bool:
    """Tell whether PostgreSQL comes from the wheel, that is, `DATABASE_URL` is not set."""
    return not env.str("DATABASE_URL", default="")


def is_redis_embedded() -> bool:
    """Tell whether Redis comes from the wheel, that is, `REDIS_URL` is not set."""
    return not env.str("REDIS_URL", default="")


def secret_key() -> str:
    """Return `SECRET_KEY`; on an embedded site make one at first use and keep it, readable by its owner only.

    Raises:
        environ.ImproperlyConfigured: the site uses a real database and `SECRET_KEY` is not set.
    """
    if given := env.str("SECRET_KEY", default=""):
        return str(given)
    if not is_embedded():
        raise environ.ImproperlyConfigured(
            "SECRET_KEY is not set. Put a long random string into the environment or .env."
        )
    path = home() / "secret_key"
    try:
        if not path.exists():
            _make_secret_key(path)
        return path.read_text().strip()
    except OSError as error:
        raise environ.ImproperlyConfigured(
            f"RECSITE_HOME={home()} cannot be used: {error.strerror} ({error.filename}). "
            "Set it to a folder of your own."
        ) from error


def _make_secret_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(64))
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)  # the first of several processes wins, the others read its key
    draft.unlink()
