"""System checks: what a site needs around it, said before somebody finds out the hard way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections

LEAST_POSTGRES = 160_000
PATIENCE_SECONDS = 2.0


@register(Tags.database)
def check_database(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Ask for PostgreSQL 16 or newer with pgvector; only where the command uses the database."""
    if not databases or "default" not in databases:
        return []
    try:
        with connections["default"].cursor() as cursor:
            version: int = cursor.connection.server_version
            cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")
            has_vectors = cursor.fetchone() is not None
    except DatabaseError as error:
        return [
            Error(
                f"The database does not answer: {str(error).strip()}",
                hint="Start it, or set DATABASE_URL.",
                id="recsite.E001",
            )
        ]
    messages: list[CheckMessage] = []
    if version < LEAST_POSTGRES:
        messages.append(
            Error(
                f"PostgreSQL {version // 10_000} is too old.",
                hint="Recsite needs 16 or newer.",
                id="recsite.E002",
            )
        )
    if not has_vectors:
        messages.append(
            Error(
                "PostgreSQL has no pgvector.",
                hint="Install the package of pgvector for it, or use the image of docker-compose.yml.",
                id="recsite.E003",
            )
        )
    return messages


@register(Tags.security, deploy=True)
def check_redis_keeps_tasks(**_: Any) -> list[CheckMessage]:
    """Warn at deployment where a restart of Redis would lose the queued tasks."""
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
    )
    try:
        answer: Any = client.config_get("appendonly")
    except (redis.RedisError, OSError):
        return []  # a managed one does not tell; one that is away is /health/ready's matter
    finally:
        client.close()
    if answer.get("appendonly") in ("yes", None):
        return []
    return [
        Warning(
            "Redis keeps no append-only file: queued tasks are lost when it restarts.",
            hint="Set `appendonly yes` in its configuration.",
            id="recsite.W001",
        )
    ]
