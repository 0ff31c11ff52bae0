"""Readers: a folder of files -> an `InteractionLog`."""

from interests.datasets.errors import DatasetError
from interests.datasets.reading import read, recognise

__all__ = ["DatasetError", "read", "recognise"]
