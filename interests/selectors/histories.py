"""Which events tell of somebody's interests: those they neither want forgotten nor opted out with.

SQL about interests reads the view `interests_used_interaction`, not the table of events. What is worked out
meanwhile and written later asks `no_longer_used` first, with the people locked.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from interests.models import Controls, Interaction
from interests.selectors.events import DatabaseLog

# Controls that keep events from being used.
RESTRICTING = Q(is_opted_out=True) | Q(forget_before__isnull=False)
NUM_USED = "SELECT count(*) FROM interests_used_interaction WHERE id = ANY(%s::bigint[])"


def restricting() -> QuerySet[Controls]:
    """Return the controls that keep events from being used."""
    return Controls.objects.filter(RESTRICTING)


def used_by(end_user_id: int) -> QuerySet[Interaction]:
    """Return the events of one end user that are used."""
    used = RawSQL("SELECT id FROM interests_used_interaction WHERE end_user_id = %s", [end_user_id])
    return Interaction.objects.filter(end_user_id=end_user_id, pk__in=used)


def no_longer_used(known: DatabaseLog, end_users: Collection[int]) -> set[int]:
    """Return which of some end users of a log want events forgotten, or opted out, since it was read.

    One query where nobody of them has such controls, one more for each who has.

    Args:
        end_users: primary keys of end users of the log.
    """
    rows = restricting().filter(end_user__in=list(end_users)).order_by("pk")
    found = set()
    for key, is_opted_out in rows.values_list("pk", "is_opted_out"):
        place = int(np.searchsorted(known.user_keys, key))  # of somebody in the log
        begin, end = known.log.offsets[place : place + 2]
        positions = known.log.positions[begin:end].tolist()
        if is_opted_out or _num_used(positions) < len(positions):
            found.add(key)
    return found


def _num_used(positions: list[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(NUM_USED, [positions])
        row: tuple[int] = cursor.fetchone()
    return row[0]
