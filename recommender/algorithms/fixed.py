"""An algorithm with one setting in place of its grid: what somebody chose, so that nothing is chosen anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interests.datasets.log import InteractionLog
from recommender.algorithms.protocol import Algorithm, Fitted, Report


class Fixed:
    """Any algorithm, fitted with given settings only; in all else it is that algorithm."""

    def __init__(self, algorithm: Algorithm, settings: Any) -> None:
        self._algorithm, self._settings = algorithm, settings

    def __getattr__(self, name: str) -> Any:
        # `shares_fits`, `reads_order` and whatever else an algorithm says of itself.
        if name.startswith("__") or name == "_algorithm":
            raise AttributeError(name)
        return getattr(self._algorithm, name)

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm itself, with its grid."""
        return self._algorithm

    @property
    def name(self) -> str:
        return self._algorithm.name

    @property
    def is_baseline(self) -> bool:
        return self._algorithm.is_baseline

    def grid(self) -> Sequence[Any]:
        return (self._settings,)

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: Any,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Fitted:
        return self._algorithm.fit(
            log, settings=settings, seed=seed, budget_seconds=budget_seconds, report=report
        )


def unfixed(algorithm: Algorithm) -> Algorithm:
    """Return the algorithm itself, of whatever class it is, where it may have been given settings."""
    return algorithm.algorithm if isinstance(algorithm, Fixed) else algorithm
