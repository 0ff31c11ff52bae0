"""What a change of interests did to recommendations: the network that serves ranks before it and after it.

The same network and the same mask on both sides: whatever the person had seen by the later time is
left out of both lists. Lists change with every event, also when interests do not; so the same is counted
over stretches of equally many events before the change, and only what is more than those is put down to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db.models import Q
from django.utils import timezone

from interests.models import DriftEvent
from recommender.ranking import differences, versions
from recommender.selectors import changes
from recommender.services import previewing, refreshing, slating
from recommender.services.previewing import CannotPreview

# Lists made from fewer events change with each one.
LEAST_EVENTS = 5
MOST_STRETCHES = 6


def before_and_after(*, drift_event_id: int, through: str = changes.RAISED) -> dict[str, Any]:
    """Return the lists before and after a change as plain values, and how much lists change without one.

    Args:
        through: one of `changes.THROUGH`.

    Items are primary keys, best first; `usual` has for each stretch without a change how many of the list
    changed over it; `mix_before` and `mix_after` are the shares of categories in both lists, by key.

    Raises:
        CannotPreview: the change is gone, or there is nothing on one side of it.
    """
    event = DriftEvent.objects.filter(pk=drift_event_id).first()
    if event is None:
        raise CannotPreview("This change is gone: changes were worked out anew.")
    if event.withdrawn_at is not None:
        raise CannotPreview("This change has been withdrawn: events that came late unmade it.")
    ranker = previewing.serving()
    known = previewing.history_of(
        event.end_user_id, catalogue=refreshing.memory.catalogue(timezone.now())
    )
    begin, end = event.begin_event, known.log.num_events
    if through == changes.RAISED:
        end = min(event.num_events, end)
    if not 0 < begin < end:
        raise CannotPreview(
            f"There is nothing to compare: {begin:,} events before the change, "
            f"{max(end - begin, 0):,} since. Both sides need one."
        )
    stretches = differences.stretches_before(
        begin, length=end - begin, least=LEAST_EVENTS, most=MOST_STRETCHES, others=_others(event)
    )
    moments = sorted({begin, end, *(number for stretch in stretches for number in stretch)})
    ranked = previewing.rank(
        ranker.network.grown(known.log.catalogue),
        versions.of_one_person(known.log, kept=[np.arange(number) for number in moments]),
        excluded=previewing.is_seen(known.log, until=end) | slating.is_hidden(known.loaded),
    )
    lists = dict(zip(moments, ranked, strict=True))
    before, after = (previewing.keys_of(known.loaded, lists[number]) for number in (begin, end))
    usual = [
        differences.compare(lists[first].tolist(), lists[last].tolist()).num_changed
        for first, last in stretches
    ]
    return {
        "publication_id": ranker.publication.pk,
        "training_run_id": ranker.training_run.pk,
        "before": before,
        "after": after,
        "num_before": begin,
        "num_after": end,
        "usual": usual,
        "mix_before": previewing.category_mix(known.loaded, lists[begin]),
        "mix_after": previewing.category_mix(known.loaded, lists[end]),
    }


def _others(event: DriftEvent) -> list[tuple[int, int]]:
    """Return where the person's other changes begin and end, in events."""
    own = DriftEvent.objects.filter(end_user_id=event.end_user_id, withdrawn_at=None)
    counts = own.filter(Q(tracking_run=event.tracking_run_id) | Q(tracking_run=None))
    return list(counts.exclude(pk=event.pk).values_list("begin_event", "num_events"))
