"""Where the fitted algorithms of publications are kept; without torch, as the web process clears away, too."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings


def path_of(publication_id: int) -> Path:
    """Return where the algorithm of a publication is."""
    home = Path(settings.RECSITE_HOME)
    return home / "publications" / str(publication_id) / "algorithm.safetensors"


def remove(publication_id: int) -> None:
    """Remove the algorithm of a publication whose slates are gone, if it had one."""
    path = path_of(publication_id)
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        path.parent.rmdir()
