"""Slates for everybody, block by block: reading histories, ranking, writing and checking.

A block of people is written, checked and committed in order of key, so a publication whose worker was killed
goes on after the last block that is there. While a block is written the next one is ranked.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Count, Max
from numpy.typing import NDArray

from interests.learning.trained import TrainedNetwork
from interests.selectors import events, people
from interests.selectors.events import DatabaseLog, LoadedCatalogue
from interests.services import running
from interests.services.running import CannotRun, Hold
from recommender.algorithms.carried import Carried
from recommender.models import Slate
from recommender.selectors import plans
from recommender.services import seen_candidates, slating
from recommender.services.packing import ItemArrays
from recommender.services.slating import Ranked

# What a block takes in memory: slates of 200 items about 20 MB, events about 100 bytes each.
MAX_PEOPLE, MAX_EVENTS = 2_000, 200_000
# Slates looked at for seen items; were one in a hundred wrong, this many would find it with 95 %.
NUM_SAMPLED = 300

WITHOUT_SLATE = """
    SELECT count(*) FROM interests_enduser person
    WHERE person.id = ANY(%(keys)s) AND NOT EXISTS (
        SELECT FROM recommender_slate slate
        WHERE slate.end_user_id = person.id AND slate.publication_id = %(publication)s
    ) AND NOT EXISTS (
        SELECT FROM interests_controls controls WHERE controls.end_user_id = person.id
        AND (controls.is_opted_out OR controls.forget_before IS NOT NULL)
    )
"""
# Only events that were there when the slates were made: an import that ends meanwhile shows events that
# arrived before those.
SEEN = """
    SELECT count(*) FROM (
        SELECT end_user_id, items FROM recommender_slate
        WHERE publication_id = %(publication)s AND end_user_id = ANY(%(keys)s)
    ) slate
    JOIN interests_interaction event ON event.end_user_id = slate.end_user_id
     AND event.item_id = ANY(slate.items) AND event.id = ANY(%(events)s)
"""

Report = Callable[[str, float], None]


@dataclass(frozen=True)
class Shelf:
    """A catalogue as slates need it.

    Attributes:
        loaded: the catalogue
        arrays: its items, ready to be written
        is_hidden: which of them nobody gets. [N]
    """

    loaded: LoadedCatalogue
    arrays: ItemArrays
    is_hidden: NDArray[np.bool_]

    @classmethod
    def of(cls, loaded: LoadedCatalogue) -> Shelf:
        """Ask which items are hidden now, and make the rest ready."""
        return cls(
            loaded=loaded, arrays=slating.arrays_of(loaded), is_hidden=slating.is_hidden(loaded)
        )


@dataclass
class Filled:
    """How far the slates of a publication are.

    Attributes:
        num_slates: slates that are there
        last_key: the last end user, by key, who has one; 0 for nobody
        events_through: arrival of the newest event that a slate has seen
    """

    num_slates: int = 0
    last_key: int = 0
    events_through: datetime | None = None


@dataclass
class Work:
    """What a publication is made of.

    Attributes:
        shelf: replaced when events name newer items
        filled: how far the slates are
        num_taken_up: slates that an attempt before had finished
        by: the algorithm that ranks, where it is not the network
        shows_seen: some placement showed used items when it began, so they are beside the slates
    """

    hold: Hold
    tell: Report
    network: TrainedNetwork
    shelf: Shelf
    now: datetime
    by: Carried | None = None
    filled: Filled = field(default_factory=Filled)
    num_taken_up: int = field(init=False)
    shows_seen: bool = field(default_factory=plans.are_used_items_shown)

    def __post_init__(self) -> None:
        self.num_taken_up = self.filled.num_slates

    @property
    def publication_id(self) -> int:
        return int(self.hold.run.pk)


@dataclass(frozen=True)
class Block:
    """The histories of some people, and what they are shown from."""

    log: DatabaseLog
    shelf: Shelf


def standing(publication_id: int) -> Filled:
    """Return what an attempt before left."""
    found = Slate.objects.filter(publication_id=publication_id).aggregate(
        num=Count("pk"), last=Max("end_user_id"), through=Max("events_through")
    )
    return Filled(found["num"], found["last"] or 0, found["through"])


def keep_held(hold: Hold) -> None:
    """Lock the run's row to the transaction's end, so that no other holder writes meanwhile.

    Raises:
        RunOvertaken: another holder has the run.
    """
    if hold.mine().select_for_update().first() is None:
        raise running.RunOvertaken(f"{hold.run} was taken over by another worker.")


def fill(work: Work) -> None:
    """Make a slate for everybody with events who comes after `work.filled.last_key`.

    Raises:
        CannotRun: nobody has events, or a block does not pass its check.
    """
    num_people = people.num_with_events()
    if not num_people:
        raise CannotRun("Nobody has events, so there is nobody to publish for. Import data first.")
    with closing(_one_ahead(work)) as blocks:
        for block, ranked in blocks:
            _write(work, block, ranked, share_sampled=min(NUM_SAMPLED / num_people, 1.0))
            share = min(work.filled.num_slates / num_people, 1.0)
            work.tell(
                f"slates: {work.filled.num_slates:,} of {num_people:,} end users",
                0.05 + 0.85 * share,
            )


def _write(work: Work, block: Block, ranked: Ranked, *, share_sampled: float) -> None:
    with transaction.atomic():
        keep_held(work.hold)
        num_slates = slating.insert(
            publication_id=work.publication_id,
            log=block.log,
            ranked=ranked,
            arrays=block.shelf.arrays,
            now=work.now,
        )
        if work.shows_seen:
            seen_candidates.write(
                publication_id=work.publication_id,
                network=work.network,
                log=block.log,
                users=ranked.users,
                arrays=block.shelf.arrays,
                hidden=block.shelf.is_hidden,
                now=work.now,
                by=work.by,
            )
        _check(work.publication_id, block.log, share=share_sampled)
    through = block.log.events_through.max().item().replace(tzinfo=UTC)
    filled = work.filled
    filled.num_slates += num_slates
    filled.last_key = int(block.log.user_keys[-1])
    filled.events_through = max(filled.events_through or through, through)


def _one_ahead(work: Work) -> Generator[tuple[Block, Ranked]]:
    """Yield blocks and their slates, the network at work on the next block meanwhile."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="ranking")
    waiting: tuple[Block, Future[Ranked]] | None = None
    try:
        for block in _blocks(work):
            under_way = block, thread.submit(_rank, work.network, block, work.by)
            if waiting is not None:
                yield waiting[0], waiting[1].result()
            waiting = under_way
        if waiting is not None:
            yield waiting[0], waiting[1].result()
    finally:
        thread.shutdown(cancel_futures=True)


