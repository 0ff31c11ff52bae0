"""What a trained network says of a log: best items, scores, category shares, similar items.

Everything is worked out in blocks, so memory is flat in the number of end users and events. A history
longer than the network's `max_length` is cut to its last events. An end user without any event that
the network knows is scored by popularity.

A score is the product of the hidden state and the item's weights plus the item's bias and its trend: how
much it rises now. Category shares, which look back from every event, go without the trend. Weights and
biases are put in the order of the log's catalogue once, so that a block of scores is one matrix product.

Legend: E events, U end users, N items of the network, M items of the log's catalogue, C categories,
b end users of a block, L length of their longest history, D width.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interests.datasets.log import InteractionLog
from interests.learning.best import best
from interests.learning.sequences import Histories, Windows, batch, batch_order, last_windows
from interests.learning.trained import TrainedNetwork

# Scores of a block take about 100 MB in float32 at most.
BLOCK_SCORES = 24 * 1024 * 1024
MAX_BLOCK = 256
# End users whose hidden states are held at once, and events that are encoded together, on a CPU for each
# thread: what is worked out of them stays in a core's own cache, and fills a GPU.
ENCODED_USERS = 2_048
ENCODED_EVENTS, ENCODED_EVENTS_ON_GPU = 1_024, 65_536
# An item listed by its number takes as much memory as so many scores.
LISTED_COST = 8


@torch.inference_mode()
def top_items(
    network: TrainedNetwork,
    log: InteractionLog,
    *,
    k: int,
    excluded_items: NDArray[np.bool_] | None = None,
    exclude_seen: bool = True,
    users: NDArray[np.integer] | None = None,
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]]:
    """Yield the best items of end users, block by block, best first.

    Args:
        log: sorted.
        k: 1 or more.
        excluded_items: items of the log's catalogue that nobody gets. [M]
        exclude_seen: leave out what the end user has any event with, however long ago.
        users: index into the log's users; None is all of them.

    Yields:
        users, int32 [b]; items in the log's catalogue, int32, -1 where there are fewer than k [b, k];
        scores, float32, -inf at those places [b, k].
    """
    assert k >= 1, "k must be 1 or more"
    wanted = np.arange(log.num_users) if users is None else np.asarray(users, np.int64)
    blocks = _score_blocks(network, log, users=wanted, excluded_items=excluded_items)
    for block, scored in blocks:
        if exclude_seen:
            scored[_seen(log, block, device=scored.device)] = -torch.inf
        yield block.astype(np.int32), *best(scored, k)


@torch.inference_mode()
def scores(
    network: TrainedNetwork, log: InteractionLog, *, users: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Return the score of every item for some end users; -inf where the network lacks the item.

    Args:
        log: sorted.
        users: index into the log's users. [b]

    Returns:
        log-odds up to a constant of each row, float32. [b, M]
    """
    found = np.empty((len(users), log.num_items), np.float32)
    begin = 0
    for block, scored in _score_blocks(network, log, users=np.asarray(users, np.int64)):
        found[begin : begin + len(block)] = scored.cpu().numpy()
        begin += len(block)
    return found


