"""Networks that follow a person: H(t) = g(H(t-1), X(t), M(t)), U(t) = softmax(a log M(t) + W H(t)).

X(t) is the event with the pause before it, M(t) shares that fade at three speeds and stand for U(t-1): the
network learns what to add to them. GRU (Cho et al., 2014), LSTM (Hochreiter and Schmidhuber, 1997) and a
causal transformer (Vaswani et al., 2017), whose H(t) is all of the last events.

Legend: B histories of a batch, L length, I numbers about an event, D width, C categories.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Kind = Literal["gru", "lstm", "transformer"]
WIDTH = 48
DROPOUT = 0.2
# The transformer sees so many events back at least, twice as many at most; others all.
WINDOW = 64
MAX_EPOCHS = 8
# Without a better word about people kept aside for so many epochs, learning ends.
PATIENCE = 2
BATCH = 32
LEARNING_RATE = 0.003


class Follower(nn.Module):
    """One of the three networks."""

    def __init__(self, kind: Kind, *, num_inputs: int, num_categories: int) -> None:
        super().__init__()
        self.kind = kind
        self.enter = nn.Linear(num_inputs, WIDTH)
        self.places = nn.Embedding(2 * WINDOW, WIDTH)
        if kind == "transformer":
            layer = nn.TransformerEncoderLayer(
                WIDTH, 2, 2 * WIDTH, DROPOUT, batch_first=True, norm_first=True
            )
            self.body: nn.Module = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        else:
            cell = nn.GRU if kind == "gru" else nn.LSTM
            self.body = cell(WIDTH, WIDTH, batch_first=True)
        self.drop = nn.Dropout(DROPOUT)
        self.leave = nn.Linear(WIDTH, num_categories)
        self.memories = nn.Parameter(torch.tensor([0.2, 0.4, 0.4]))
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, inputs: torch.Tensor, memories: torch.Tensor) -> torch.Tensor:
        """Return log weights after each event: [B, L, I], logs of memories [B, L, 3, C] to [B, L, C]"""
        hidden = self.enter(inputs)
        if self.kind == "transformer":
            length = inputs.shape[1]
            mask = torch.full((length, length), float("-inf")).triu(1)
            hidden = self.body(hidden + self.places.weight[:length], mask=mask, is_causal=True)
        else:
            hidden = self.body(hidden)[0]
        score = self.leave(self.drop(hidden))
        score = score + (memories * self.memories[:, None]).sum(2)
        log_weights: torch.Tensor = score.log_softmax(-1)
        return log_weights


def learn(
    kind: Kind,
    pieces: Sequence[tuple[NDArray[np.float32], ...]],
    aside: Sequence[tuple[NDArray[np.float32], ...]],
) -> Follower:
    """Return a network learned on pieces of histories, as good as it ever was on those kept aside.

    Args:
        pieces, aside: inputs [L, I], logs of memories [L, 3, C], shares of the next event [L, C] and
            whether it counts [L], of at most `2 * WINDOW` events.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _learned(kind, pieces, aside)


def _learned(
    kind: Kind,
    pieces: Sequence[tuple[NDArray[np.float32], ...]],
    aside: Sequence[tuple[NDArray[np.float32], ...]],
) -> Follower:
    network = Follower(kind, num_inputs=pieces[0][0].shape[1], num_categories=pieces[0][2].shape[1])
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    known, unknown = _batches(pieces), _batches(aside)
    best, kept, since = _loss(network, unknown), copy.deepcopy(network.state_dict()), 0
    for _ in range(MAX_EPOCHS):
        network.train()
        for place in torch.randperm(len(known)).tolist():
            loss = _mean_loss(network, known[place])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
        reached = _loss(network, unknown)
        since += 1
        if reached < best:
            best, kept, since = reached, copy.deepcopy(network.state_dict()), 0
        if since >= PATIENCE:
            break
    network.load_state_dict(kept)
    return network.eval()


def expected(
    network: Follower, inputs: NDArray[np.float32], memories: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return what one person is expected to want after each event, [L, I], [L, 3, C] to [L, C]."""
    length = len(inputs)
    if network.kind != "transformer" or length <= WINDOW:
        spans = [(0, 0, length)]
    else:
        # Each window but the first speaks of its second half only, and has seen the first.
        ends = [*range(2 * WINDOW, length, WINDOW), length]
        spans = [(end - 2 * WINDOW, end - WINDOW, end) for end in ends[:-1]]
        begin = max(length - 2 * WINDOW, 0)
        spans = [*spans, (begin, spans[-1][2] if spans else 0, length)]
        spans[0] = (0, 0, spans[0][2])
    rows = []
    with torch.no_grad():
        for begin, said_from, end in spans:
            own = torch.from_numpy(inputs[None, begin:end])
            known = torch.from_numpy(memories[None, begin:end])
            rows.append(network(own, known)[0, said_from - begin :].exp())
    found: NDArray[np.float64] = torch.cat(rows).double().numpy()
    return found


def _batches(
    pieces: Sequence[tuple[NDArray[np.float32], ...]],
) -> list[tuple[torch.Tensor, ...]]:
    """Return batches of pieces of like length, padded at their ends with events that do not count."""
    order = sorted(range(len(pieces)), key=lambda place: len(pieces[place][0]))
    made = []
    for begin in range(0, len(order), BATCH):
        chosen = [pieces[place] for place in order[begin : begin + BATCH]]
        made.append(
            tuple(
                nn.utils.rnn.pad_sequence([torch.from_numpy(own[n]) for own in chosen], True)
                for n in range(4)
            )
        )
    return made


def _mean_loss(network: Follower, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
    inputs, memories, events, counts = batch
    losses = -(events * network(inputs, memories)).sum(-1) * counts
    mean: torch.Tensor = losses.sum() / counts.sum().clamp(min=1)
    return mean


def _loss(network: Follower, batches: Sequence[tuple[torch.Tensor, ...]]) -> float:
    network.eval()
    with torch.no_grad():
        sums = [
            (float(_mean_loss(network, own)) * float(own[3].sum()), float(own[3].sum()))
            for own in batches
        ]
    return sum(total for total, _ in sums) / max(sum(count for _, count in sums), 1)
