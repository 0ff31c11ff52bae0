"""What answers about a person depend on, and the change that a question is about."""

from __future__ import annotations

from django.db.models import Count, Max

from interests.models import DriftEvent
from interests.selectors import histories
from recommender.models import Serving

# Up to where the later of two lists has seen: the event that raised the change, or the newest.
RAISED, NOW = "raised", "now"
THROUGH = (RAISED, NOW)


def what_answers_depend_on(end_user_id: int) -> list[int | None]:
    """Return what changes when another publication serves, or events of a person come, go or are not used.

    Two queries.
    """
    serving = Serving.objects.values_list("publication_id", flat=True).first()
    events = histories.used_by(end_user_id)
    facts = events.aggregate(num=Count("pk"), newest=Max("pk"))
    return [serving, facts["num"], facts["newest"]]


def drift_event(*, pk: int, end_user_id: int) -> DriftEvent | None:
    """Return a change of a person, withdrawn or not, None where there is none; one query."""
    return DriftEvent.objects.filter(pk=pk, end_user_id=end_user_id).first()
