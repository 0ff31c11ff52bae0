"""What is said when a folder cannot be read as data."""

from __future__ import annotations


class DatasetError(Exception):
    """The folder cannot be read as a data folder; the message says why and what to do."""
