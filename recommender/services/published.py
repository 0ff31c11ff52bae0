"""The algorithm that a publication's slates are ranked by, where that is another than the training's network.

It is fitted once, on all events there are, and saved beside the site's other files; publication and live workers
read it from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from interests.datasets.log import Catalogue
from interests.selectors import events
from interests.services.running import CannotRun
from recommender import algorithms
from recommender.algorithms import saving, spaces
from recommender.algorithms.carried import Carried
from recommender.algorithms.protocol import Algorithm, CannotFit
from recommender.algorithms.saving import CannotLoad, CannotSave
from recommender.models import PublicationRun
from recommender.services import algorithm_files, choosing, network_options
from recommender.services.filling import Report

# Its slates are ranked by the network of the training itself.
NETWORK = "interest_network"
# A network that is a member of what is published is trained twice, each time at most so long.
MEMBER_SECONDS = 600.0
SHA256 = "algorithm_sha256"
# Its settings as plain values, and whose they are in words.
SETTINGS, WHOSE = "algorithm_settings", "settings_from"
# What it carries says which items it knows.
NO_CATALOGUE = Catalogue.build(item_ids=[])


def ready(run: PublicationRun, *, now: datetime, tell: Report) -> Carried | None:
    """Return what ranks the slates of a publication, fitted now unless a killed attempt has fitted it.

    None: the network of its training does.

    Raises:
        CannotRun: there is no such algorithm or setting, or it cannot be fitted on these events.
    """
    if run.algorithm == NETWORK:
        return None
    if run.results.get(SHA256):
        try:
            return load(run)
        except CannotLoad:
            tell("fitting again what was damaged", 0.02)
    return _fit(run, now=now, tell=tell)


def load(run: PublicationRun) -> Carried | None:
    """Return what ranked the slates of a publication; None: the network of its training did.

    Raises:
        CannotLoad: the file is missing or not the one that was written.
    """
    if run.algorithm == NETWORK:
        return None
    loaded = saving.load(
        algorithm_files.path_of(run.pk),
        catalogue=NO_CATALOGUE,
        algorithm=run.algorithm,
        sha256=run.results.get(SHA256),
    )
    assert isinstance(loaded.fitted, Carried), "only such are saved"
    return loaded.fitted


def kept(run: PublicationRun) -> dict[str, Any]:
    """Return what the results of a publication tell of the algorithm it is ranked by."""
    return {name: run.results[name] for name in (SHA256, SETTINGS, WHOSE) if name in run.results}


def with_changes(algorithm: Algorithm, changes: Mapping[str, Any], *, settings: Any = None) -> Any:
    """Return settings with some changed: an algorithm's usual ones where none are given.

    Raises:
        CannotRun: it has no such setting.
    """
    try:
        return spaces.applied(settings or algorithm.grid()[0], spaces.params_from_json(changes))
    except KeyError as error:
        raise CannotRun(f"{algorithm.name}: {error.args[0]}") from error


def _fit(run: PublicationRun, *, now: datetime, tell: Report) -> Carried:
    if run.algorithm not in algorithms.REGISTRY:
        raise CannotRun(f"There is no algorithm {run.algorithm!r}.")
    try:
        algorithm = choosing.make(run.algorithm, **_options(run))
        changes = run.settings.get("set", {})
        settings, whose = choosing.settings_of(algorithm)
        chosen = with_changes(algorithm, changes, settings=settings)
        tell(f"fitting {run.algorithm}", 0.02)
        known = events.interaction_log(with_descriptions=True, with_attributes=True)
        log = known.happened_by(now).log
        fitted = algorithm.fit(
            log,
            settings=chosen,
            seed=run.seed,
            report=lambda step, share: tell(f"fitting: {step}", 0.02 + 0.03 * min(share, 1.0)),
        )
        carried = Carried(log.catalogue, fitted)
        sha256 = saving.save(
            carried,
            algorithm_files.path_of(run.pk),
            algorithm=run.algorithm,
            settings=chosen,
            catalogue=NO_CATALOGUE,
        )
    except (CannotFit, CannotSave) as error:
        raise CannotRun(str(error)) from error
    run.results |= {
        SHA256: sha256,
        SETTINGS: spaces.plain(chosen),
        WHOSE: f"{whose}, with changes" if changes else whose,
    }
    return carried


def _options(run: PublicationRun) -> dict[str, Any]:
    return network_options.options_of(
        run.algorithm,
        training=run.training_run,
        max_seconds=MEMBER_SECONDS,
        changes=run.settings.get("training", {}),
    )
