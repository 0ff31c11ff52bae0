"""Histories as sequences of category shares: what trackers read.

Legend: B end users of a batch, L length of a history, C categories, E events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog

# The pause after which web analytics everywhere counts a new visit.
SESSION_GAP_MICROSECONDS = 30 * 60 * 1_000_000
# Numbers in one padded batch, about 32 MB of float64: enough to keep numpy busy, small beside the site.
BATCH_NUMBERS = 4_000_000
# Shorter histories than this share of the longest would be mostly padding.
SHORTEST_SHARE = 0.6


@dataclass(frozen=True)
class History:
    """One end user's events in order, as category shares.

    Attributes:
        shares: how each event is shared among categories; rows sum to 1, float64. [L, C]
        times: microseconds since 1970-01-01 UTC, not falling, int64. [L]
        sessions: the number of the event's session, counted from 0, int32. [L]
        weights: how much each event tells, by its kind; below 0 is negative, float64. [L]
        network_shares: row i: the network's shares for the next event after event i; None without
            a network, float64. [L, C]
        network_from: how many of the events the network was trained on; its word counts from there
    """

    shares: NDArray[np.float64]
    times: NDArray[np.int64]
    sessions: NDArray[np.int32]
    weights: NDArray[np.float64]
    network_shares: NDArray[np.float64] | None = None
    network_from: int = 0

    def __len__(self) -> int:
        return len(self.times)

    @property
    def is_negative(self) -> NDArray[np.bool_]:
        """Mark the events that are evidence, but never targets. [L]"""
        return self.weights < 0

    def head(self, num_events: int) -> History:
        """Return the history as it was after its first `num_events` events."""
        cut = slice(num_events)
        network = None if self.network_shares is None else self.network_shares[cut]
        return History(
            shares=self.shares[cut],
            times=self.times[cut],
            sessions=self.sessions[cut],
            weights=self.weights[cut],
            network_shares=network,
            network_from=min(self.network_from, num_events),
        )


@dataclass(frozen=True)
class Batch:
    """Histories, the longest first, padded at their ends with events of weight 0 and shares 0.

    Attributes:
        index: which of the histories these are, int64. [B]
        first: events of each that lie before these and have been seen already, int64. [B]
        lengths: number of events of each, int64. [B]
        shares: float64. [B, L, C]
        weights: float64. [B, L]
        is_target: neither negative nor padding. [B, L]
        times: microseconds, int64. [B, L]
        begins_session: whether the event is the first of its session. [B, L]
        network_shares: None if no history has any, float64. [B, L, C]
        network_from: beyond all events where there is no network, int64. [B]
    """

    index: NDArray[np.int64]
    first: NDArray[np.int64]
    lengths: NDArray[np.int64]
    shares: NDArray[np.float64]
    weights: NDArray[np.float64]
    is_target: NDArray[np.bool_]
    times: NDArray[np.int64]
    begins_session: NDArray[np.bool_]
    network_shares: NDArray[np.float64] | None
    network_from: NDArray[np.int64]

    def num_longer(self, length: int) -> int:
        """Return how many of the histories have more events than `length`; they come first."""
        return int(np.searchsorted(-self.lengths, -length, side="left"))


def sessions_of(times: NDArray[np.int64]) -> NDArray[np.int32]:
    """Number the sessions of one history: a pause of more than 30 minutes begins the next. [L]"""
    is_new = np.diff(times, prepend=times[:1]) > SESSION_GAP_MICROSECONDS
    return np.cumsum(is_new).astype(np.int32)


def of_log(
    log: InteractionLog,
    *,
    network_shares: NDArray[np.floating] | None = None,
    network_until: int | None = None,
    users: Sequence[int] | None = None,
) -> list[History]:
    """Return the history of each of the log's users, in the order of its `user_ids`.

    Args:
        log: sorted.
        users: only these, by their place in `user_ids`.
        network_shares: what the network expects after each event, in the log's order. [E, C]
        network_until: time in microseconds of the newest event the network was trained on.
    """
    assert (network_shares is None) == (network_until is None), "shares and time belong together"
    weights = log.kind_weights.astype(np.float64)[log.kinds]
    histories = []
    for user in range(log.num_users) if users is None else users:
        start, end = log.offsets[user : user + 2]
        times = log.times[start:end]
        shares = log.catalogue.shares[log.items[start:end]].astype(np.float64)
        network = None if network_shares is None else network_shares[start:end].astype(np.float64)
        known = 0 if network_until is None else np.searchsorted(times, network_until, side="right")
        histories.append(
            History(
                shares=shares / shares.sum(1, keepdims=True),
                times=times,
                sessions=sessions_of(times),
                weights=weights[start:end],
                network_shares=network,
                network_from=int(known),
            )
        )
    return histories


def batches(
    histories: Sequence[History], *, firsts: Sequence[int] | None = None
) -> Iterator[Batch]:
    """Yield all histories in padded batches of like length, longest first.

    Args:
        firsts: of each history from which event on; None: from the first.
    """
    begins = [0] * len(histories) if firsts is None else firsts
    lengths = [len(own) - begin for own, begin in zip(histories, begins, strict=True)]
    order = sorted(range(len(histories)), key=lambda i: -lengths[i])
    start = 0
    while start < len(order):
        longest, num_categories = lengths[order[start]], histories[order[start]].shares.shape[1]
        limit = max(1, BATCH_NUMBERS // max(longest * num_categories, 1))
        shortest = SHORTEST_SHARE * longest - 8
        end = start + 1
        while end < len(order) and end - start < limit and lengths[order[end]] >= shortest:
            end += 1
        yield _pad(histories, order[start:end], begins)
        start = end


def _pad(histories: Sequence[History], index: Sequence[int], firsts: Sequence[int]) -> Batch:
    chosen, first = [histories[i] for i in index], [firsts[i] for i in index]
    length, num_categories = len(chosen[0]) - first[0], chosen[0].shares.shape[1]
    has_network = any(history.network_shares is not None for history in chosen)
    shares = np.zeros((len(chosen), length, num_categories))
    network = np.zeros_like(shares) if has_network else None
    weights = np.zeros((len(chosen), length))
    is_target = np.zeros((len(chosen), length), bool)
    times = np.zeros((len(chosen), length), np.int64)
    begins = np.zeros((len(chosen), length), bool)
    network_from = np.full(len(chosen), np.iinfo(np.int64).max)
    for row, history in enumerate(chosen):
        own, new = slice(len(history) - first[row]), slice(first[row], None)
        shares[row, own] = history.shares[new]
        weights[row, own] = history.weights[new]
        is_target[row, own] = ~history.is_negative[new]
        times[row, own] = history.times[new]
        begins[row, own] = np.diff(history.sessions, prepend=-1)[new] > 0
        if network is not None and history.network_shares is not None:
            network[row, own] = history.network_shares[new]
            network_from[row] = history.network_from
    return Batch(
        index=np.asarray(index, np.int64),
        first=np.asarray(first, np.int64),
        lengths=np.array([len(history) for history in chosen], np.int64) - first,
        shares=shares,
        weights=weights,
        is_target=is_target,
        times=times,
        begins_session=begins,
        network_shares=network,
        network_from=network_from,
    )
