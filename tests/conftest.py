"""Fixtures for all tests."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

# Tests read static files where they lie; only a deployed site has collected them under hashed names.
settings.STORAGES["staticfiles"]["BACKEND"] = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
)
settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def server_home() -> Iterator[Path]:
    """Give a home for servers of a test's own.

    Not `tmp_path`: every other pytest that starts closes the folder above it to all but its owner, and
    PostgreSQL, where root starts it, runs as another account.
    """
    home = Path(tempfile.mkdtemp(prefix="recsite-test-"))
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(autouse=True)
def afresh_kinds() -> None:
    """Let no test see which kinds of events another one had."""
    from interests.services import recording

    recording.forget_kinds()


@pytest.fixture(autouse=True)
def fresh_shelf() -> Iterator[None]:
    """Let each test begin with nothing kept in memory, and each answer look for changes itself."""
    from recommender.services import keeping

    keeping.keeper.looks_itself = True
    keeping.keeper.forget()
    yield
    keeping.keeper.forget()
