"""The gated recurrent unit as a tracker: learned on others, it follows each person event by event."""

from __future__ import annotations

from interests.tracking.followers import FollowerTracker


def gru() -> FollowerTracker:
    """Return a new tracker."""
    return FollowerTracker("gru", name="gru")
