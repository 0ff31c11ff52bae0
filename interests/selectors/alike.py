"""People who want the same: nearest by their interest vectors."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

# With fewer events a vector says what everybody wants.
LEAST_EVENTS = 5
# Exact: every current state is looked at, which takes about a second for a million of them. Vectors of
# two trainings lie in two spaces and are not compared.
ALIKE = """
    SELECT person.id, person.user_id, 1 - (state.vector <=> own.vector) AS cosine, state.num_events
    FROM interests_enduser self
    JOIN interests_intereststate own ON own.id = self.current_state_id
    JOIN interests_intereststate state
        ON state.training_run_id = own.training_run_id AND state.vector IS NOT NULL
    JOIN interests_enduser person ON person.current_state_id = state.id AND person.id <> self.id
    WHERE self.id = %(end_user)s AND own.vector IS NOT NULL AND state.num_events >= %(least)s
    ORDER BY state.vector <=> own.vector, person.id
    LIMIT %(n)s
"""


@dataclass(frozen=True)
class Alike:
    """Somebody and how near their interests lie; `cosine` of the two interest vectors, -1 to 1."""

    pk: int
    user_id: str
    cosine: float
    num_events: int


def people_like(end_user_id: int, *, n: int) -> list[Alike]:
    """Return those whose interest vectors are nearest, nearest first; none without a network's vector."""
    with connection.cursor() as cursor:
        cursor.execute(ALIKE, {"end_user": end_user_id, "least": LEAST_EVENTS, "n": n})
        return [Alike(*row) for row in cursor.fetchall()]
