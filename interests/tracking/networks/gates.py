"""Learns the gate on other people, in torch; imported only where something is fitted.

Legend: N events, C categories, F features of a category, P features of a person, H hidden width,
X crossed shares, R rank.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from interests.tracking.features import NUM_CROSSED
from interests.tracking.gate import FURTHEST, Gate

WIDTH = 32
RANK = 12
# Passes over the events; of few events as many as make so many steps.
EPOCHS = 4
FEWEST_STEPS = 240
BATCH_EVENTS = 1024
LEARNING_RATE = 0.003
# Of what is shared by all categories, and of what is known of each category apart.
WEIGHT_DECAY = 0.01
CROSSED_WEIGHT_DECAY = 0.1


@dataclass(frozen=True)
class Examples:
    """Features before each of many events, and what came, float32.

    Attributes:
        mixed: [N, C]
        of_category: [N, C, F]
        of_person: [N, P]
        crossed: [N, X, C]
        events: category shares of what came. [N, C]
    """

    mixed: NDArray[np.float32]
    of_category: NDArray[np.float32]
    of_person: NDArray[np.float32]
    crossed: NDArray[np.float32]
    events: NDArray[np.float32]


class GateNetwork(nn.Module):
    """`Gate` as torch learns it."""

    def __init__(self, examples: Examples) -> None:
        super().__init__()
        num_categories, num_own = examples.of_category.shape[1:]
        num_personal = examples.of_person.shape[1]
        self.own = nn.Linear(num_own, WIDTH)
        self.personal = nn.Linear(num_personal, WIDTH, bias=False)
        self.hidden = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Parameter(torch.zeros(WIDTH))
        self.pool = nn.Linear(num_personal, num_own)
        self.crossed_in = nn.Linear(NUM_CROSSED * num_categories, RANK, bias=False)
        self.crossed_out = nn.Parameter(torch.zeros(RANK, num_categories))
        self.bias_out = nn.Parameter(torch.zeros(num_categories))
        nn.init.zeros_(self.pool.weight)
        nn.init.zeros_(self.pool.bias)
        own, personal = examples.of_category, examples.of_person
        self.centres = [
            torch.from_numpy(np.asarray(array, np.float32))
            for array in (
                own.mean((0, 1)), own.std((0, 1)) + 1e-3, personal.mean(0), personal.std(0) + 1e-3
            )
        ]  # fmt: skip

    def forward(
        self,
        mixed: torch.Tensor,
        of_category: torch.Tensor,
        of_person: torch.Tensor,
        crossed: torch.Tensor,
    ) -> torch.Tensor:
        """Return log weights. [N, C]"""
        own_centre, own_scale, person_centre, person_scale = self.centres
        person = ((of_person - person_centre) / person_scale).clamp(-FURTHEST, FURTHEST)
        own = (of_category - own_centre) / own_scale
        hidden = nn.functional.silu(self.own(own) + self.personal(person)[:, None])
        hidden = nn.functional.silu(self.hidden(hidden))
        score = mixed + hidden @ self.out + self.bias_out
        score = score + (own @ self.pool(person)[:, :, None])[..., 0]
        score = score + self.crossed_in(crossed.flatten(1)) @ self.crossed_out
        log_weights: torch.Tensor = score.log_softmax(-1)
        return log_weights

    def parts(self) -> list[dict[str, object]]:
        """Return the parameters with their weight decay, for the optimiser."""
        apart = [self.crossed_in.weight, self.crossed_out, self.bias_out]
        known = {id(parameter) for parameter in apart}
        shared = [parameter for parameter in self.parameters() if id(parameter) not in known]
        return [
            {"params": shared, "weight_decay": WEIGHT_DECAY},
            {"params": apart, "weight_decay": CROSSED_WEIGHT_DECAY},
        ]

    def gate(self) -> Gate:
        """Return what was learned, for numpy."""
        num_categories = len(self.bias_out)
        crossed = self.crossed_in.weight.T.reshape(NUM_CROSSED, num_categories, RANK)
        centres = dict(
            zip(
                ("category_centre", "category_scale", "person_centre", "person_scale"),
                (centre.numpy() for centre in self.centres),
                strict=True,
            )
        )
        tensors = {
            "category_in": self.own.weight, "person_in": self.personal.weight, "bias_in": self.own.bias,
            "hidden": self.hidden.weight, "bias_hidden": self.hidden.bias, "out": self.out,
            "pool": self.pool.weight, "pool_bias": self.pool.bias, "crossed_in": crossed,
            "crossed_out": self.crossed_out, "bias_out": self.bias_out,
        }  # fmt: skip
        return Gate(
            **centres,
            **{name: tensor.detach().contiguous().numpy() for name, tensor in tensors.items()},
        )


def fit(examples: Examples, *, seed: int = 0) -> Gate:
    """Return the gate under which the events are likeliest; equal arguments, equal result on one machine."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _learned(examples)


def _learned(examples: Examples) -> Gate:
    network = GateNetwork(examples)
    given = [
        torch.from_numpy(array)
        for array in (examples.mixed, examples.of_category, examples.of_person, examples.crossed)
    ]
    events = torch.from_numpy(examples.events)
    optimiser = torch.optim.AdamW(network.parts(), lr=LEARNING_RATE)
    steps_a_pass = -(-len(events) // BATCH_EVENTS)
    num_passes = max(EPOCHS, -(-FEWEST_STEPS // steps_a_pass))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, LEARNING_RATE, total_steps=num_passes * steps_a_pass, pct_start=0.1
    )
    for _ in range(num_passes):
        for rows in torch.split(torch.randperm(len(events)), BATCH_EVENTS):
            foreseen = network(*(array[rows] for array in given))
            loss = -(events[rows] * foreseen).sum(-1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return network.gate()