@torch.inference_mode()
def category_shares(
    network: TrainedNetwork, log: InteractionLog, *, wanted: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Return, after each event, how likely the end user's next one falls into each category.

    Where people do not come back to items, what a person has used counts no more. Items that the
    network lacks have no share. An event whose item it lacks gets the shares of the event before it.

    Args:
        log: sorted.
        wanted: after which events; the others may get those of an event before, or everybody's. [E]

    Returns:
        rows sum to 1, float32. [E, C]
    """
    own = network.histories(log)
    shares = _shares_of_items(network, log)  # [N, C]
    found = np.full((log.num_events, shares.shape[1]), np.nan, np.float32)
    # What is ruled out is listed for each row: all that its person did before.
    longest = 0 if network.repeats_items else int(np.diff(own.offsets).max(initial=0))
    rows = max(BLOCK_SCORES // max(network.num_items, LISTED_COST * longest, 1), 1)
    asked = np.ones(len(own.events), bool) if wanted is None else wanted[own.events]
    for hidden, places in _hidden_after(network, own, wanted=asked):
        for begin in range(0, len(hidden), rows):
            scored = network.network.scores(hidden[begin : begin + rows]).float()  # [rows, N]
            if not network.repeats_items:
                scored[_seen_until(own, places[begin : begin + rows])] = -torch.inf
            # Not a number where everything was seen.
            likely = (scored.softmax(1) @ shares).nan_to_num()  # [rows, C]
            found[own.events[places[begin : begin + rows]]] = likely.cpu().numpy()
    return _fill_gaps(found, log, start=_popular_shares(network, shares))


def item_embeddings(network: TrainedNetwork) -> NDArray[np.float32]:
    """Return the embeddings of the network's items, in the order of `item_ids`, float32. [N, D]"""
    return network.network.item_weights().detach().float().cpu().numpy()


@torch.inference_mode()
def similar_items(network: TrainedNetwork, k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the k nearest other items of each item by the cosine of their embeddings, nearest first.

    Returns:
        index into the network's `item_ids`, int32, and cosines, float32, -1 to 1. [N, min(k, N - 1)]
    """
    weights = torch.nn.functional.normalize(network.network.item_weights().float(), dim=1)
    count, k = len(weights), min(k, len(weights) - 1)
    items, cosines = np.empty((count, k), np.int32), np.empty((count, k), np.float32)
    if k < 1:
        return items, cosines
    rows = int(np.clip(BLOCK_SCORES // count, 1, MAX_BLOCK))
    for begin in range(0, count, rows):
        near = weights[begin : begin + rows] @ weights.T  # [rows, N]
        own = torch.arange(len(near), device=near.device)
        near[own, own + begin] = -torch.inf
        items[begin : begin + rows], cosines[begin : begin + rows] = best(near, k)
    return items, cosines


def _score_blocks(
    network: TrainedNetwork,
    log: InteractionLog,
    *,
    users: NDArray[np.int64],
    excluded_items: NDArray[np.bool_] | None = None,
) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    """Yield end users and the scores of all items of the log's catalogue for them, -inf if excluded.

    The tensor is written over for the next block. [b, M]
    """
    own = network.histories(log)
    weights, bias = _in_catalogue(network, network.item_index(log.catalogue), excluded_items)
    beyond = beyond_popularity(network, network.item_index(log.catalogue))
    size = int(np.clip(BLOCK_SCORES // max(log.num_items, 1), 1, MAX_BLOCK))
    scored = torch.empty(min(size, len(users)), log.num_items, device=bias.device)
    for first in range(0, len(users), ENCODED_USERS):
        hidden = _last_hidden(network, own, users[first : first + ENCODED_USERS])
        for begin in range(0, len(hidden), size):
            part = hidden[begin : begin + size]
            block = users[first + begin : first + begin + len(part)]
            found = _scored(network, part, weights, bias, out=scored[: len(part)])
            strangers = np.flatnonzero(own.offsets[block + 1] == own.offsets[block])
            if beyond is not None and len(strangers):
                found[torch.from_numpy(strangers).to(found.device)] -= beyond
            yield block, found


def _scored(
    network: TrainedNetwork,
    hidden: Tensor,
    weights: Tensor,
    bias: Tensor,
    *,
    out: Tensor,
) -> Tensor:
    """Score all items of a catalogue, in memory that is there. [b, D], [D, M], [M] -> [b, M]"""
    if network.config.num_interests == 1:
        return torch.addmm(bias, hidden, weights, out=out)
    return torch.add(network.network.products(hidden, weights.T), bias, out=out)


def beyond_popularity(network: TrainedNetwork, index: NDArray[np.int64]) -> Tensor | None:
    """Return what a trend above 1 adds to items beyond making recent popularity of popularity; else None.

    Somebody of whom nothing is known gets what is popular now and no more: bias plus once the rise.

    Args:
        index: places of the items among the network's. [M]
    """
    weight = network.config.trend
    if weight <= 1:
        return None
    beyond = torch.from_numpy((network.trend * ((weight - 1) / weight))[np.maximum(index, 0)])
    return beyond.to(network.network.item_bias.device)


def _last_hidden(network: TrainedNetwork, own: Histories, users: NDArray[np.int64]) -> Tensor:
    """Return the hidden state after each one's last event, zeros without any, float32. [b, D]"""
    windows = last_windows(
        own, users=users, ends=own.offsets[users + 1], max_length=network.config.max_length
    )
    return _hidden_at_ends(network, own, windows)


def _hidden_at_ends(network: TrainedNetwork, own: Histories, windows: Windows) -> Tensor:
    """Return the hidden state after the last event of each window, zeros without any, float32. [W, D]"""
    device = network.network.item_bias.device
    found = torch.zeros(len(windows.lengths), network.network.width, device=device)
    known = np.flatnonzero(windows.lengths)
    windows = windows.take(known)
    on_cpu = ENCODED_EVENTS * torch.get_num_threads()
    at_once = on_cpu if device.type == "cpu" else ENCODED_EVENTS_ON_GPU
    for chosen in batch_order(windows, tokens_per_batch=at_once):
        part = batch(own, windows.take(chosen), device=device)
        last = network.network.last(part.items, part.kinds, part.gaps, part.lengths)  # [B, D]
        found[torch.from_numpy(known[chosen]).to(device)] = last.float()
    return found


def _in_catalogue(
    network: TrainedNetwork, index: NDArray[np.int64], excluded: NDArray[np.bool_] | None
) -> tuple[Tensor, Tensor]:
    """Return weights and biases of a catalogue's items, -inf if unknown or excluded. [D, M], [M]

    Args:
        index: place of each item among the network's, -1 where it lacks the item. [M]
        excluded: which items nobody gets. [M]
    """
    weights, bias = network.network.item_weights().float(), network.network.item_bias.float()
    bias = bias + torch.from_numpy(network.trend).to(bias.device)
    if not np.array_equal(index, np.arange(network.num_items)):
        places = torch.from_numpy(np.maximum(index, 0)).to(bias.device)
        weights, bias = weights[places], bias[places]
    is_out = index < 0 if excluded is None else (index < 0) | excluded
    bias = bias.masked_fill(torch.from_numpy(is_out).to(bias.device), -torch.inf)
    return weights.T, bias


def _seen(
    log: InteractionLog, users: NDArray[np.int64], *, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return the (row, item of the catalogue) pairs of all events of end users."""
    counts = log.offsets[users + 1] - log.offsets[users]
    rows = np.repeat(np.arange(len(users)), counts)
    order = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    items = log.items[log.offsets[users][rows] + order].astype(np.int64)
    return torch.from_numpy(rows).to(device), torch.from_numpy(items).to(device)


def _seen_until(own: Histories, places: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Return the (row, item of the network) pairs of all events of a person up to each place."""
    firsts = own.offsets[np.searchsorted(own.offsets, places, side="right") - 1]
    counts = places - firsts + 1
    rows = np.repeat(np.arange(len(places)), counts)
    order = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return torch.from_numpy(rows), torch.from_numpy(own.items[firsts[rows] + order] - 1)


def _hidden_after(
    network: TrainedNetwork, own: Histories, *, wanted: NDArray[np.bool_]
) -> Iterator[tuple[Tensor, NDArray[np.int64]]]:
    """Yield hidden states after the wanted events, and the events' places in `own`. [P, D], [P]

    Windows begin at fixed places of a history, so that what is said after an event stays the same when
    more events follow. Each has at least half a window before the events it stands for, if there are so
    many.
    """
    windows, firsts = _windows_over(own, max_length=network.config.max_length)
    # What comes after the last wanted event of a window changes nothing, and so it is left out.
    number = np.concatenate([[0], np.cumsum(wanted)])
    counts = number[windows.starts + windows.lengths] - number[firsts]
    kept = np.flatnonzero(counts)
    places = np.flatnonzero(wanted)
    lasts = places[number[firsts[kept]] + counts[kept] - 1]
    counts, firsts, starts = counts[kept], firsts[kept], windows.starts[kept]
    windows = Windows(starts, lasts + 1 - starts)
    ones, several = np.flatnonzero(counts == 1), np.flatnonzero(counts > 1)
    if len(ones):
        yield _hidden_at_ends(network, own, windows.take(ones)), lasts[ones]
    device = network.network.item_bias.device
    windows, firsts = windows.take(several), firsts[several]
    for chosen in batch_order(windows, tokens_per_batch=network.config.tokens_per_batch):
        part = batch(own, windows.take(chosen), device=device)
        there = windows.starts[chosen][:, None] + np.arange(part.items.shape[1])  # [B, L]
        ends = (windows.starts + windows.lengths)[chosen]
        is_asked = (there >= firsts[chosen][:, None]) & (there < ends[:, None])
        is_asked[is_asked] = wanted[there[is_asked]]
        hidden = network.network(part.items, part.kinds, part.gaps)
        yield hidden[torch.from_numpy(is_asked).to(device)], there[is_asked]


def _windows_over(own: Histories, *, max_length: int) -> tuple[Windows, NDArray[np.int64]]:
    """Return windows over all events, half a window apart, and from which place on each stands for its events."""
    stride = max(max_length // 2, 1)
    counts = np.diff(own.offsets)
    # The first window of a history stands for all of its events, each further one for its last `stride`.
    numbers = np.where(counts > 0, 1 + np.maximum(-(-(counts - max_length) // stride), 0), 0)
    users = np.repeat(np.arange(len(counts)), numbers)
    order = np.arange(len(users)) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    starts = own.offsets[users] + order * stride
    ends = np.minimum(starts + max_length, own.offsets[users + 1])
    firsts = np.where(order == 0, starts, starts + max_length - stride)
    return Windows(starts, ends - starts), firsts


def _shares_of_items(network: TrainedNetwork, log: InteractionLog) -> Tensor:
    """Return the category shares of the network's items, zeros where the log lacks them. [N, C]"""
    index = network.item_index(log.catalogue)
    shares = np.zeros((network.num_items, log.catalogue.shares.shape[1]), np.float32)
    shares[index[index >= 0]] = log.catalogue.shares[index >= 0]
    return torch.from_numpy(shares).to(network.network.item_bias.device)


def _popular_shares(network: TrainedNetwork, shares: Tensor) -> NDArray[np.float32]:
    """Return the category shares that hold for somebody of whom nothing is known. [C]"""
    found = network.network.item_bias.float().softmax(0) @ shares
    return found.cpu().numpy()


def _fill_gaps(
    found: NDArray[np.float32], log: InteractionLog, *, start: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Give rows without a prediction the one before of the same person, else `start`; sum to 1."""
    is_known = ~np.isnan(found[:, 0]) & (found.sum(1) > 0) if len(found) else np.zeros(0, bool)
    places = np.where(is_known, np.arange(len(found)), -1)
    last = np.maximum.accumulate(places) if len(places) else places
    has_own = last >= log.offsets[:-1][log.users]
    filled = np.where(has_own[:, None], found[np.maximum(last, 0)], start)
    filled /= np.maximum(filled.sum(1, keepdims=True), 1e-12)
    return filled.astype(np.float32)
