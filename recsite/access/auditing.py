"""The audit: triggers note each change of a tracked table, whoever makes it and however.

A table is tracked by one line in a migration: `auditing.track("interests.controls", key="end_user_id")`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog
from django.db import DatabaseError, connection, migrations

from recsite.access.models import AuditEntry

# Who acts is known to the session of the database, so that triggers know it, too.
SETTING = "recsite.actor"
Actor = AuditEntry.Actor

NOTE = """
    INSERT INTO access_auditentry
        (actor_kind, actor, "table", object_key, object_name, action, after)
    SELECT coalesce(nullif(split_part(actor, ':', 1), ''), 'system'),
        left(substr(actor, strpos(actor, ':') + 1), 200), %s, %s, '', %s, %s::jsonb
    FROM (SELECT coalesce(current_setting('recsite.actor', TRUE), '') AS actor) AS session
"""

log = structlog.get_logger()


def track(label: str, *, key: str = "id", ignored: Collection[str] = ()) -> migrations.RunSQL:
    """Return the step of a migration from which on changes of a table are noted.

    Args:
        label: of the model, in small letters; its table is called by it.
        key: the column of its primary key.
        ignored: columns whose changes are not noted, nor their values.
    """
    table = label.replace(".", "_")
    columns = "{" + ",".join(sorted(ignored)) + "}"
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION access_audit('{label}', '{key}', '{columns}')
        """,
        reverse_sql=f"DROP TRIGGER audited ON {table}",
    )


@contextmanager
def acting(kind: str, name: str) -> Iterator[None]:
    """Let whatever is changed within be noted as the work of an account or key."""
    begin(kind, name)
    try:
        yield
    finally:
        end()


def begin(kind: str, name: str) -> None:
    """Say who acts from now on, on this connection; `end` must follow."""
    _say(f"{kind}:{name}")


def end() -> None:
    """Say that whoever acted does so no longer."""
    try:
        _say("")
    except DatabaseError as error:
        # Nobody's later work may be noted as this one's.
        log.warning("actor_not_ended", error=str(error))
        if not connection.in_atomic_block:
            connection.close()


def note(*, table: str, object_key: int, action: str, after: Mapping[str, Any]) -> None:
    """Note a deed that is more than the change of one row, as the work of whoever acts."""
    adapted = AuditEntry._meta.get_field("after").get_db_prep_value(dict(after), connection)
    with connection.cursor() as cursor:
        cursor.execute(NOTE, [table, str(object_key), action, adapted])


def _say(actor: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, FALSE)", [SETTING, actor])
