"""A study as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Line:
    """One trial, from wherever it was done."""

    number: int
    params: Mapping[str, Any]
    value: float | None
    is_pruned: bool
    seconds: float | None
    error: str

    def as_json(self) -> dict[str, Any]:
        """Return the form of `manage.py tune --json`."""
        return {
            "number": self.number,
            "settings": dict(self.params),
            "validation_ndcg": self.value,
            "is_pruned": self.is_pruned,
            "seconds": self.seconds,
            "error": self.error,
        }


@dataclass(frozen=True)
class Found:
    """What a study came to."""

    algorithm: str
    trials: Sequence[Line]
    importances: Mapping[str, float]

    @property
    def best(self) -> Line | None:
        """The trial with the highest value, the earliest of equals."""
        finished = [one for one in self.trials if one.value is not None]
        return max(finished, key=lambda one: (one.value or 0.0, -one.number), default=None)

    @property
    def start(self) -> Line | None:
        """The trial of the usual settings."""
        return next((one for one in self.trials if one.number == 0), None)

    def as_json(self) -> dict[str, Any]:
        """Return the form of `manage.py tune --json`."""
        return {
            "algorithm": self.algorithm,
            "start": self.start.as_json() if self.start else None,
            "best": self.best.as_json() if self.best else None,
            "importances": dict(self.importances),
            "trials": [one.as_json() for one in self.trials],
        }


def lines(found: Found) -> Iterator[str]:
    """Yield the trials, the best first, what came of them, and which settings matter."""
    order = sorted(found.trials, key=lambda one: (-(one.value or 0.0), one.number))
    yield f"{'trial':>5}  {'NDCG@10':>8}  {'s':>7}  settings"
    for one in order:
        value = f"{one.value:.4f}" if one.value is not None else "early" if one.is_pruned else "–"
        seconds = "–" if one.seconds is None else f"{one.seconds:.1f}"
        yield f"{one.number:>5}  {value:>8}  {seconds:>7}  {said(one.params)}{_why(one)}"
    yield ""
    yield _sentence(found)
    if found.importances:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in found.importances.items())
        yield f"What decides: {shares}."


def said(params: Mapping[str, Any]) -> str:
    """Return values in a line."""
    return ", ".join(f"{name} {_number(value)}" for name, value in params.items()) or "as usual"


def _why(one: Line) -> str:
    return f"  ({one.error})" if one.error else "  (the usual ones)" if one.number == 0 else ""


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "none" if value is None else str(value)


def _sentence(found: Found) -> str:
    best, start = found.best, found.start
    if best is None or best.value is None:
        return "No trial came to its end."
    if best.number == 0:
        return (
            f"Nothing was better than the usual settings: NDCG@10 {best.value:.4f} on validation."
        )
    gain = ""
    if start is not None and start.value:
        gain = f", {best.value / start.value - 1:+.1%} to the usual settings' {start.value:.4f}"
    return f"Best: trial {best.number}, NDCG@10 {best.value:.4f} on validation{gain}. The test was not opened."
