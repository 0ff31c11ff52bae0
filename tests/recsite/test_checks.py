from __future__ import annotations

import json
import logging
import logging.config

import pytest
import structlog
from django.conf import settings

from recsite import checks, logs


@pytest.mark.django_db
def test_the_database_of_the_tests_has_all_that_is_needed() -> None:
    assert checks.check_database(databases=["default"]) == []


def test_commands_without_a_database_do_not_ask_for_one() -> None:
    assert checks.check_database(databases=None) == []


@pytest.mark.django_db
def test_an_old_postgres_is_an_error(monkeypatch) -> None:
    monkeypatch.setattr(checks, "LEAST_POSTGRES", 990_000)

    [message] = checks.check_database(databases=["default"])

    assert (message.id, message.hint) == ("recsite.E002", "Recsite needs 16 or newer.")


def test_a_redis_with_an_append_only_file_passes_and_one_without_is_warned_about() -> None:
    import redis

    client = redis.Redis.from_url(settings.REDIS_URL)
    assert checks.check_redis_keeps_tasks() == []
    client.config_set("appendonly", "no")
    try:
        [message] = checks.check_redis_keeps_tasks()
    finally:
        client.config_set("appendonly", "yes")
        client.close()

    assert message.id == "recsite.W001"


def test_logs_are_json_where_no_terminal_is(capsys) -> None:
    before = settings.LOGGING
    logging.config.dictConfig(logs.configuration(level="INFO", is_terminal=False))
    try:
        structlog.get_logger("recsite.test").info("run_failed", run=7)
        logging.getLogger("plain").error("no %s", "room")
    finally:
        logging.config.dictConfig(before)

    first, second = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {key: first[key] for key in ("event", "run", "level", "logger")} == {
        "event": "run_failed", "run": 7, "level": "info", "logger": "recsite.test",
    }  # fmt: skip
    assert (second["event"], second["level"]) == ("no room", "error")
