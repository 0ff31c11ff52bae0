"""What commands check of their options before the long work begins."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.management import CommandError

from interests.datasets.drawing import NUM_SEEDS


def insist_on_seed(seed: int) -> None:
    """Refuse what is no seed.

    Raises:
        CommandError: it is below 0, or `NUM_SEEDS` or more.
    """
    if seed < 0:
        raise CommandError(f"--seed must be 0 or more, not {seed:,}.")
    if seed >= NUM_SEEDS:
        raise CommandError(f"--seed must be below {NUM_SEEDS:,}, not {seed:,}.")


def writable(name: str) -> Path:
    """Return the path of a file, empty where it is new, before the long work rather than after it.

    Raises:
        CommandError: nothing can be written there.
    """
    path = Path(name)
    if path.is_dir():
        raise CommandError(f"Cannot write {name}: it is a folder. Name a file in it.")
    try:
        path.touch()
    except OSError as error:
        raise CommandError(f"Cannot write {name}: {error.strerror}.") from error
    if not os.access(path, os.W_OK):
        raise CommandError(f"Cannot write {name}: it may only be read.")
    return path
