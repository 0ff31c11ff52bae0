"""What other people teach the mixture, as plain values in a run's results and back.

Legend: C categories, K experts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interests.tracking.aspects import Aspects
from interests.tracking.experts import NUM_EXPERTS
from interests.tracking.gate import Gate

# What a category that nobody knew before has of the population's interest.
NEW_CATEGORY_SHARE = 1e-3


@dataclass(frozen=True)
class Population:
    """What other people teach.

    Attributes:
        shares: mean interests, sums to 1, float64. [C]
        beliefs: belief in each expert before the first event, sums to 1, float64. [K]
        aspects: what people are after, and the categories that come with it; None: each comes alone
        gate: turns what the experts say into one word; None: too few people to learn it
        gate_belief: belief in the gate, beside the mixture without it, before the first event
    """

    shares: NDArray[np.float64]
    beliefs: NDArray[np.float64]
    aspects: Aspects | None = None
    gate: Gate | None = None
    gate_belief: float = 0.5

    @classmethod
    def unknown(cls, num_categories: int) -> Population:
        """Return what holds before anybody was looked at: all categories and experts alike."""
        return cls(
            shares=np.full(num_categories, 1 / num_categories),
            beliefs=np.full(NUM_EXPERTS, 1 / NUM_EXPERTS),
        )

    def for_categories(self, places: NDArray[np.int64]) -> Population:
        """Return the same for other categories: where each stood before, -1 for those that are new."""
        is_new = places < 0
        shares = np.where(is_new, NEW_CATEGORY_SHARE, self.shares[places])
        aspects = self.aspects
        if aspects is not None:
            wanted = np.where(is_new, NEW_CATEGORY_SHARE, aspects.shares[places])
            spread = np.where(
                is_new[:, None] | is_new[None], 0, aspects.spread[np.ix_(places, places)]
            )
            # New ones come alone, and so does what came with categories that are gone.
            spread[np.diag_indices(len(places))] += np.maximum(1 - spread.sum(1), 0)
            # A new category is wanted as much as the mean of those there were.
            levels = np.where(is_new[:, None], aspects.levels.mean(0), aspects.levels[places])
            aspects = Aspects(
                shares=wanted / wanted.sum(),
                spread=spread / spread.sum(1, keepdims=True),
                levels=levels,
            )
        gate = None if self.gate is None else self.gate.for_categories(places)
        return replace(self, shares=shares / shares.sum(), aspects=aspects, gate=gate)

    def to_plain(self) -> dict[str, Any]:
        """Return all of it as plain values; parts of spreads that are 0 are left out."""
        plain: dict[str, Any] = {
            "population_shares": self.shares.tolist(),
            "beliefs": self.beliefs.tolist(),
            "gate_belief": self.gate_belief,
        }
        if self.aspects is not None:
            rows, columns = np.nonzero(self.aspects.spread)
            plain["aspects"] = {
                "shares": self.aspects.shares.tolist(),
                "rows": rows.tolist(),
                "columns": columns.tolist(),
                "parts": self.aspects.spread[rows, columns].tolist(),
                "levels": self.aspects.levels.tolist(),
            }
        if self.gate is not None:
            plain["gate"] = self.gate.to_plain()
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Population:
        """Return what `to_plain` wrote."""
        shares = np.array(plain["population_shares"], np.float64)
        aspects = gate = None
        if "aspects" in plain:
            kept = plain["aspects"]
            spread = np.zeros((len(shares), len(shares)))
            spread[kept["rows"], kept["columns"]] = kept["parts"]
            aspects = Aspects(
                shares=np.array(kept["shares"], np.float64),
                spread=spread,
                levels=np.array(kept["levels"], np.float64),
            )
        if "gate" in plain:
            gate = Gate.from_plain(plain["gate"])
        return cls(
            shares=shares,
            beliefs=np.array(plain["beliefs"], np.float64),
            aspects=aspects,
            gate=gate,
            gate_belief=float(plain["gate_belief"]),
        )


def places_of(keys: Sequence[int], *, among: Sequence[int]) -> NDArray[np.int64]:
    """Return where each key stands among others, -1 where it does not."""
    known = {key: place for place, key in enumerate(among)}
    return np.array([known.get(key, -1) for key in keys], np.int64)
