"""Other people's change detectors on histories of category shares, each as its library offers it.

A peer looks at one history event by event, and its alarm knows no later event. After an alarm it begins
anew. Each comes with a few settings, from eager to careful.

Legend: L length of a history, C categories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import ruptures
from numpy.typing import NDArray
from river import drift as river_drift

Floats = NDArray[np.float64]
# No peer may speak before it has seen so many events: it only helps them.
FIRST_EVENTS = 15
FAST, SLOW = 1 / 15, 1 / 100  # of the averages whose divergence is watched


@dataclass(frozen=True)
class Peer:
    """A detector with its settings.

    Attributes:
        settings: one value for each run, eager first
        alarms: a history's shares [L, C] and a setting -> numbers of the events that raise an alarm
    """

    name: str
    settings: tuple[Any, ...]
    alarms: Callable[[Floats, Any], list[int]]


def _any_category(make: Callable[[], Any], shares: Floats) -> list[int]:
    """Run one detector for each category's share; the first to tell raises for the person."""
    found = []
    detectors = [make() for _ in range(shares.shape[1])]
    for event, own in enumerate(shares.tolist()):
        told = False
        for detector, share in zip(detectors, own, strict=True):
            detector.update(share)
            told |= detector.drift_detected
        if told:
            found.append(event)
            detectors = [make() for _ in range(shares.shape[1])]
    return found


def divergences(shares: Floats) -> Iterator[float]:
    """Yield the Jensen-Shannon divergence of a fast and a slow average, both from before the event."""
    fast = slow = np.full(shares.shape[1], 1 / shares.shape[1])
    for event in shares:
        middle = (fast + slow) / 2
        yield float((fast * np.log(fast / middle) + slow * np.log(slow / middle)).sum() / 2)
        fast, slow = fast + FAST * (event + 1e-9 - fast), slow + SLOW * (event + 1e-9 - slow)


def _one_stream(make: Callable[[], Any], values: Iterator[float]) -> list[int]:
    found, detector = [], make()
    for event, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected and event >= FIRST_EVENTS:
            found.append(event)
            detector = make()
    return found


# River's compiled class has no types.
_adwin: Callable[..., Any] = river_drift.ADWIN


def adwin(shares: Floats, delta: float) -> list[int]:
    """River's ADWIN on each category's share."""
    return _any_category(lambda: _adwin(delta=delta, clock=1), shares)


def page_hinkley(shares: Floats, threshold: float) -> list[int]:
    """River's Page-Hinkley on each category's share."""
    return _any_category(
        lambda: river_drift.PageHinkley(
            min_instances=FIRST_EVENTS, delta=0.05, threshold=threshold
        ),
        shares,
    )


def page_hinkley_divergence(shares: Floats, threshold: float) -> list[int]:
    """River's Page-Hinkley on the divergence of a fast and a slow average."""
    return _one_stream(
        lambda: river_drift.PageHinkley(
            min_instances=FIRST_EVENTS, delta=0.005, threshold=threshold, mode="up"
        ),
        divergences(shares),
    )


def kswin(shares: Floats, alpha: float) -> list[int]:
    """River's KSWIN on the divergence of a fast and a slow average."""
    return _one_stream(
        lambda: river_drift.KSWIN(alpha=alpha, window_size=60, stat_size=20, seed=0),
        divergences(shares),
    )


def pelt(shares: Floats, penalty: float) -> list[int]:
    """Ruptures' PELT (squared error, its C implementation) on what came since the last alarm, every third event."""
    found, start = [], 0
    for end in range(FIRST_EVENTS, len(shares) + 1, 3):
        if end - start < FIRST_EVENTS:
            continue
        search = ruptures.KernelCPD(kernel="linear", min_size=5).fit(shares[start:end])
        if len(search.predict(pen=penalty)) > 1:
            found.append(end - 1)
            start = end
    return found


def bayesian_online(shares: Floats, settings: tuple[float, float]) -> list[int]:
    """Adams and MacKay, 2007: Dirichlet-multinomial run lengths, hazard 1 in 200.

    An alarm says that the run began after the first events, with at least the probability asked for.
    """
    threshold, concentration = settings
    found, start = [], 0
    while start < len(shares):
        alarm = _run_length_alarm(shares[start:], threshold, concentration)
        if alarm is None:
            break
        found.append(start + alarm)
        start += alarm + 1
    return found


def _run_length_alarm(shares: Floats, threshold: float, concentration: float) -> int | None:
    counts = np.full((1, shares.shape[1]), concentration)
    runs = np.ones(1)  # the longest first
    for event, own in enumerate(shares):
        likelihood = (counts * own).sum(1) / counts.sum(1)
        grown = runs * likelihood
        runs = np.append(grown * (1 - 1 / 200), grown.sum() / 200)
        runs /= runs.sum()
        counts = np.vstack([counts + own, np.full((1, shares.shape[1]), concentration)])
        # The newest few runs are always likely: they have hardly been tried.
        if event >= FIRST_EVENTS and runs[FIRST_EVENTS // 2 : -4].sum() > threshold:
            return event
    return None


PEERS = (
    Peer("ADWIN (river), each category", (0.999, 0.9, 0.5, 0.2, 0.05, 0.002), adwin),
    Peer("Page-Hinkley (river), each category", (3, 4, 5, 6, 8, 10, 14), page_hinkley),
    Peer(
        "Page-Hinkley (river), divergence", (0.3, 0.6, 1, 1.5, 2, 3, 4.5), page_hinkley_divergence
    ),
    Peer("KSWIN (river), divergence", (1e-3, 1e-5, 1e-7, 1e-9, 1e-12), kswin),
    Peer("PELT (ruptures), restarted", (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0), pelt),
    Peer(
        "Bayesian online change points",
        tuple((t, c) for c in (0.25, 1.0) for t in (0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99)),
        bayesian_online,
    ),
)
