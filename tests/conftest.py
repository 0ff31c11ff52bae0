"""Fixtures for all tests."""

import importlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models.signals import post_migrate

# Tests read static files where they lie; only a deployed site has collected them under hashed names.
settings.STORAGES["staticfiles"]["BACKEND"] = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
)
settings.WHITENOISE_AUTOREFRESH = True

# Migrations that add rows, and how. A test that commits empties every table in the end, theirs too.
ROWS_OF_MIGRATIONS = (
    ("interests.migrations.0003_event_kinds", "add_kinds"),
    ("interests.migrations.0015_outcome_of_each_kind", "name_outcomes"),
    ("recommender.migrations.0005_default_placement", "make"),
)


def add_rows_of_migrations(**_: Any) -> None:
    """Put them back, as Django puts permissions and groups back after it emptied the tables."""
    with connection.cursor() as cursor:
        # No trigger notes that somebody added them.
        cursor.execute("SET session_replication_role = replica")
        for module, function in ROWS_OF_MIGRATIONS:
            getattr(importlib.import_module(module), function)(apps, None)
        cursor.execute("RESET session_replication_role")


@pytest.fixture(scope="session", autouse=True)
def same_rows_for_all() -> None:
    """Let every test begin with the rows of a new site, whichever ran before it."""
    post_migrate.connect(add_rows_of_migrations, sender=apps.get_app_config("recommender"))


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
