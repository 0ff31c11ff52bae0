"""From the evidence of one person to a drift event, and how the detector goes on after it.

Legend: as in `detector_bank`, of one person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.drift.detector_bank import Bank, Floats, Singles
from interests.drift.detector_settings import DetectorSettings
from interests.drift.detector_steps import held_by_falling

# A category is named when it is at least this likely to have a part in the change.
LEAST_PART = 0.2
MOST_EVIDENCE = 10
LEAST_SHARE = 1e-9


@dataclass(frozen=True)
class Alarm:
    """A change of interests as the detector raises it.

    Attributes:
        after: number of events, negatives included, seen when it was raised
        begin: estimated number of events before the change began, so the index of its first event
        confidence: the probability of a change, 0 to 1
        score: evidence above no change, nats
        rising, falling: columns, the surest first
        before, after_shares: interest shares before and since the begin, sum to 1. [C]
        is_return: it goes back to what was wanted before the last alarm
        evidence: indices of events since the begin that show it, the most telling first, at most 10
    """

    after: int
    begin: int
    confidence: float
    score: float
    rising: tuple[int, ...]
    falling: tuple[int, ...]
    before: Floats
    after_shares: Floats
    is_return: bool
    evidence: tuple[int, ...]


def probability(evidence: float, settings: DetectorSettings) -> float:
    """Return the probability that interests have changed, at the settings' hazard, 0 to 1."""
    odds = settings.hazard * np.expm1(evidence)
    return float(odds / (1 + odds))


def raise_alarm(
    person: Bank, *, support: Singles, interests: Floats, settings: DetectorSettings
) -> Alarm:
    """Return the drift event of a bank of one person, and begin anew from the interests after it.

    Args:
        person: changed in place. B = 1
        support: how much each hypothesis has for it. [G, J, K]
        interests: as known now while nothing changed. [K]
    """
    begin = int(support.sum((1, 2)).argmax())
    place, rising = divmod(int(support[begin].argmax()), support.shape[2])
    falling = int(person.falling[0, begin, place])
    before = interests.copy()
    pair = interests[falling] + interests[rising]
    held = float(held_by_falling(person.before, person.falling)[0, begin, place, rising])
    before[falling], before[rising] = pair * held, pair * (1 - held)
    after = _interests_since(person, begin, before, (falling, rising), settings)
    named_falling, named_rising = _named(support, person.falling[0], falling, rising)
    first, evidence = _first_and_telling(person, begin, before, after)
    fell, rose = person.last_move[0]
    alarm = Alarm(
        after=int(person.num_events[0]),
        begin=first,
        confidence=probability(float(person.evidence[0]), settings),
        score=float(person.evidence[0]),
        rising=named_rising,
        falling=named_falling,
        before=before,
        after_shares=after,
        is_return=(falling, rising) == (rose, fell),
        evidence=evidence,
    )
    _begin_anew(person, after, (falling, rising), settings)
    return alarm


def _interests_since(
    person: Bank, begin: int, before: Floats, move: tuple[int, int], settings: DetectorSettings
) -> Floats:
    """Return the shares since the begin: how j and k share what is theirs is counted since. [K]

    What the settings say of a move counts as a few events beside them.
    """
    falling, rising = move
    pair = before[falling] + before[rising]
    after = before.copy()
    after[falling] *= 1 - settings.moved_part
    after[rising] = pair - after[falling]
    is_since = person.recent[0] >= person.begins[0, begin]
    columns = person.recent_columns[0][is_since].astype(np.intp)
    wanted = after[columns] * person.recent_shares[0][is_since]
    wanted /= np.maximum(wanted.sum(1, keepdims=True), LEAST_SHARE)
    fell, rose = wanted[columns == falling].sum(), wanted[columns == rising].sum()
    events = settings.events_of_a_move
    left = (events * after[falling] / pair + fell) / (events + fell + rose)
    after[falling], after[rising] = pair * left, pair * (1 - left)
    return after


def _named(
    support: Singles, falling_of: NDArray[np.int16], falling: int, rising: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the categories that take part, falling and rising, the surest first."""
    parts = support.astype(np.float64) / support.sum(dtype=np.float64)
    num_columns = support.shape[2]
    falls = np.zeros(num_columns)
    np.add.at(falls, falling_of, parts.sum(2))
    rises = parts.sum((0, 1))
    fell = [falling, *_likely(falls, but=(falling, rising))]
    rose = [rising, *_likely(rises, but=(*fell, rising))]
    return tuple(fell), tuple(rose)


def _likely(parts: Floats, *, but: tuple[int, ...]) -> list[int]:
    order = np.argsort(-parts, kind="stable")
    return [int(c) for c in order if parts[c] >= LEAST_PART and c not in but]


def _first_and_telling(
    person: Bank, begin: int, before: Floats, after: Floats
) -> tuple[int, tuple[int, ...]]:
    """Return the likeliest first event of the change, and the events since that show it best."""
    numbers = person.recent[0]
    columns, shares = person.recent_columns[0].astype(np.intp), person.recent_shares[0]
    told = np.log((after[columns] * shares).sum(1) + LEAST_SHARE)
    told -= np.log((before[columns] * shares).sum(1) + LEAST_SHARE)
    earliest = person.begins[0, max(begin - 1, 0)]
    latest = person.begins[0, min(begin + 1, person.begins.shape[1] - 1)]
    since = np.cumsum(told[::-1])[::-1]
    is_possible = (numbers >= max(earliest, 0)) & (numbers <= latest)
    first = int(person.begins[0, begin])
    if is_possible.any():
        first = int(numbers[np.where(is_possible, since, -np.inf).argmax()])
    shown = [i for i in np.argsort(-told, kind="stable") if told[i] > 0 and numbers[i] >= first]
    return first, tuple(int(numbers[i]) for i in shown[:MOST_EVIDENCE])


def _begin_anew(
    person: Bank, after: Floats, move: tuple[int, int], settings: DetectorSettings
) -> None:
    person.counts[0] = after * settings.kept_events
    person.session_counts[0] = 0
    person.is_plain[0] = 1
    person.begins[0] = person.begins_told[0] = -1
    person.begin_weights[0] = 0
    person.past[0] = 1
    person.running[0] = 1
    person.since_alarm[0] = 0
    person.since_begin[0] = 0
    person.last_move[0] = move
    person.evidence[0] = 0
