"""Whose interests have moved: everybody's drift score, held against how many false names a list may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from interests.drift import populations
from interests.drift.scores import MIN_EVENTS, drift_scores
from interests.models import Drifter
from interests.selectors import events, population_events
from interests.services import tracking, tracking_knowledge

# A list may be asked for with up to this share of false names; nobody wants a worse one.
LARGEST_Q = 0.2
# The first of the list are kept even where none of them is sure, so that a page can say how far off they are.
LEAST_KEPT = 50
# Reported as "so many drift".
USUAL_Q = 0.1
NUM_CATEGORIES = 3
BLOCK = 500
BATCH_SIZE = 2_000
# An erased end user's row of the list could not be written; a key share lets live work go on.
LOCK = "SELECT id FROM interests_enduser WHERE id = ANY(%s::bigint[]) ORDER BY id FOR KEY SHARE"


@dataclass(frozen=True)
class Ranked:
    """The list, the surest first; all arrays run parallel.

    Attributes:
        num_tested: how many end users had enough events for a drift score
        rising, falling: keys of up to three categories of each, the surest first
    """

    end_users: NDArray[np.int64]
    scores: NDArray[np.float64]
    p_values: NDArray[np.float64]
    q_values: NDArray[np.float64]
    rising: list[list[int]]
    falling: list[list[int]]
    num_tested: int

    @property
    def num_drifting(self) -> int:
        """How many names a list with one false in ten has."""
        return int((self.q_values <= USUAL_Q).sum())


def ranked(check: Callable[[], None]) -> Ranked:
    """Return whose interests have moved, by the newest drift score of everybody: one look at each.

    Args:
        check: called now and then; may raise to end the work.
    """
    keys, scores = population_events.drift_scores()
    p_values = populations.p_values_of_scores(scores)
    q_values = populations.q_values(p_values)
    order = np.lexsort((keys, p_values))
    kept = order[: max(int((q_values <= LARGEST_Q).sum()), LEAST_KEPT)]
    moves = _moves(keys[kept], check)
    return Ranked(
        end_users=keys[kept],
        scores=scores[kept],
        p_values=p_values[kept],
        q_values=q_values[kept],
        rising=[moves.get(key, ([], []))[0] for key in keys[kept].tolist()],
        falling=[moves.get(key, ([], []))[1] for key in keys[kept].tolist()],
        num_tested=len(keys),
    )


def write(run_id: int, found: Ranked) -> None:
    """Write the list for a run; the caller's transaction makes it visible."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [found.end_users.tolist()])
        alive = {key for (key,) in cursor.fetchall()}
    places = [place for place, key in enumerate(found.end_users.tolist()) if key in alive]
    Drifter.objects.bulk_create(
        [
            Drifter(
                run_id=run_id,
                rank=rank,
                end_user_id=int(found.end_users[place]),
                drift_score=float(found.scores[place]),
                p_value=float(found.p_values[place]),
                q_value=float(found.q_values[place]),
                rising=found.rising[place],
                falling=found.falling[place],
            )
            for rank, place in enumerate(places, start=1)
        ],
        batch_size=BATCH_SIZE,
    )


def _moves(
    keys: NDArray[np.int64], check: Callable[[], None]
) -> dict[int, tuple[list[int], list[int]]]:
    """Return what rose and what fell for each end user, from their events as the drift score saw them."""
    found: dict[int, tuple[list[int], list[int]]] = {}
    if not len(keys):
        return found
    catalogue = events.load_catalogue()
    run = tracking.latest_done()
    for begin in range(0, len(keys), BLOCK):
        check()
        known = events.interaction_log(
            end_users=keys[begin : begin + BLOCK].tolist(), catalogue=catalogue
        )
        knowledge = tracking_knowledge.remember(run, category_keys=known.category_keys)
        people = tracking_knowledge.histories_of(
            known, users=range(known.log.num_users), shares=None, training_run=None
        )
        for key, history in zip(known.user_keys.tolist(), people, strict=True):
            if len(history) < MIN_EVENTS:
                continue
            drift = drift_scores(
                history,
                after=[len(history)],
                population=knowledge.population.shares,
                session_correlation=knowledge.session_correlation,
            )
            z, names = drift.significances[0], known.category_keys
            found[key] = (_surest(z, names, drift.rising(0)), _surest(-z, names, drift.falling(0)))
    return found


def _surest(z: NDArray[np.float64], names: NDArray[np.int64], sure: list[int]) -> list[int]:
    """Return keys of the surest moves; where none is sure by itself, of the one that tells most."""
    places = sure[:NUM_CATEGORIES] or ([int(np.argmax(z))] if z.max() > 0 else [])
    return [int(names[place]) for place in places]
