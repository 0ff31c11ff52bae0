"""What would change for people if a publication served."""

from __future__ import annotations

from dataclasses import dataclass

from interests.models import EndUser
from recommender.models import PublicationRun, Serving
from recommender.selectors import gating, publications
from recommender.selectors.publications import Difference


@dataclass(frozen=True)
class Changed:
    """An end user for whom much changes."""

    pk: int
    user_id: str
    num_new_items: int


@dataclass(frozen=True)
class Step:
    """How many people see so many new items."""

    num_new_items: int
    num_end_users: int
    share: float


@dataclass(frozen=True)
class Change:
    """What would change.

    Attributes:
        older: what serves
        steps: from the least to the most change; empty where nobody has both lists
    """

    older: int
    difference: Difference
    steps: list[Step]
    most_changed: list[Changed]


def change(publication: PublicationRun) -> Change | None:
    """Return what would change, None where nothing serves: for everybody where that is kept, else for a sample."""
    serving = Serving.objects.select_related("publication").first()
    if serving is None or serving.publication_id == publication.pk:
        return None
    older = serving.publication
    found = publications.kept_difference(older, publication)
    if found is None or not found.num_by_new_items:
        people = publications.sample_of(older, size=gating.NUM_SAMPLED, seed=publication.pk)
        found = publications.difference(older, publication, people=people)
    total = max(sum(found.num_by_new_items), 1)
    steps = [Step(num, people, people / total) for num, people in enumerate(found.num_by_new_items)]
    return Change(older.pk, found, steps if found.num_end_users else [], most_changed(found))


def most_changed(found: Difference) -> list[Changed]:
    """Return for whom most changes, with their names; whoever was erased since is not there. One query."""
    keys = [one.end_user_id for one in found.most_changed]
    names = dict(EndUser.objects.filter(pk__in=keys).values_list("pk", "user_id"))
    return [
        Changed(one.end_user_id, names[one.end_user_id], one.num_new_items)
        for one in found.most_changed
        if one.end_user_id in names
    ]
