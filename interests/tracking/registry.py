"""All trackers by name; a new tracker is one new file and one line here."""

from __future__ import annotations

from collections.abc import Callable

from interests.tracking.decay import decay
from interests.tracking.last_n import LastN
from interests.tracking.mixture import Mixture
from interests.tracking.own_shares import own_shares
from interests.tracking.protocol import Tracker

TRACKERS: dict[str, Callable[[], Tracker]] = {
    "own_shares": own_shares,
    "last_n": LastN,
    "decay": decay,
    "mixture": Mixture,
}