def _blocks(work: Work) -> Iterator[Block]:
    blocks = people.blocks(after=work.filled.last_key, max_people=MAX_PEOPLE, max_events=MAX_EVENTS)
    for keys in blocks:
        log = events.interaction_log(
            end_users=keys.tolist(),
            catalogue=work.shelf.loaded,
            with_attributes=work.by is not None,
        )
        if not log.log.num_users:
            continue  # all of them were erased meanwhile
        if log.loaded is not work.shelf.loaded:
            work.shelf = Shelf.of(log.loaded)
        yield Block(log=log, shelf=work.shelf)


def _rank(network: TrainedNetwork, block: Block, by: Carried | None) -> Ranked:
    hidden = block.shelf.is_hidden
    parts = list(slating.rank(network=network, log=block.log, hidden=hidden, by=by))
    return Ranked(
        users=np.concatenate([part.users for part in parts]),
        items=np.concatenate([part.items for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
    )


def _check(publication_id: int, log: DatabaseLog, *, share: float) -> None:
    """Refuse slates of a block that miss somebody, or hold what somebody has seen.

    Args:
        share: of the people whose slates are looked at for seen items, 0 to 1; at least one is.

    Raises:
        CannotRun: saying which.
    """
    random = np.random.default_rng([publication_id, int(log.user_keys[0])])
    num_sampled = int(np.ceil(share * log.log.num_users))
    users = random.permutation(log.log.num_users)[:num_sampled]
    known = log.log.positions[np.isin(log.log.users, users)]
    values: dict[str, Any] = {"publication": publication_id}
    if missing := number(WITHOUT_SLATE, values | {"keys": log.user_keys.tolist()}):
        raise CannotRun(f"{missing:,} end users with events got no slate. Publish again.")
    sample = {"keys": log.user_keys[users].tolist(), "events": known.tolist()}
    if seen := number(SEEN, values | sample):
        raise CannotRun(
            f"{seen:,} items in the {len(users):,} slates looked at were seen before. Publish again, "
            "and report this as an error of Recsite if it stays."
        )


def number(query: str, values: dict[str, Any]) -> int:
    """Return the one number that a query answers."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])
