"""Algorithms with the settings that somebody chose for them, wherever they are fitted on the site's events."""

from __future__ import annotations

from typing import Any

import structlog

from interests.selectors import choices
from interests.services.running import CannotRun
from recommender import algorithms
from recommender.algorithms import spaces
from recommender.algorithms.fixed import Fixed
from recommender.algorithms.protocol import Algorithm
from recommender.selectors import evaluated
from recommender.services.tuning import NETWORK

USUAL = "usual"

log = structlog.get_logger()


def make(name: str, **options: Any) -> Algorithm:
    """Return an algorithm; where somebody chose settings for it, with these alone to choose from.

    So are the members of what mixes several. The network's are used in its training, and come here with that
    training's own settings.

    Raises:
        UnknownAlgorithm: there is none of this name.
        CannotRun: the chosen settings name one that it does not have.
    """
    entry = algorithms.REGISTRY.get(name)
    if entry is not None and entry.family == algorithms.FUSION:
        options = {"make": make, **options}
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


def is_chosen(algorithm: Algorithm) -> bool:
    """Tell whether somebody chose the settings that `make` returned an algorithm with."""
    return isinstance(algorithm, Fixed)


def settings_of(algorithm: Algorithm) -> tuple[Any, str]:
    """Return with which settings an algorithm is to be fitted on all events, and whose they are in words.

    Somebody's, if somebody chose any; else those that the newest evaluation chose on validation; before
    there is one, or where its settings do not fit the algorithm any more, the usual ones.
    """
    usual = algorithm.grid()[0]
    if is_chosen(algorithm):
        return usual, choices.who_chose(algorithm.name) or USUAL
    found = evaluated.chosen_on_validation(algorithm.name)
    if found is None:
        return usual, USUAL
    try:
        settings = spaces.restored(usual, found.settings)
        _insist_on_known(settings)
    except (KeyError, TypeError, ValueError) as error:
        log.warning(
            "settings_of_evaluation_do_not_fit",
            algorithm=algorithm.name,
            evaluation=found.run_id,
            reason=str(error.args[0] if error.args else error),
        )
        return usual, USUAL
    return settings, f"settings of evaluation {found.run_id}"


def _insist_on_known(settings: Any) -> None:
    """Refuse settings that name algorithms, as members or what lies below, of which one is gone."""
    names = (*getattr(settings, "members", ()), *filter(None, [getattr(settings, "over", None)]))
    for name in names:
        if name not in algorithms.REGISTRY:
            raise ValueError(f"There is no algorithm {name!r} any more.")
