"""The long short-term memory as a tracker: learned on others, it follows each person event by event."""

from __future__ import annotations

from interests.tracking.followers import FollowerTracker


def lstm() -> FollowerTracker:
    """Return a new tracker."""
    return FollowerTracker("lstm", name="lstm")
