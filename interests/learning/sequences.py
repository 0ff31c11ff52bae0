"""Histories as integers, cut into windows, grouped into batches of like length.

Item 0 is padding, here and everywhere in this package: a network's items count from 1. Item -1 is one that is
hidden from the network while it learns.

Legend: E events, U end users, W windows, B windows of a batch, L length of its longest, P targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interests.datasets.log import InteractionLog
from interests.learning.event_kinds import EventKinds

PADDING = 0
HIDDEN = -1
# Gap 0: nothing came before. 1: under a second. Then a bucket for each doubling, up to 34 years.
NUM_GAPS = 32


@dataclass(frozen=True)
class Histories:
    """The events of end users in order, as a network reads them.

    Attributes:
        items: 1 to N, int64. [E]
        kinds: number of kind and value level, 0 for a kind that the network does not know, int64. [E]
        gaps: bucket of the time since the event before, 0 to NUM_GAPS - 1, int64. [E]
        is_target: whether a network may be asked to predict the event. [E]
        offsets: where each end user's events begin, and one past the last, int64. [U + 1]
        events: each event's place in the log that it came from, int64. [E]
        is_hidden: which events' items a network may not see, only predict; None for none of them. [E]
    """

    items: NDArray[np.int64]
    kinds: NDArray[np.int64]
    gaps: NDArray[np.int64]
    is_target: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    events: NDArray[np.int64]
    is_hidden: NDArray[np.bool_] | None = None
    _on_devices: dict[torch.device, EventTensors] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def on(self, device: torch.device) -> EventTensors:
        """Return the columns that batches are made of, moved to the device once."""
        if device not in self._on_devices:
            shown = self.items
            if self.is_hidden is not None:
                shown = np.where(self.is_hidden, HIDDEN, self.items)
            columns = (self.items, shown, self.kinds, self.gaps, self.is_target)
            tensors = (torch.from_numpy(np.ascontiguousarray(column)) for column in columns)
            self._on_devices[device] = EventTensors(*(tensor.to(device) for tensor in tensors))
        return self._on_devices[device]


@dataclass(frozen=True)
class EventTensors:
    """Columns of `Histories` on a device; `shown` are the items as they go in. Each [E]"""

    items: Tensor
    shown: Tensor
    kinds: Tensor
    gaps: Tensor
    is_target: Tensor


@dataclass(frozen=True)
class Windows:
    """Stretches of consecutive events of one end user each: [start, start + length) of `Histories`."""

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def take(self, index: NDArray[np.int64]) -> Windows:
        return Windows(self.starts[index], self.lengths[index])


@dataclass(frozen=True)
class Batch:
    """Windows padded at their end to the longest.

    Attributes:
        items, kinds, gaps: what went in, 0 where padded, an item -1 where hidden, int64. [B, L]
        targets: the item that came next, 0 where there is none to predict, int64. [B, L]
        lengths: events of each window, int64. [B]
    """

    items: Tensor
    kinds: Tensor
    gaps: Tensor
    targets: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class Targets:
    """What a batch's windows ask for, known without looking at the device.

    Attributes:
        items: 1 to N, int64. [P]
        places: where each stands in the batch's flattened [B, L], int64. [P]
    """

    items: NDArray[np.int64]
    places: NDArray[np.int64]


def histories(
    log: InteractionLog, *, item_index: NDArray[np.int64], kinds: EventKinds
) -> Histories:
    """Return the histories of a sorted log; events with items that the network lacks are left out.

    Args:
        item_index: for each item of the log's catalogue its number, -1 for unknown.
        kinds: how kinds and values of events are numbered.
    """
    items = item_index[log.items]
    kept = np.flatnonzero(items >= 0)
    users = log.users[kept]
    counts = np.bincount(users, minlength=log.num_users)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    gaps = gap_buckets(np.diff(log.times[kept], prepend=0))
    gaps[offsets[:-1][counts > 0]] = 0
    return Histories(
        items=items[kept] + 1,
        kinds=kinds.numbers(log)[kept],
        gaps=gaps,
        is_target=~log.is_negative[kept],
        offsets=offsets,
        events=kept,
    )


def gap_buckets(microseconds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the bucket of each gap: 1 below a second, then one more for each doubling of seconds."""
    seconds = np.maximum(microseconds, 0) / 1_000_000
    buckets = 2 + np.floor(np.log2(np.maximum(seconds, 0.5))).astype(np.int64)
    capped: NDArray[np.int64] = np.minimum(buckets, NUM_GAPS - 1)
    return capped


