"""What came of answers, added up by person, hour and origin of the answer."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from recommender.evaluation.interleaving import team_of

# What happens later has other causes too.
WINDOW = timedelta(days=7)
# Nobody looks at one thing for longer; a page was left open.
LONGEST_DWELL_SECONDS = 1_800.0
# Clients' clocks go wrong by less: an outcome may seem to come before its answer.
SKEW = timedelta(days=1)

IMPRESSION, DWELL = "impression", "dwell"
CLICK, CONVERSION, LIKE, DISLIKE, RATING = "click", "conversion", "like", "dislike", "rating"


class Answer(Protocol):
    """What is known of an answer: `ranking.answer_ids.AnswerId` is one."""

    @property
    def run(self) -> int: ...
    @property
    def placement(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def source(self) -> str: ...
    @property
    def variants(self) -> tuple[int, ...]: ...
    @property
    def teams(self) -> int: ...
    @property
    def at_ms(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that a person did with an item of an answer.

    Attributes:
        answer_text: names the answer
        what: one of the words above
        value: seconds of a dwell, worth of a conversion, a rating
    """

    end_user: int
    answer_text: str
    answer: Answer
    item: int
    what: str
    value: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose hour (its begin, UTC) it was, and where the answers came from."""

    end_user: int
    hour: datetime
    placement: int
    version: int
    run: int
    source: str
    variants: tuple[int, ...]


@dataclass(slots=True)
class Outcome:
    """The sums of one origin, named as in the table `OutcomeOfPerson`."""

    answers: int = 0
    impressions: int = 0
    clicks: int = 0
    second_clicks: int = 0
    conversions: int = 0
    revenue: float = 0.0
    dwell_seconds: float = 0.0
    num_dwells: int = 0
    likes: int = 0
    feedbacks: int = 0
    rating_sum: float = 0.0
    num_ratings: int = 0


@dataclass(slots=True)
class _Answer:
    """What was done with one answer; of several words about one item the last one counts."""

    is_seen: bool = False
    teams: int = 0
    items: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    liked: dict[int, bool] = field(default_factory=dict)
    rated: dict[int, float] = field(default_factory=dict)
    revenue: float = 0.0
    dwells: list[float] = field(default_factory=list)


def hour_of(answer: Answer) -> datetime:
    """Return the begin of the hour in which an answer was given, UTC."""
    return _hour(answer.at_ms)


@functools.lru_cache(maxsize=65_536)  # rows of one answer come together
def _hour(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC).replace(minute=0, second=0, microsecond=0)


def given_at(answer: Answer) -> datetime:
    """Return when an answer was given, UTC.

    Raises:
        OverflowError, ValueError: in no year that there is.
    """
    return datetime.fromtimestamp(answer.at_ms / 1000, UTC)


def add_up(deeds: Iterable[Deed]) -> dict[Origin, Outcome]:
    """Return the sums of each person's hours and origins.

    An answer counts once an item of it was seen. In it each item counts once as seen, clicked and converted
    however often it was; what was clicked, converted, looked at or judged counts as seen. Only dwells (each
    half an hour at most) and the values of conversions are summed.
    """
    answers: dict[tuple[int, str], _Answer] = defaultdict(_Answer)
    origins: dict[tuple[int, str], Origin] = {}
    for deed in sorted(deeds, key=lambda deed: deed.at):
        key = (deed.end_user, deed.answer_text)
        origins[key] = _origin(deed)
        answers[key].teams = deed.answer.teams
        _add(answers[key], deed)
    found: dict[Origin, Outcome] = defaultdict(Outcome)
    for key, answer in answers.items():
        if answer.is_seen:
            _put(found[origins[key]], answer)
    return dict(found)


def _origin(deed: Deed) -> Origin:
    answer = deed.answer
    return Origin(
        deed.end_user,
        hour_of(answer),
        answer.placement,
        answer.version,
        answer.run,
        answer.source,
        tuple(sorted(answer.variants)),
    )


def _add(answer: _Answer, deed: Deed) -> None:
    answer.is_seen |= deed.what == IMPRESSION
    answer.items[deed.what].add(deed.item)
    if deed.what in (LIKE, DISLIKE):
        answer.liked[deed.item] = deed.what == LIKE
    elif deed.what == RATING:
        answer.rated[deed.item] = deed.value
    elif deed.what == DWELL:
        answer.dwells.append(min(deed.value, LONGEST_DWELL_SECONDS))
    elif deed.what == CONVERSION:
        answer.revenue += deed.value


def _put(outcome: Outcome, answer: _Answer) -> None:
    outcome.answers += 1
    outcome.impressions += len(set().union(*answer.items.values()))
    outcome.clicks += len(answer.items[CLICK])
    if answer.teams:
        outcome.second_clicks += sum(team_of(answer.teams, item) for item in answer.items[CLICK])
    outcome.conversions += len(answer.items[CONVERSION])
    outcome.revenue += answer.revenue
    outcome.dwell_seconds += sum(answer.dwells)
    outcome.num_dwells += len(answer.dwells)
    outcome.likes += sum(answer.liked.values())
    outcome.feedbacks += len(answer.liked)
    outcome.rating_sum += sum(answer.rated.values())
    outcome.num_ratings += len(answer.rated)
