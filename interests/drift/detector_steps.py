"""One more event of each person in a bank: what is learned from it and what it says about a change.

Legend: as in `detector_bank`; R rows of a bank.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from interests.drift.detector_bank import (
    LEAST,
    LEAST_RATIO,
    MOST,
    RECENT_CATEGORIES,
    Bank,
    Floats,
    Rows,
    Singles,
)
from interests.drift.detector_sessions import SessionOdds, learned_chances, session_odds
from interests.drift.detector_settings import DetectorSettings

# Events since a begin after which a change that old would have shown.
OLDEST = 120
# Interests below this share are all as rare.
SHARE_OF_RARE = np.float32(0.01)
OF_BEGINS = (
    "begins",
    "begins_told",
    "begin_weights",
    "begin_chances",
    "before",
    "falling",
    "chances",
    "past",
    "running",
)


def step(
    bank: Bank,
    *,
    shares: Floats,
    sessions: NDArray[np.integer],
    num_events: NDArray[np.integer],
    pseudo: Floats,
    settings: DetectorSettings,
) -> Singles:
    """Let every row see one event, and return how much each hypothesis has for it. [B, G, J, K]

    Args:
        bank: changed in place.
        shares: of the events, at least one category above 0. [B, K]
        sessions: numbers of their sessions. [B]
        num_events: what each person has seen with this event, negatives included. [B]
        pseudo: what each category counts for before anything is known. [K]
    """
    is_new = sessions != bank.session
    if is_new.any():
        _close_sessions(bank, np.flatnonzero(is_new), settings)
    bank.session[:] = sessions
    bank.since_begin += 1
    interests = bank.interests(pseudo)
    _add_begins(bank, is_new, interests, num_events - 1, settings)
    likelihood = (shares * interests).sum(1)
    _weigh_event(bank, shares, interests, likelihood, settings)
    bank.plain_log += np.log(likelihood)
    part = settings.binge_event_part
    bank.binge_logs += np.log((1 - part) * likelihood[:, None] + part * shares)
    odds = session_odds(bank.plain_log, bank.binge_logs, bank.chance_weights, settings)
    bank.is_plain[:] = odds.is_plain
    # Which of an item's categories was wanted is guessed from the interests known so far.
    bank.session_counts += shares * interests / likelihood[:, None]
    bank.since_alarm += 1
    bank.num_events[:] = num_events
    bank.num_told += 1
    _remember(bank, shares)
    support = _support(bank, odds)
    bank.evidence[:] = np.log1p(support.reshape(len(support), -1).sum(1, dtype=np.float64))
    return support


def _weigh_event(
    bank: Bank, shares: Floats, interests: Floats, likelihood: Floats, settings: DetectorSettings
) -> None:
    """Multiply each hypothesis's ratio of the running session by that of the event."""
    rows = np.arange(len(shares))[:, None, None]
    falling = bank.falling
    # theta_j + theta_k stays; under the hypothesis k has all of it but what is left to j.
    pair = interests.astype(np.float32)[rows, falling][..., None]  # [B, G, J, 1]
    interest = interests.astype(np.float32)[:, None, None]
    share = (shares / likelihood[:, None]).astype(np.float32)
    more = share[:, None, None] - share[rows, falling][..., None]  # [B, G, J, K]
    ratio = held_by_falling(bank.before, falling)
    ratio *= np.float32(settings.moved_part - 1)
    ratio *= pair + interest
    ratio += pair
    ratio *= more
    ratio += 1
    np.maximum(ratio, LEAST_RATIO, out=ratio)
    ratio *= bank.running
    np.clip(ratio, LEAST, MOST, out=bank.running)


def held_by_falling(before: Singles, falling: NDArray[np.int16]) -> Singles:
    """Return which part of what j and k had together was j's before the begin. [..., J, K]"""
    falls = np.take_along_axis(before, falling.astype(np.intp), -1)[..., None]
    return np.asarray(falls / (falls + before[..., None, :]))


def _parts(bank: Bank, odds: SessionOdds) -> tuple[Singles, Singles]:
    """Return what the running session counts for under each begin: times its ratio, and besides. [B, G]"""
    plain = (1 - bank.begin_chances) * odds.plain[:, None]
    binge = bank.begin_chances * odds.binge[:, None]
    return plain.astype(np.float32), binge.astype(np.float32)


def _support(bank: Bank, odds: SessionOdds) -> Singles:
    plain, binge = _parts(bank, odds)
    support = bank.running * plain[:, :, None, None]
    support += binge[:, :, None, None]
    support *= bank.past
    support *= bank.chances
    support *= bank.begin_weights.astype(np.float32)[:, :, None, None]
    return support


def move_chances(
    before: Singles,
    falling: NDArray[np.int16],
    last_move: NDArray[np.int16],
    settings: DetectorSettings,
) -> Singles:
    """Return how likely each move is beforehand; sums to 1 over J and K. [R, G, J, K]

    What is wanted most is likeliest to fall, what is hardly wanted likeliest to rise.
    """
    columns, of_falling = np.arange(before.shape[2]), falling[..., None]
    strength = np.take_along_axis(before, falling.astype(np.intp), 2)[..., None]
    rarity = (before[:, :, None] + SHARE_OF_RARE) ** np.float32(-settings.rare_power)
    strength = strength ** np.float32(settings.strong_power)
    chances = strength * rarity * (of_falling != columns)
    fell, rose = (last_move[:, i][:, None, None, None] for i in (0, 1))
    again = (of_falling == fell) & (columns == rose)
    back = (of_falling == rose) & (columns == fell)
    chances[again] *= settings.same_again
    chances[back] *= settings.back_again
    total = chances.sum((2, 3), keepdims=True)
    chances /= np.where(total > 0, total, 1)
    return np.asarray(chances)


