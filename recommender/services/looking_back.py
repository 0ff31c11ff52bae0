"""The slate as it would have been at a time: from what was known then, by a network trained on no more.

Known then were the events that had happened, and the items that were in the catalogue or had been used. Of
everything else the past is not kept, so nothing of it counts: items that are hidden today are not left
out, and items that the network was not trained with, which would stand where today's titles and
categories put them, are not ranked.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection
from django.utils import timezone

from interests.models import RunState, TrainingRun
from interests.selectors import events
from interests.selectors.events import LoadedCatalogue
from recommender.models import Serving
from recommender.services import previewing, refreshing
from recommender.services.previewing import CannotPreview

KNOWN_BY = """
    SELECT item.id FROM interests_item item
    WHERE item.created_at <= %(at)s OR EXISTS (
        SELECT FROM interests_interaction event
        WHERE event.item_id = item.id AND event.occurred_at <= %(at)s
    )
"""


def slate_at(*, end_user_id: int, at: str) -> dict[str, Any]:
    """Return a person's list at a time as plain values: items as primary keys, best first.

    Args:
        at: ISO 8601 with its zone.

    Raises:
        CannotPreview: no network was trained on events up to then only, or its weights are gone.
    """
    moment = datetime.fromisoformat(at)
    run = run_for(moment)
    if run is None:
        raise CannotPreview("No network was trained on events up to this time only. Train one.")
    catalogue = _known_by(refreshing.memory.catalogue(timezone.now()), moment)
    known = events.interaction_log(end_users=[end_user_id], until=moment, catalogue=catalogue)
    network = previewing.network_of(run, is_serving=_serves(run))
    items = np.zeros(0, np.int32)
    if known.log.num_events:
        items = previewing.rank(network, known.log, exclude_seen=True)[0]
    return {
        "training_run_id": run.pk,
        "items": previewing.keys_of(known.loaded, items),
        "num_events": known.log.num_events,
        "mix": previewing.category_mix(known.loaded, items),
    }


def run_for(at: datetime) -> TrainingRun | None:
    """Return the training that had seen most by a time and nothing later, its weights still there."""
    runs = TrainingRun.objects.filter(state=RunState.DONE, window_to__lte=at)
    home = Path(settings.RECSITE_HOME)
    for run in runs.exclude(weights_path="").order_by("-window_to", "-finished_at", "-pk"):
        if (home / run.weights_path).is_dir():
            return run
    return None


def _known_by(loaded: LoadedCatalogue, at: datetime) -> LoadedCatalogue:
    """Return the catalogue with only the items that were known at a time.

    Rows that came later would shift the order that is drawn for events of one moment.
    """
    with connection.cursor() as cursor:
        cursor.execute(KNOWN_BY, {"at": at})
        keys = np.array([row[0] for row in cursor.fetchall()], np.int64)
    is_known = np.isin(loaded.item_keys, keys)
    return replace(
        loaded, catalogue=loaded.catalogue.take(is_known), item_keys=loaded.item_keys[is_known]
    )


def _serves(run: TrainingRun) -> bool:
    return Serving.objects.filter(publication__training_run=run).exists()
