"""A virtual environment with RecTools, which cannot share the site's: it needs an older numpy."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

# What is newest for RecTools 0.19; its own bounds choose the rest.
RECTOOLS = (
    "RecTools[torch]==0.19.0",
    "pytorch-lightning==2.5.2",
    "numpy==1.26.4; python_version < '3.13'",
    "pandas==2.3.3",
)
READY = "ready"


class CannotInstall(Exception):
    """pip or venv failed; the message ends with what they said."""


def default_cache() -> Path:
    """Return where environments are kept between benchmarks."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "recsite" / "benchmarks"


def pins() -> tuple[str, ...]:
    """Return what is installed: RecTools, and the torch that the site has."""
    return (*RECTOOLS, f"torch=={version('torch').split('+')[0]}")


def folder(cache: Path) -> Path:
    """Return the environment's place, another one for other pins or another Python."""
    digest = hashlib.sha256("\n".join((*pins(), platform.python_version())).encode()).hexdigest()
    return cache / f"rectools-{digest[:12]}"


def python(cache: Path) -> Path:
    """Return the Python of an environment with RecTools, made in `cache` if it is not there yet.

    Raises:
        CannotInstall: there is no package index, say.
    """
    place = folder(cache)
    program = place / "bin" / "python"
    if (place / READY).exists():
        return program
    # A half-made one is of no use.
    shutil.rmtree(place, ignore_errors=True)
    print(f"Making {place} with {', '.join(pins())} (once; minutes) ...", flush=True)
    _run([sys.executable, "-m", "venv", str(place)])
    _run([str(program), "-m", "pip", "install", "--quiet", *pins()])
    (place / READY).touch()
    return program


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise CannotInstall(
            f"The environment for RecTools could not be made; it needs venv and a package index that "
            f"pip reaches. {' '.join(command[:4])} ... said:\n{said}"
        )
