"""Hidden Markov models over categories: batched forward-backward, Baum-Welch and Viterbi, all in logs.

A person is in one hidden state at a time; each state has shares of categories; an event of several
categories has the likelihood exp(sum of x_c log p_c). Rabiner, "A tutorial on hidden Markov models and
selected applications in speech recognition", 1989.

Legend: B end users of a batch, L length, S states, C categories.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

# Added to what was counted, so that nothing becomes impossible.
PRIOR_EVENTS = 1.0
# A state is left once in so many events before anything is learned.
FIRST_STAY = 30.0


@dataclass(frozen=True)
class Chain:
    """A hidden Markov model, logs, float64.

    Attributes:
        begin: of the first state. [S]
        move: row s: of the state after s. [S, S]
        emit: row s: of each category. [S, C]
    """

    begin: torch.Tensor
    move: torch.Tensor
    emit: torch.Tensor

    @classmethod
    def random(cls, shares: torch.Tensor, *, num_states: int, seed: int) -> Chain:
        """Return a chain whose states want about what everybody wants, `shares` [C], each its own way."""
        generator = torch.Generator().manual_seed(seed)
        noise = torch.rand(num_states, len(shares), generator=generator, dtype=torch.float64)
        emit = shares.log() + 2 * noise
        move = torch.full((num_states, num_states), 1 / FIRST_STAY / num_states)
        move = move.double() + (1 - 1 / FIRST_STAY) * torch.eye(num_states, dtype=torch.float64)
        begin = torch.full((num_states,), 1 / num_states, dtype=torch.float64)
        return cls(begin.log(), move.log(), emit.log_softmax(1))

    def log_likelihoods(self, events: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        """Return what events [B, L, C] say of each state, 0 where nothing is told [B, L]. [B, L, S]"""
        return (events @ self.emit.T) * told[..., None]


def forward(chain: Chain, seen: torch.Tensor) -> torch.Tensor:
    """Return the log of P(events up to i, state at i), from log likelihoods [B, L, S]. [B, L, S]"""
    reached = [chain.begin + seen[:, 0]]
    for place in range(1, seen.shape[1]):
        step = (reached[-1][:, :, None] + chain.move).logsumexp(1)
        reached.append(step + seen[:, place])
    return torch.stack(reached, 1)


def backward(chain: Chain, seen: torch.Tensor) -> torch.Tensor:
    """Return the log of P(events after i | state at i), from log likelihoods [B, L, S]. [B, L, S]"""
    ahead = [torch.zeros_like(seen[:, 0])]
    for place in range(seen.shape[1] - 1, 0, -1):
        step = chain.move + (seen[:, place] + ahead[-1])[:, None]
        ahead.append(step.logsumexp(2))
    return torch.stack(ahead[::-1], 1)


def viterbi(chain: Chain, seen: torch.Tensor) -> torch.Tensor:
    """Return the likeliest sequence of states given log likelihoods [B, L, S], int64. [B, L]"""
    best = chain.begin + seen[:, 0]
    origins = []
    for place in range(1, seen.shape[1]):
        best, origin = (best[:, :, None] + chain.move).max(1)
        best = best + seen[:, place]
        origins.append(origin)
    path = [best.argmax(1)]
    for origin in reversed(origins):
        path.append(origin.gather(1, path[-1][:, None])[:, 0])
    return torch.stack(path[::-1], 1)


def counted(
    chain: Chain, events: torch.Tensor, told: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]:
    """Return expected counts of first states [S], moves [S, S], emissions [S, C], and the log-likelihood.

    Padding at the end tells nothing, and moves into it are not counted: `told` [B, L] ends with zeros.
    """
    seen = chain.log_likelihoods(events, told)
    reached, ahead = forward(chain, seen), backward(chain, seen)
    total = reached[:, -1].logsumexp(1)  # [B]
    in_state = (reached + ahead - total[:, None, None]).exp() * told[..., None]  # [B, L, S]
    moves = torch.zeros_like(chain.move)
    still = told.flip(1).cummax(1).values.flip(1)  # 1 until the last event that tells
    for place in range(1, events.shape[1]):
        came = reached[:, place - 1, :, None] + chain.move
        came = came + (seen[:, place] + ahead[:, place])[:, None] - total[:, None, None]
        moves += (came.exp() * still[:, place, None, None]).sum(0)
    first = (reached[:, 0] + ahead[:, 0] - total[:, None]).exp().sum(0)
    emitted = torch.einsum("bls,blc->sc", in_state, events)
    return first, moves, emitted, float(total.sum())


def improved(
    chain: Chain, batches: list[tuple[torch.Tensor, torch.Tensor]], shares: torch.Tensor
) -> tuple[Chain, float]:
    """Return the chain after one round of Baum-Welch, and the log-likelihood before it.

    Args:
        batches: events [B, L, C] and which of them tell something [B, L], float64.
        shares: of everybody: a state leans on them. [C]
    """
    parts = [counted(chain, events, told) for events, told in batches]
    first = torch.stack([part[0] for part in parts]).sum(0)
    moves = torch.stack([part[1] for part in parts]).sum(0)
    emitted = torch.stack([part[2] for part in parts]).sum(0)
    num_states = len(chain.begin)
    first = first + PRIOR_EVENTS
    moves = moves + PRIOR_EVENTS / num_states
    emitted = emitted + PRIOR_EVENTS * shares
    better = Chain(
        (first / first.sum()).log(),
        (moves / moves.sum(1, keepdim=True)).log(),
        (emitted / emitted.sum(1, keepdim=True)).log(),
    )
    return better, sum(part[3] for part in parts)
