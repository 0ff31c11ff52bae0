"""What placements say, as it is kept in memory by `services.keeping`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import structlog

from recommender.models import Placement
from recommender.ranking.assigning import Trial
from recommender.ranking.rules import Rules, RulesError, SeenPolicy
from recommender.selectors import trials

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LivePlacement:
    """A placement and the rules that answer for it.

    Attributes:
        version_id: 0 for the rules that a placement starts with
    """

    placement_id: int
    version_id: int
    rules: Rules


@dataclass(frozen=True, slots=True)
class Plans:
    """Everything that decides which rules answer.

    Attributes:
        placements: by name
        trials: running experiments by placement
        versions: rules of their variants
    """

    placements: Mapping[str, LivePlacement]
    trials: Mapping[int, tuple[Trial, ...]] = field(default_factory=dict)
    versions: Mapping[int, Rules] = field(default_factory=dict)

    def rules(self) -> Iterator[Rules]:
        """Yield all rules that may answer."""
        for placement in self.placements.values():
            yield placement.rules
        yield from self.versions.values()


def load() -> Plans:
    """Read all of it; a placement whose rules cannot be read answers with those it started with."""
    rows = Placement.objects.select_related("live_version").order_by("name")
    running, versions = trials.running()
    return Plans({row.name: _live(row) for row in rows}, running, versions)


def are_used_items_shown() -> bool:
    """Tell whether any rules that may answer show items again that a person has used."""
    return any(rules.seen != SeenPolicy.NEVER for rules in load().rules())


def expressions_of(rules: Rules) -> set[str]:
    """Return the expressions that rules hold."""
    return {rules.where, *(boost.where for boost in rules.boosts)} - {""}


def _live(row: Placement) -> LivePlacement:
    version = row.live_version
    if version is None:
        return LivePlacement(row.pk, 0, Rules())
    try:
        return LivePlacement(row.pk, version.pk, Rules.from_plain(version.rules))
    except RulesError as error:
        log.error("rules_not_read", placement=row.name, version=version.pk, error=str(error))
        return LivePlacement(row.pk, 0, Rules())


def expressions_in(plans: Plans) -> set[str]:
    """Return the expressions of all rules that may answer."""
    return set().union(*map(expressions_of, plans.rules()))


def pinned_in(plans: Plans) -> set[str]:
    """Return the ids of the items that some rules pin."""
    return {pin.item_id for rules in plans.rules() for pin in rules.pins}
