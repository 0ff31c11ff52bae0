"""Which drift events count."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from interests.models import DriftEvent, InterestState, RunState, TrackingRun


def newest_run() -> TrackingRun | None:
    """Return the newest finished tracking run, None before the first; one query."""
    done = TrackingRun.objects.filter(state=RunState.DONE)
    return done.order_by("-finished_at", "-pk").first()


def that_count(run: TrackingRun | None) -> QuerySet[DriftEvent]:
    """Return the drift events of the newest finished run and the live ones that saw more than it.

    Withdrawn ones do not count. `run` is what `newest_run()` said.
    """
    events, is_live = DriftEvent.objects.filter(withdrawn_at=None), Q(tracking_run=None)
    if run is None:
        return events.filter(is_live)
    seen = InterestState.objects.filter(
        end_user=OuterRef("end_user"),
        tracking_run=run,
        events_through__gte=OuterRef("events_through"),
    )
    return events.filter(Q(tracking_run=run) | is_live & ~Exists(seen))
