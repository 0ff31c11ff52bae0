"""Algorithms with the settings that somebody chose for them, wherever they are fitted on the site's events."""

from __future__ import annotations

from typing import Any

from interests.selectors import choices
from interests.services.running import CannotRun
from recommender import algorithms
from recommender.algorithms import spaces
from recommender.algorithms.fixed import Fixed
from recommender.algorithms.protocol import Algorithm
from recommender.services.tuning import NETWORK


def make(name: str, **options: Any) -> Algorithm:
    """Return an algorithm; where somebody chose settings for it, with these alone to choose from.

    The network's are used in its training, and come here with that training's own settings.

    Raises:
        UnknownAlgorithm: there is none of this name.
        CannotRun: the chosen settings name one that it does not have.
    """
    algorithm = algorithms.make(name, **options)
    chosen = {} if name == NETWORK else choices.settings_of(name)
    if not chosen:
        return algorithm
    try:
        settings = spaces.applied(algorithm.grid()[0], spaces.params_from_json(chosen))
    except KeyError as error:
        raise CannotRun(
            f"The settings chosen for {name} do not fit it any more: {error.args[0]} "
            f"Take them back: manage.py tune --use-usual {name}"
        ) from error
    return Fixed(algorithm, settings)
