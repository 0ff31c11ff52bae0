"""How much each event of a history adds to the scores of some items: the scores with it less those without it.

Each event is left out once and the history encoded anew, as though it had never happened: the event after it
gets the gap to the one before it. That is the truth itself, not an estimate of it, and one encoding without
an event says what it adds to all items at once; docs/experiments.md has what gradients would cost and miss.
Where events stand in for each other, leaving out one changes nothing: `together` leaves out all of them.

Legend: P people, K items of each, J events of one that are left out, L events of one in the network's window,
V versions (a history, whole or without events), D width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interests.datasets.log import InteractionLog
from interests.learning.scoring import ENCODED_EVENTS, ENCODED_EVENTS_ON_GPU, beyond_popularity
from interests.learning.sequences import gap_buckets
from interests.learning.trained import TrainedNetwork

# People whose hidden states are held at once: with 30 versions each, 64 wide, under a megabyte.
PEOPLE_AT_ONCE = 64


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
    histories = _Windows(network, log)
    for begin in range(0, len(users), PEOPLE_AT_ONCE):
        part = slice(begin, begin + PEOPLE_AT_ONCE)
        starts, ends = histories.of(users[part])
        firsts = np.maximum(starts, ends - last)
        left_out = [
            [np.array([event]) for event in range(first, end)]
            for first, end in zip(firsts.tolist(), ends.tolist(), strict=True)
        ]
        found = histories.changes(starts, ends, left_out=left_out, items=items[part])
        for user, first, end, changes in zip(users[part], firsts, ends, found, strict=True):
            yield Gains(int(user), histories.own.events[first:end], changes)


@torch.inference_mode()
def together(
    network: TrainedNetwork,
    log: InteractionLog,
    *,
    users: NDArray[np.integer],
    items: NDArray[np.integer],
    events: Sequence[NDArray[np.integer]],
) -> NDArray[np.float32]:
    """Return what several events of a person add to the scores of their items all at once.

    Args:
        log: sorted.
        users: index into the log's users; somebody may come more than once. [P]
        items: of each, as `gains` has them. [P, K]
        events: of each, places in the log; what the network does not read of them changes nothing.

    Returns:
        score of each item less its score without the events: log-odds, float32. [P, K]
    """
    assert items.ndim == 2 and len(items) == len(users) == len(events)
    histories = _Windows(network, log)
    starts, ends = histories.of(users)
    left_out = [[np.flatnonzero(np.isin(histories.own.events, own))] for own in events]
    found = list(histories.changes(starts, ends, left_out=left_out, items=items))
    return np.concatenate(found) if found else np.zeros(items.shape, np.float32)


class _Windows:
    """What a network reads of histories, and what it makes of them without some events."""

    def __init__(self, network: TrainedNetwork, log: InteractionLog) -> None:
        self.network, self.own = network, network.histories(log)
        self._index = network.item_index(log.catalogue)
        self._times = log.times[self.own.events]

    def of(self, users: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the windows of people begin and end. Each [P]"""
        ends = self.own.offsets[np.asarray(users, np.int64) + 1]
        return np.maximum(self.own.offsets[users], ends - self.network.config.max_length), ends

    def changes(
        self,
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        *,
        left_out: Sequence[Sequence[NDArray[np.int64]]],
        items: NDArray[np.integer],
    ) -> Iterator[NDArray[np.float32]]:
        """Yield for each person the scores of their items less those without each set of events. [sets, K]

        Args:
            left_out: of each person, sets of places among the network's histories.
        """
        counts = np.array([1 + len(own) for own in left_out], np.int64)
        people = np.repeat(np.arange(len(starts)), counts)
        firsts = np.cumsum(counts) - counts  # the whole history comes first
        columns = np.arange(int((ends - starts).max(initial=0)))
        kept = columns < (ends - starts)[people, None]  # [V, L]
        for person, sets in enumerate(left_out):
            for row, places in enumerate(sets, start=int(firsts[person]) + 1):
                inside = (places >= starts[person]) & (places < ends[person])
                kept[row, places[inside] - starts[person]] = False
        hidden = self._hidden(starts[people], kept)  # [V, D]
        is_stranger = torch.from_numpy(~kept.any(1)).to(hidden.device)
        weights = self.network.network.item_weights()
        for first, count, own in zip(firsts, counts, self._index[items], strict=True):
            rows = slice(first, first + count)
            wanted = weights[torch.from_numpy(own)].float()
            scored = self.network.network.products(hidden[rows], wanted)  # [1 + sets, K]
            beyond = beyond_popularity(self.network, own)
            if beyond is not None:
                # Somebody of whom nothing is left gets what is popular now and no more.
                scored = torch.where(is_stranger[rows, None], scored - beyond, scored)
            yield (scored[:1] - scored[1:]).cpu().numpy()

    def _hidden(self, starts: NDArray[np.int64], kept: NDArray[np.bool_]) -> Tensor:
        """Return the hidden state at the end of each version, zeros where nothing is left, float32. [V, D]"""
        network = self.network.network
        device = network.item_bias.device
        found = torch.zeros(len(starts), network.width, device=device)
        lengths = kept.sum(1)
        on_cpu = ENCODED_EVENTS * torch.get_num_threads()
        at_once = on_cpu if device.type == "cpu" else ENCODED_EVENTS_ON_GPU
        order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
        begin = 0
        while begin < len(order):
            rows = order[begin : begin + max(at_once // int(lengths[order[begin]]), 1)]
            begin += len(rows)
            columns = self._columns(starts[rows], kept[rows])
            items, kinds, gaps = (torch.from_numpy(column).to(device) for column in columns)
            sizes = torch.from_numpy(lengths[rows]).to(device)
            last = network.last(items, kinds, gaps, sizes)
            found[torch.from_numpy(rows).to(device)] = last.float()
        return found

    def _columns(
        self, starts: NDArray[np.int64], kept: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return items, kinds and gaps of versions, the longest first, padded at their end. Each [V, L]"""
        rows, columns = np.nonzero(kept)
        places = starts[rows] + columns
        offsets = np.concatenate([[0], np.cumsum(kept.sum(1))])
        order = np.arange(len(rows)) - offsets[rows]
        # The event before: in the version, or before the window.
        before = np.where(order > 0, np.roll(places, 1), starts[rows] - 1)
        person = np.searchsorted(self.own.offsets, starts[rows], side="right") - 1
        is_first = before < self.own.offsets[person]
        gaps = gap_buckets(self._times[places] - self._times[np.maximum(before, 0)])
        padded = np.zeros((3, len(kept), int(offsets[1])), np.int64)
        padded[:, rows, order] = (
            self.own.items[places],
            self.own.kinds[places],
            np.where(is_first, 0, gaps),
        )
        return padded[0], padded[1], padded[2]
