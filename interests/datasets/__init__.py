"""Readers: a folder of files -> an `InteractionLog`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from interests.datasets.errors import DatasetError

if TYPE_CHECKING:
    from interests.datasets.reading import read, recognise

__all__ = ["DatasetError", "read", "recognise"]


def __getattr__(name: str) -> Any:
    """Bring the readers when they are asked for: pandas takes half a second, and who serves reads no files."""
    if name not in ("read", "recognise"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("interests.datasets.reading"), name)
