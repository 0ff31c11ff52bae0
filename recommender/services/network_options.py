"""How the network is trained anew, alone or as a member of a fusion: as the one of a training was."""

from __future__ import annotations

from typing import Any

from interests.models import TrainingRun
from recommender import algorithms

NETWORK = "interest_network"


def options_of(
    name: str, *, training: TrainingRun | None, max_seconds: float, changes: dict[str, Any]
) -> dict[str, Any]:
    """Return the options of an algorithm by its name; only the network and what mixes it have some.

    Args:
        max_seconds: it may take no longer than this, and no longer than that training might.
        changes: settings of its training that are to differ.
    """
    if algorithms.REGISTRY[name].family == algorithms.FUSION:
        own = options_of(NETWORK, training=training, max_seconds=max_seconds, changes=changes)
        return {"options": {NETWORK: own}}
    if name != NETWORK:
        return {}
    results = training.results if training else {}
    # The seed is the run's own; the time too, unless that training had less. How much counts what rises
    # now is chosen on validation: in some splits everybody is asked now, in others at any time.
    known = results.get("settings", {}).items()
    own = {name: value for name, value in known if name not in ("seed", "trend")}
    own["max_seconds"] = min(own.get("max_seconds") or max_seconds, max_seconds)
    # It allowed up to so many networks; what serves is the mean of those that there was time for.
    if results.get("members"):
        own["num_members"] = len(results["members"])
    return {"changes": {**own, **changes}}
