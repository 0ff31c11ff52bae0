"""Who takes part in which experiment and gets which variant: by hashes alone, so nothing is stored and every
process agrees.

As Tang and others, "Overlapping experiment infrastructure" (2010), have it: people lie in the 10,000 buckets of
a layer by a hash of the layer's name and their id; experiments of one layer hold buckets that do not overlap.
Which variant somebody gets is another hash, of the experiment's own salt, so that people who were in one variant
together before are spread over the variants of the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

NUM_BUCKETS = 10_000
DAY_SECONDS = 86_400
HOLDOUT = "holdout"


def bucket(salt: str, user_id: str) -> int:
    """Return a person's bucket under a salt, 0 to 9,999, each as likely as any other."""
    digest = blake2b(f"{salt}\0{user_id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    # 2^64 is no multiple of 10,000; the first buckets are likelier by one in 10^15.
    return int.from_bytes(digest, "big") % NUM_BUCKETS


def is_held_out(user_id: str, *, share: float) -> bool:
    """Tell whether somebody is of the share of people (0 to 1) who are in no experiment at all.

    A larger share holds out everybody whom a smaller one did.
    """
    return share > 0 and bucket(f"{HOLDOUT}\0", user_id) < round(share * NUM_BUCKETS)


@dataclass(frozen=True, slots=True)
class Arm:
    """A variant as assignment needs it.

    Attributes:
        key: of the variant
        weight: its part of the people, beside the weights of the other arms
        version: key of the placement's version whose rules answer; None: the live one
        source: where its items come from; "": each person's own slate
    """

    key: int
    weight: int
    version: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """An experiment as assignment needs it: buckets `first` to `first + size`, of which some are open.

    Attributes:
        opened: open buckets at `ramp_began_at`
        ramp_days: all are open after so many days; 0: it stays at `opened`
        is_interleaved: everybody who takes part gets both arms, mixed
    """

    key: int
    layer: str
    salt: str
    first: int
    size: int
    opened: int
    ramp_began_at: datetime
    ramp_days: int
    arms: tuple[Arm, ...]
    is_interleaved: bool = False


def open_buckets(
    *, size: int, opened: int, ramp_began_at: datetime | None, ramp_days: int, now: datetime
) -> int:
    """Return how many of an experiment's buckets take part: more with every whole day, never fewer."""
    if ramp_days <= 0 or ramp_began_at is None:
        return opened
    days = max(0, int((now - ramp_began_at).total_seconds() // DAY_SECONDS))
    return opened + (size - opened) * min(days, ramp_days) // ramp_days


def takes_part(trial: Trial, user_id: str, *, now: datetime) -> bool:
    """Tell whether somebody's bucket is one of those that are open."""
    is_open = open_buckets(
        size=trial.size,
        opened=trial.opened,
        ramp_began_at=trial.ramp_began_at,
        ramp_days=trial.ramp_days,
        now=now,
    )
    return trial.first <= bucket(trial.layer, user_id) < trial.first + is_open


def arm_of(trial: Trial, user_id: str) -> Arm:
    """Return the arm of somebody who takes part; it does not change when more people do."""
    total = sum(arm.weight for arm in trial.arms)
    place = bucket(trial.salt, user_id)
    passed = 0
    for arm in trial.arms:
        passed += arm.weight
        if place * total < passed * NUM_BUCKETS:
            return arm
    raise ValueError(f"experiment {trial.key} has no arms")


def expected_shares(weights: Sequence[int]) -> list[float]:
    """Return the shares of people that `arm_of` gives to arms of these weights: whole buckets, not quite w / W."""
    total, passed, before, shares = sum(weights), 0, 0, []
    for weight in weights:
        passed += weight
        reached = -(-passed * NUM_BUCKETS // total)
        shares.append((reached - before) / NUM_BUCKETS)
        before = reached
    return shares


def free_range(taken: Sequence[tuple[int, int]], size: int) -> int | None:
    """Return the first bucket of a free stretch of a layer, None where there is none.

    Args:
        taken: (first, size) of the experiments that run in the layer.
    """
    start = 0
    for first, length in sorted(taken):
        if first - start >= size:
            return start
        start = max(start, first + length)
    return start if NUM_BUCKETS - start >= size else None
