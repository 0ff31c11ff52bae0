"""Rules of placements go on naming the same categories when some are merged.

That one is renamed, a trigger of the database follows (the migration
`0020_rules_follow_renamed_categories`), whoever renames it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import connection


def follow_merge(*, names: Collection[str], into: str, **_: Any) -> None:
    """Let the rules of all versions name the category that others have become, in their place.

    A list names it once. Of boosts that differ in nothing but the factor the strongest stays.

    Args:
        names: of the categories that are merged into it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT recommender_rename_categories(%s::text[], %s::text[])",
            [list(names), [into] * len(names)],
        )
