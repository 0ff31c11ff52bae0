"""The gate: a small network that turns what the experts say into what is expected next.

    score_c = log mixture_c + a(h_c) + sum_f w_f(person) x_cf + sum_x crossed_x U_x V_c
    weights = softmax(score)

h_c is two layers over the features of the category and of the person, shared by all categories; w_f is a
log-linear pool of experts whose weights depend on the person (Genest and Zidek, "Combining probability
distributions", 1986; Mattern, "Mixing strategies in data compression", 2012); the last sum knows which
categories follow which. It begins as nothing at all, so that it says the mixture until it learns better.
It was learned on other people (networks/gates.py) and is worked out here in numpy.

Legend: B end users of a batch, C categories, F features of a category, P features of a person,
H hidden width, X crossed shares, R rank.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interests.tracking.features import Features

# A feature of a person further out than so many standard deviations says no more.
FURTHEST = 4.0


@dataclass(frozen=True)
class Gate:
    """The numbers of a gate, float32; `centre` and `scale` are the mean and spread of what it learned on.

    Attributes:
        category_centre, category_scale: [F]
        person_centre, person_scale: [P]
        category_in: [H, F]
        person_in: [H, P]
        bias_in: [H]
        hidden: [H, H]
        bias_hidden: [H]
        out: [H]
        pool: [F, P]
        pool_bias: [F]
        crossed_in: U. [X, C, R]
        crossed_out: V. [R, C]
        bias_out: [C]
    """

    category_centre: NDArray[np.float32]
    category_scale: NDArray[np.float32]
    person_centre: NDArray[np.float32]
    person_scale: NDArray[np.float32]
    category_in: NDArray[np.float32]
    person_in: NDArray[np.float32]
    bias_in: NDArray[np.float32]
    hidden: NDArray[np.float32]
    bias_hidden: NDArray[np.float32]
    out: NDArray[np.float32]
    pool: NDArray[np.float32]
    pool_bias: NDArray[np.float32]
    crossed_in: NDArray[np.float32]
    crossed_out: NDArray[np.float32]
    bias_out: NDArray[np.float32]

    def weights(self, given: Features) -> NDArray[np.float64]:
        """Return what is expected next; rows sum to 1, none is 0. [B, C]"""
        person = np.clip(
            (given.of_person - self.person_centre) / self.person_scale, -FURTHEST, FURTHEST
        )
        own = (given.of_category - self.category_centre) / self.category_scale  # [B, C, F]
        hidden = np.asarray(own @ self.category_in.T, np.float32)  # [B, C, H]
        hidden += (person @ self.person_in.T + self.bias_in)[:, None]
        hidden = _silu(_silu(hidden) @ self.hidden.T + self.bias_hidden)
        score = given.mixed + hidden @ self.out + self.bias_out
        pooled = person @ self.pool.T + self.pool_bias  # [B, F]
        score += np.matmul(own, pooled[:, :, None])[..., 0]
        crossed = given.crossed.reshape(len(person), -1) @ self.crossed_in.reshape(
            -1, len(self.crossed_out)
        )
        score += crossed @ self.crossed_out
        score -= score.max(1, keepdims=True)
        weights = np.exp(score.astype(np.float64))
        weights /= weights.sum(1, keepdims=True)
        return weights

    def for_categories(self, places: NDArray[np.int64]) -> Gate:
        """Return the gate for other categories: where each stood before, -1 for those that are new."""
        is_new = places < 0
        changed = {
            "crossed_in": np.where(is_new[None, :, None], 0, self.crossed_in[:, places]),
            "crossed_out": np.where(is_new, 0, self.crossed_out[:, places]),
            "bias_out": np.where(is_new, 0, self.bias_out[places]),
        }
        return Gate(**{**self._arrays(), **changed})

    def to_plain(self) -> dict[str, Any]:
        """Return the numbers as lists, as they stand in a run's results."""
        # By way of text, numbers of 32 bits get no digits that they do not have.
        return {
            name: array.astype(str).astype(float).tolist() for name, array in self._arrays().items()
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Gate:
        """Return the gate that `to_plain` wrote."""
        return cls(**{own.name: np.array(plain[own.name], np.float32) for own in fields(cls)})

    def _arrays(self) -> dict[str, NDArray[np.float32]]:
        return {own.name: getattr(self, own.name) for own in fields(self)}


def _silu(numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    # Below -60 a sigmoid is 0 in float32, and exp would overflow.
    found: NDArray[np.float32] = numbers / (1 + np.exp(-np.maximum(numbers, -60)))
    return found
