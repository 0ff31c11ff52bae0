"""Sessions in which a person binges: what they say about interests, which is little.

With a chance that differs from person to person a session is a binge: most of its events hold to one
category, whichever. So how likely a session is has two parts, and no session can tell more for a change
than a binge would have it, however long it is.

Legend: B people, K categories without "uncategorised", E chances of a binge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.drift.detector_settings import DetectorSettings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SessionOdds:
    """How likely the session so far is, as parts of how likely it is while nothing changes.

    Attributes:
        plain: if it is no binge and interests are as before. [B]
        binge: if it is a binge. [B]
        chance: that it is a binge before it is seen. [B]
    """

    plain: Floats
    binge: Floats
    chance: Floats

    @property
    def is_plain(self) -> Floats:
        """The probability that it is no binge. [B]"""
        return np.asarray((1 - self.chance) * self.plain)


def session_odds(
    plain_log: Floats, binge_logs: Floats, chance_weights: Floats, settings: DetectorSettings
) -> SessionOdds:
    """Return both parts of how likely the session so far is.

    Args:
        plain_log: log-likelihood of the session's events under the interests so far. [B]
        binge_logs: the same if it is a binge of each category. [B, K]
        chance_weights: how likely each of the settings' chances of a binge is. [B, E]
    """
    chance = (chance_weights * np.asarray(settings.binge_chances)).sum(1)
    top = binge_logs.max(1)
    binge_log = top + np.log(np.exp(binge_logs - top[:, None]).mean(1))
    top = np.maximum(plain_log, binge_log)
    plain, binge = np.exp(plain_log - top), np.exp(binge_log - top)
    total = (1 - chance) * plain + chance * binge
    return SessionOdds(plain / total, binge / total, chance)


def learned_chances(
    chance_weights: Floats, odds: SessionOdds, settings: DetectorSettings
) -> Floats:
    """Return how likely each chance of a binge is once the session is over; rows sum to 1. [B, E]"""
    chances = np.asarray(settings.binge_chances)
    weights = chance_weights * ((1 - chances) * odds.plain[:, None] + chances * odds.binge[:, None])
    return np.asarray(weights / weights.sum(1, keepdims=True))
