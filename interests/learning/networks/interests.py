"""Several vectors a person, each an interest of its own, made of the states of a history.

Both ways look back only: after each event there are the interests of all events up to it, all at once.

Legend: B histories, L their length, D width, K interests.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from interests.learning.config import CAPSULES, TrainingConfig

# How often capsules are asked whether an event is theirs, as in MIND.
ROUNDS = 3
# Of the square of a length: keeps vectors without one from being divided by 0.
TINY = 1e-9


class AttentiveInterests(nn.Module):
    """Each interest weighs the events in its own way: by what they are, and how many came after them.

    Cen et al., "Controllable Multi-Interest Framework for Recommendation" (ComiRec-SA), KDD 2020.
    """

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.project_in = nn.Linear(config.width, 4 * config.width, bias=False)
        self.project_out = nn.Linear(4 * config.width, config.num_interests, bias=False)
        self.ages = nn.Parameter(torch.zeros(config.num_interests, config.max_length))

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the interests after each event. [B, L, D] -> [B, L, K, D]"""
        length = hidden.shape[1]
        of_events = self.project_out(torch.tanh(self.project_in(hidden))).mT  # [B, K, L]
        ages, is_past = _ages(length, device=hidden.device)
        weights = of_events[:, :, None] + self.ages[:, ages]  # [B, K, L, L]
        shares = weights.masked_fill(~is_past, -torch.inf).softmax(-1)
        return torch.einsum("bkle,bed->blkd", shares, hidden)


class RoutedInterests(nn.Module):
    """Capsules among which each event is divided, anew in each round by how well it goes with them.

    Li et al., "Multi-Interest Network with Dynamic Routing" (MIND), CIKM 2019, and ComiRec-DR. As there, capsules
    begin with fixed random shares, and no gradient goes through the division.
    """

    first: Tensor

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.project = nn.Linear(config.width, config.width, bias=False)
        self.register_buffer("first", torch.randn(config.max_length, config.num_interests))

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the interests after each event. [B, L, D] -> [B, L, K, D]"""
        events = self.project(hidden)
        ages, is_past = _ages(hidden.shape[1], device=hidden.device)
        likings = self.first[ages].expand(len(hidden), -1, -1, -1)  # [B, L, L, K]
        fixed = events.detach()
        for _ in range(ROUNDS - 1):
            interests = _divided(fixed, likings, is_past)
            likings = likings + torch.einsum("blkd,bed->blek", interests, fixed)
        return _divided(events, likings.detach(), is_past)


def interests_of(config: TrainingConfig) -> AttentiveInterests | RoutedInterests | None:
    """Return what makes several interests of hidden states; None where there is to be one."""
    if config.num_interests == 1:
        return None
    return RoutedInterests(config) if config.routing == CAPSULES else AttentiveInterests(config)


def _ages(length: int, *, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return how many events came since one, seen from each event, and whether it was before. [L, L] each"""
    places = torch.arange(length, device=device)
    ages = places[:, None] - places
    return ages.clamp(min=0), ages >= 0


def _divided(events: Tensor, likings: Tensor, is_past: Tensor) -> Tensor:
    """Give each past event to capsules as they like it, and squash what each got. [B, L, K, D]"""
    shares = likings.softmax(-1) * is_past[..., None]  # [B, L, L, K]
    sums = torch.einsum("blek,bed->blkd", shares, events)
    squares = sums.square().sum(-1, keepdim=True)
    return sums * (squares / (1 + squares) * torch.rsqrt(squares + TINY))
