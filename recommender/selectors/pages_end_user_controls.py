"""What one end user has said about their own recommendations, for their page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from interests.models import Alias, Category, Controls
from interests.selectors.states import CategoryName


@dataclass(frozen=True)
class Boosted:
    """A category that counts more or less, by how much."""

    category: CategoryName
    factor: float


@dataclass(frozen=True)
class ControlsShown:
    """Controls and other ids.

    Attributes:
        updated_at: None: nothing was said
        aliases: ids that were theirs as guests
    """

    muted: list[CategoryName]
    boosted: list[Boosted]
    forget_before: datetime | None
    is_opted_out: bool
    updated_at: datetime | None
    aliases: list[str]

    @property
    def says_something(self) -> bool:
        return bool(self.muted or self.boosted or self.forget_before or self.is_opted_out)

    @property
    def more(self) -> list[Boosted]:
        return [one for one in self.boosted if one.factor >= 1]

    @property
    def less(self) -> list[Boosted]:
        return [one for one in self.boosted if one.factor < 1]


def controls(*, end_user_id: int, categories: Mapping[int, Category]) -> ControlsShown:
    """Return what somebody has said; two queries.

    Args:
        categories: all, by key.
    """
    found = Controls.objects.filter(pk=end_user_id).first() or Controls()
    aliases = Alias.objects.filter(end_user_id=end_user_id).order_by("pk")
    boosts = {int(key): factor for key, factor in found.boosts.items()}
    return ControlsShown(
        muted=_labels(found.muted_category_ids, categories),
        boosted=[
            Boosted(_name(categories[key]), factor)
            for key, factor in sorted(boosts.items(), key=lambda pair: -pair[1])
            if key in categories
        ],
        forget_before=found.forget_before,
        is_opted_out=found.is_opted_out,
        updated_at=found.updated_at,
        aliases=list(aliases.values_list("user_id", flat=True)),
    )


def _labels(keys: list[int], categories: Mapping[int, Category]) -> list[CategoryName]:
    named = [categories[key] for key in keys if key in categories]
    return [_name(category) for category in sorted(named, key=lambda one: one.colour_rank)]


def _name(category: Category) -> CategoryName:
    return CategoryName(category.pk, category.name, category.colour_rank)
