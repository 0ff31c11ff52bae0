"""Every table that names an end user, of this app and of those above it, as the models say.

What a person did and said is kept apart from what was worked out of it: the first moves along when a guest
becomes a member, the second goes when the person wants to be forgotten. A model with `is_measurement` says what
came of our answers: it stays, too. A new table counts as worked out until it is named here or says so.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet

from interests.models import (
    AlertRule,
    Alias,
    ChangeMark,
    Controls,
    EndUser,
    Impression,
    Interaction,
)

DONE_OR_SAID: tuple[type[Model], ...] = (Interaction, Impression, Controls, Alias)
# A mark says that work waits, a rule of an analyst that somebody watches: neither tells of the person.
ABOUT_OUR_WORK: tuple[type[Model], ...] = (ChangeMark, AlertRule)


@dataclass(frozen=True)
class Belonging:
    """A table and its column that names an end user."""

    model: type[Model]
    field: str

    @property
    def label(self) -> str:
        """Return the table as it is called in exports and in the audit."""
        return self.model._meta.label_lower

    @property
    def is_measurement(self) -> bool:
        """Tell whether it measures answers, not the person."""
        return bool(getattr(self.model, "is_measurement", False))

    def rows(self, end_users: Collection[int]) -> QuerySet[Any]:
        """Return the rows of some end users."""
        return self.model._base_manager.filter(**{f"{self.field}__in": list(end_users)})


def everything() -> list[Belonging]:
    """Return every table that names an end user, in order of label."""
    related = [
        relation
        for relation in EndUser._meta.get_fields(include_hidden=True)
        if relation.auto_created and not relation.concrete and relation.related_model is not None
    ]
    found = [
        Belonging(relation.related_model, relation.field.name)  # type: ignore[arg-type,union-attr]
        for relation in related
    ]
    return sorted(found, key=lambda belonging: (belonging.label, belonging.field))


def worked_out() -> list[Belonging]:
    """Return the tables of what was worked out of people's events."""
    others = (*DONE_OR_SAID, *ABOUT_OUR_WORK)
    return [
        belonging
        for belonging in everything()
        if belonging.model not in others and not belonging.is_measurement
    ]


def measured() -> list[Belonging]:
    """Return the tables of what came of answers, by person."""
    return [belonging for belonging in everything() if belonging.is_measurement]
