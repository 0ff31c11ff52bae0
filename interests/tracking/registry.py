"""All trackers by name; a new tracker is one new file and one line here."""

from __future__ import annotations

from collections.abc import Callable

from interests.tracking.decay import decay
from interests.tracking.gru import gru
from interests.tracking.hmm import HiddenMarkov
from interests.tracking.last_n import LastN
from interests.tracking.lstm import lstm
from interests.tracking.markov import Markov
from interests.tracking.mixture import Mixture
from interests.tracking.own_shares import own_shares
from interests.tracking.protocol import Tracker
from interests.tracking.short_long_decay import ShortLongDecay
from interests.tracking.time_decay import TimeDecay
from interests.tracking.transformer import transformer

TRACKERS: dict[str, Callable[[], Tracker]] = {
    "own_shares": own_shares,
    "last_n": LastN,
    "decay": decay,
    "time_decay": TimeDecay,
    "short_long_decay": ShortLongDecay,
    "markov": Markov,
    "hmm": HiddenMarkov,
    "gru": gru,
    "lstm": lstm,
    "transformer": transformer,
    "mixture": Mixture,
}
