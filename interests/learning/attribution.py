"""How much each event of a history adds to the scores of some items: the scores with it less those without it.

Each event is left out once and the history encoded anew, as though it had never happened: the event after it
gets the gap to the one before it. That is the truth itself, not an estimate of it, and one encoding without
an event says what it adds to all items at once; docs/experiments.md has what gradients would cost and miss.

Legend: P people, K items of each, J events of one that are left out, L events of one in the network's window,
V versions (a history, whole or without one event), D width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interests.datasets.log import InteractionLog
from interests.learning.scoring import ENCODED_EVENTS, ENCODED_EVENTS_ON_GPU, beyond_popularity
from interests.learning.sequences import Histories, gap_buckets
from interests.learning.trained import TrainedNetwork

WHOLE = -1  # leaves nothing out
# People whose hidden states are held at once: with 30 versions each, 64 wide, about 15 MB.
PEOPLE_AT_ONCE = 2_048


@dataclass(frozen=True)
class Gains:
    """What events add to the scores of one person's items.

    Attributes:
        user: index into the log's users
        events: places of the events in the log, oldest first, int64. [J]
        gains: score of each item less its score without each event: log-odds, float32. [J, K]
    """

    user: int
    events: NDArray[np.int64]
    gains: NDArray[np.float32]


@torch.inference_mode()
def gains(
    network: TrainedNetwork,
    log: InteractionLog,
    *,
    users: NDArray[np.integer],
    items: NDArray[np.integer],
    last: int,
) -> Iterator[Gains]:
    """Yield for each person what each of their last events adds to the scores of their items.

    Events before the network's window, and those whose items it does not know, add nothing and are left out
    of what is returned; so somebody may have none.

    Args:
        log: sorted.
        users: index into the log's users. [P]
        items: of each person, index into the log's catalogue; the network knows them all. [P, K]
        last: how many of the newest events of each are looked at, 1 or more.
    """
    assert items.ndim == 2 and len(items) == len(users) and last >= 1
    own = network.histories(log)
    places = network.item_index(log.catalogue)[items]
    assert (places >= 0).all(), "the network must know the items"
    without = _gaps_without(own, log)
    for begin in range(0, len(users), PEOPLE_AT_ONCE):
        part = slice(begin, begin + PEOPLE_AT_ONCE)
        yield from _gains(network, own, without, users=users[part], items=places[part], last=last)


def _gains(
    network: TrainedNetwork,
    own: Histories,
    without: NDArray[np.int64],
    *,
    users: NDArray[np.integer],
    items: NDArray[np.int64],
    last: int,
) -> Iterator[Gains]:
    ends = own.offsets[np.asarray(users, np.int64) + 1]
    starts = np.maximum(own.offsets[users], ends - network.config.max_length)
    firsts = np.maximum(starts, ends - last)
    # One row for each version: whose it is, and which event is left out.
    counts = ends - firsts + 1
    people = np.repeat(np.arange(len(users)), counts)
    order = np.arange(len(people)) - np.repeat(np.cumsum(counts) - counts, counts)
    left_out = np.where(order == 0, WHOLE, firsts[people] + order - 1)
    hidden = _hidden(network, own, without, starts[people], ends[people], left_out)  # [V, D]
    weights = network.network.item_weights()
    beyond = beyond_popularity(network, items.reshape(-1))
    bounds = np.concatenate([[0], np.cumsum(counts)])
    for person, user in enumerate(users):
        first, end = bounds[person : person + 2]
        scored = (
            hidden[first:end] @ weights[torch.from_numpy(items[person])].float().T
        )  # [1 + J, K]
        if beyond is not None and ends[person] - starts[person] == 1:
            # Without their only event they are a stranger.
            scored[-1] -= beyond.view(items.shape)[person]
        found = (scored[:1] - scored[1:]).cpu().numpy()
        yield Gains(int(user), own.events[firsts[person] : ends[person]], found)


def _hidden(
    network: TrainedNetwork,
    own: Histories,
    without: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    left_out: NDArray[np.int64],
) -> Tensor:
    """Return the hidden state at the end of each version, zeros where nothing is left, float32. [V, D]"""
    device = network.network.item_bias.device
    found = torch.zeros(len(starts), network.network.width, device=device)
    lengths = ends - starts - (left_out != WHOLE)
    on_cpu = ENCODED_EVENTS * torch.get_num_threads()
    at_once = on_cpu if device.type == "cpu" else ENCODED_EVENTS_ON_GPU
    order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
    begin = 0
    while begin < len(order):
        size = max(at_once // int(lengths[order[begin]]), 1)
        rows = order[begin : begin + size]
        begin += size
        columns = _columns(own, without, starts[rows], lengths[rows], left_out[rows])
        items, kinds, gaps, sizes = (torch.from_numpy(column).to(device) for column in columns)
        found[torch.from_numpy(rows).to(device)] = network.network.last(
            items, kinds, gaps, sizes
        ).float()
    return found


def _columns(
    own: Histories,
    without: NDArray[np.int64],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    left_out: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return items, kinds and gaps of versions, padded at their end, and their lengths. [V, L] and [V]"""
    columns = np.arange(lengths[0])
    places = starts[:, None] + columns
    is_after = (left_out[:, None] != WHOLE) & (places >= left_out[:, None])
    is_real = columns < lengths[:, None]
    places = np.where(is_real, places + is_after, 0)
    follows = is_real & (places == left_out[:, None] + 1) & (left_out[:, None] != WHOLE)
    gaps = np.where(follows, without[places], own.gaps[places])
    return (
        np.where(is_real, own.items[places], 0),
        np.where(is_real, own.kinds[places], 0),
        np.where(is_real, gaps, 0),
        lengths,
    )


def _gaps_without(own: Histories, log: InteractionLog) -> NDArray[np.int64]:
    """Return the bucket of each event's gap where the event before it never happened, int64. [E]"""
    times = log.times[own.events]
    found = np.zeros(len(times), np.int64)
    counts = np.diff(own.offsets)
    order = np.arange(len(times)) - np.repeat(own.offsets[:-1], counts)
    third = np.flatnonzero(order >= 2)
    found[third] = gap_buckets(times[third] - times[third - 2])
    return found