def training_windows(own: Histories, *, max_length: int, random: np.random.Generator) -> Windows:
    """Cut every history into windows so that each target is predicted exactly once.

    A history longer than `max_length` is cut at a place that `random` draws, so that in each pass
    its events see different amounts of what came before.
    """
    last_target = np.full(len(own.offsets) - 1, -1, np.int64)
    targets = np.flatnonzero(own.is_target)
    last_target[np.searchsorted(own.offsets, targets, side="right") - 1] = targets
    firsts = own.offsets[:-1]
    # An event is an input only while a target follows it.
    inputs = np.maximum(last_target - firsts, 0)
    phases = np.where(inputs > max_length, random.integers(0, max_length, len(inputs)), 0)
    counts = -(-(inputs + phases) // max_length)
    users = np.repeat(np.arange(len(inputs)), counts)
    order = np.arange(len(users)) - np.repeat(np.cumsum(counts) - counts, counts)
    begins = firsts[users] - phases[users] + order * max_length
    starts = np.maximum(begins, firsts[users])
    ends = np.minimum(begins + max_length, (firsts + inputs)[users])
    return Windows(starts, ends - starts)


def last_windows(
    own: Histories, *, users: NDArray[np.int64], ends: NDArray[np.int64], max_length: int
) -> Windows:
    """Return, for each of `users`, the last `max_length` events before the place `ends`."""
    starts = np.maximum(own.offsets[users], ends - max_length)
    return Windows(starts, ends - starts)


def batch_order(
    windows: Windows, *, tokens_per_batch: int, random: np.random.Generator | None = None
) -> Iterator[NDArray[np.int64]]:
    """Yield the windows of each batch: of like length, no more than `tokens_per_batch` with padding.

    With `random`, batches come in random order and windows of one length in random company.
    """
    chance = random.random(len(windows.lengths)) if random else np.zeros(len(windows.lengths))
    order = np.lexsort((chance, -windows.lengths))
    batches = []
    begin = 0
    while begin < len(order):
        longest = max(int(windows.lengths[order[begin]]), 1)
        size = max(tokens_per_batch // longest, 1)
        batches.append(order[begin : begin + size])
        begin += size
    for number in random.permutation(len(batches)) if random else range(len(batches)):
        yield batches[number]


def batch(own: Histories, windows: Windows, *, device: torch.device) -> Batch:
    """Pad windows, each of at least one event, into tensors; everything is worked out on the device."""
    events = own.on(device)
    ends = own.offsets[np.searchsorted(own.offsets, windows.starts, side="right")]
    starts, lengths, user_ends = torch.from_numpy(
        np.stack([windows.starts, windows.lengths, ends])[..., None]
    ).to(device)  # each [B, 1]
    columns = torch.arange(max(int(windows.lengths.max(initial=0)), 1), device=device)
    is_real = columns < lengths  # [B, L]
    places = torch.where(is_real, starts + columns, 0)
    # Each event's target is the next one; the last event of a window may have its own beyond it.
    following = (places + 1).clamp(max=len(own.items) - 1)
    has_target = is_real & (places + 1 < user_ends) & events.is_target[following]
    return Batch(
        items=torch.where(is_real, events.shown[places], PADDING),
        kinds=torch.where(is_real, events.kinds[places], PADDING),
        gaps=torch.where(is_real, events.gaps[places], PADDING),
        targets=torch.where(has_target, events.items[following], PADDING),
        lengths=lengths[:, 0],
    )


def targets(own: Histories, windows: Windows) -> Targets:
    """Return the targets that `batch` of the same windows has, row by row."""
    longest = max(int(windows.lengths.max(initial=0)), 1)
    rows, following = rows_and_places(windows.starts + 1, windows.lengths)
    columns = following - 1 - windows.starts[rows]
    ends = own.offsets[np.searchsorted(own.offsets, windows.starts, side="right")]
    # What follows the very last event is not looked at.
    is_target = np.append(own.is_target, False)
    wanted = np.flatnonzero((following < ends[rows]) & is_target[following])
    return Targets(items=own.items[following[wanted]], places=(rows * longest + columns)[wanted])


def cut_out(own: Histories, windows: Windows) -> tuple[Histories, Windows]:
    """Return only the events that batches of some windows are made of, and the windows there.

    The event after a window, its last target, comes with it.
    """
    ends = own.offsets[np.searchsorted(own.offsets, windows.starts, side="right")]
    lengths = np.minimum(windows.lengths + 1, ends - windows.starts)
    _, places = rows_and_places(windows.starts, lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    part = Histories(
        items=own.items[places],
        kinds=own.kinds[places],
        gaps=own.gaps[places],
        is_target=own.is_target[places],
        offsets=offsets,
        events=own.events[places],
        is_hidden=None if own.is_hidden is None else own.is_hidden[places],
    )
    return part, Windows(offsets[:-1], windows.lengths)


def rows_and_places(
    starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, for each place of the stretches [start, start + length), whose it is and where it is."""
    rows = np.repeat(np.arange(len(starts)), lengths)
    order = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return rows, starts[rows] + order