def _close_sessions(bank: Bank, rows: Rows, settings: DetectorSettings) -> None:
    """Put what the running sessions told into what is known."""
    odds = session_odds(
        bank.plain_log[rows], bank.binge_logs[rows], bank.chance_weights[rows], settings
    )
    begin_chances = bank.begin_chances[rows]
    plain = ((1 - begin_chances) * odds.plain[:, None]).astype(np.float32)
    binge = (begin_chances * odds.binge[:, None]).astype(np.float32)
    session = bank.running[rows] * plain[:, :, None, None] + binge[:, :, None, None]
    bank.past[rows] = np.clip(bank.past[rows] * session, LEAST, MOST)
    bank.running[rows] = 1
    bank.chance_weights[rows] = learned_chances(bank.chance_weights[rows], odds, settings)
    counts = bank.counts[rows] + bank.is_plain[rows, None] * bank.session_counts[rows]
    total = counts.sum(1, keepdims=True)
    counts *= np.minimum(settings.memory_events / np.maximum(total, 1e-9), 1)
    bank.counts[rows] = counts
    bank.session_counts[rows] = 0
    bank.plain_log[rows] = 0
    bank.binge_logs[rows] = 0
    bank.is_plain[rows] = 1


def _add_begins(
    bank: Bank,
    is_new: NDArray[np.bool_],
    interests: Floats,
    num_before: NDArray[np.integer],
    settings: DetectorSettings,
) -> None:
    """Remember a possible begin where there is room or an older one can go."""
    known = bank.counts.sum(1) + bank.session_counts.sum(1)
    is_due = is_new | (bank.since_begin >= settings.begin_every)
    is_due &= (known >= settings.min_before) & (bank.since_alarm >= settings.rest_events)
    rows = np.flatnonzero(is_due)
    if not len(rows):
        return
    _make_room(bank, rows)
    own = interests[rows]
    recovered = np.minimum(bank.since_alarm[rows] / settings.recovery_events, 1)
    chances = np.asarray(settings.binge_chances)
    bank.begins[rows, -1] = num_before[rows]
    bank.begins_told[rows, -1] = bank.num_told[rows]
    bank.begin_weights[rows, -1] = bank.since_begin[rows] * recovered
    bank.begin_chances[rows, -1] = (bank.chance_weights[rows] * chances).sum(1)
    bank.before[rows, -1] = own
    num_falling = bank.falling.shape[2]
    falling = np.argsort(-own, axis=1, kind="stable")[:, :num_falling]
    bank.falling[rows, -1] = falling
    bank.chances[rows, -1] = move_chances(
        bank.before[rows, -1:], bank.falling[rows, -1:], bank.last_move[rows], settings
    )[:, 0]
    bank.past[rows, -1] = 1
    bank.running[rows, -1] = 1
    bank.since_begin[rows] = 0


def _make_room(bank: Bank, rows: Rows) -> None:
    """Free the newest place by dropping the begin that lies closest between two others for its age."""
    begins, now = bank.begins_told[rows], bank.num_told[rows]
    crowding = np.full(begins.shape, np.inf)
    crowding[:, 1:-1] = (begins[:, 2:] - begins[:, :-2]) / (now[:, None] - begins[:, 1:-1] + 5.0)
    is_old = now - begins[:, 0] > OLDEST
    crowding[is_old, 0] = -1
    crowding[begins[:, 0] < 0, 0] = -2
    drop = crowding.argmin(1)
    weights = bank.begin_weights[rows]
    every, after = np.arange(len(rows)), np.minimum(drop + 1, begins.shape[1] - 1)
    # What it stood for goes to the next newer one, unless it is too old to come back to.
    weights[every, after] += np.where(drop > 0, weights[every, drop], 0)
    bank.begin_weights[rows] = weights
    places = np.arange(begins.shape[1])
    source = np.where(places < drop[:, None], places, np.minimum(places + 1, places[-1]))
    for name in OF_BEGINS:
        values = getattr(bank, name)
        values[rows] = values[rows[:, None], source]


def _remember(bank: Bank, shares: Floats) -> None:
    largest = min(RECENT_CATEGORIES, shares.shape[1])
    columns = np.argsort(-shares, axis=1, kind="stable")[:, :largest]
    bank.recent[:, :-1] = bank.recent[:, 1:]
    bank.recent_columns[:, :-1] = bank.recent_columns[:, 1:]
    bank.recent_shares[:, :-1] = bank.recent_shares[:, 1:]
    bank.recent[:, -1] = bank.num_events - 1
    bank.recent_columns[:, -1, :largest] = columns
    bank.recent_shares[:, -1, :largest] = np.take_along_axis(shares, columns, 1)
