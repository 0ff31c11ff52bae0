"""A connection is asked whether it works once a second, not before each request."""

from __future__ import annotations

import pytest
from django.core.signals import request_started
from django.db import OperationalError, connection

from recsite.database import base

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def persistent(settings):
    """Keep the connection between requests, as a site does."""
    connection.ensure_connection()
    kept = connection.settings_dict["CONN_MAX_AGE"], connection.settings_dict["CONN_HEALTH_CHECKS"]
    connection.settings_dict["CONN_MAX_AGE"] = 60
    connection.settings_dict["CONN_HEALTH_CHECKS"] = True
    connection.close()
    connection._checked_at = float("-inf")
    yield
    connection.close()
    connection.settings_dict["CONN_MAX_AGE"], connection.settings_dict["CONN_HEALTH_CHECKS"] = kept


def request() -> int:
    """Do what a request does and return the server process that answered."""
    request_started.send(sender=None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def end(pid: int) -> None:
    """End a server process, as a restart of PostgreSQL does."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()


def test_a_connection_that_broke_is_replaced_unseen_where_it_is_asked(monkeypatch):
    monkeypatch.setattr(base, "CHECK_SECONDS", 0.0)
    pid = request()
    request()
    end(pid)

    assert request() != pid


def test_within_a_second_a_broken_connection_fails_once_and_then_is_replaced(monkeypatch):
    monkeypatch.setattr(base, "CHECK_SECONDS", 3_600.0)
    pid = request()
    assert request() == pid  # asked, and taken at its word from now on
    end(pid)

    with pytest.raises(OperationalError):
        request()
    assert request() != pid


def test_requests_that_follow_each_other_share_a_check(monkeypatch):
    monkeypatch.setattr(base, "CHECK_SECONDS", 3_600.0)
    asked = []
    usable = connection.is_usable
    monkeypatch.setattr(connection, "is_usable", lambda: asked.append(1) or usable())
    for _ in range(5):
        request()

    assert len(asked) == 1
