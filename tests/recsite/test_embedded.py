from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
import redis

from recsite import embedded


@contextmanager
def postgres(home: Path) -> Iterator[int]:
    server = embedded.start_postgres(home, ends_with_parent=True)
    try:
        yield server.pid
    finally:
        embedded.stop(server)


def ask(home: Path, question: str) -> object:
    connection = psycopg2.connect(embedded.database_url(home))
    with connection.cursor() as cursor:
        cursor.execute(question)
        answer = cursor.fetchone()
    connection.close()
    return answer[0]


@pytest.mark.services
def test_postgres_has_vectors_listens_on_no_port_and_ignores_variables_of_other_servers(
    server_home, monkeypatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGREQUIREAUTH", "scram-sha-256")

    with postgres(server_home):
        vectors = ask(
            server_home, "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"
        )
        addresses = ask(server_home, "SHOW listen_addresses")

    assert vectors == 1
    assert addresses == ""
    assert (server_home / "run").stat().st_mode & 0o777 == 0o700


@pytest.mark.services
def test_a_killed_postgres_starts_again_although_its_locks_name_another_process(
    server_home,
) -> None:
    with postgres(server_home) as pid:
        os.killpg(pid, signal.SIGKILL)
    lock = server_home / "postgres" / "postmaster.pid"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    with postgres(server_home):
        assert ask(server_home, "SELECT 1") == 1


@pytest.mark.services
def test_a_second_postgres_on_the_same_data_is_refused(server_home) -> None:
    with postgres(server_home) as pid, pytest.raises(embedded.ServerDidNotStart) as refused:
        embedded.start_postgres(server_home)

    assert str(refused.value) == (
        f"PostgreSQL runs already on {server_home / 'postgres'} (process {pid}). "
        f"Stop what started it, or: kill -INT {pid}"
    )


@pytest.mark.services
def test_a_half_made_data_folder_is_made_anew(server_home) -> None:
    draft = server_home / "postgres.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18")

    with postgres(server_home):
        assert ask(server_home, "SELECT 1") == 1


def test_data_of_another_version_of_postgres_is_left_alone(server_home) -> None:
    (server_home / "postgres").mkdir()
    (server_home / "postgres" / "PG_VERSION").write_text("17\n")

    with pytest.raises(embedded.ServerDidNotStart) as refused:
        embedded.start_postgres(server_home)

    assert str(refused.value).startswith(
        f"{server_home / 'postgres'} was made by PostgreSQL 17, and this is 18."
    )


@pytest.mark.services
def test_redis_keeps_its_data_through_a_kill_and_listens_on_no_port(server_home) -> None:
    first = embedded.start_redis(server_home, ends_with_parent=True)
    client = redis.Redis.from_url(embedded.redis_url(server_home))
    client.set("kept", "yes")
    embedded.stop(first)

    second = embedded.start_redis(server_home, ends_with_parent=True)
    try:
        assert client.get("kept") == b"yes"
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
    finally:
        client.close()
        embedded.stop(second)


def test_a_home_with_a_long_path_gets_short_sockets(tmp_path) -> None:
    home = tmp_path / ("long" * 30)

    folder = embedded.socket_folder(home)

    assert len(os.fsencode(folder)) <= embedded.SOCKET_FOLDER_LIMIT
    assert folder == embedded.socket_folder(home)
    assert folder != embedded.socket_folder(home / "other")
