"""Rows that name an answer: which answer it was, and whether what they tell is an outcome of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.core.signing import BadSignature, Signer

from interests.models import EndUser
from recommender.evaluation import outcomes as adding
from recommender.evaluation.outcomes import SKEW, WINDOW
from recommender.models import OutcomeRefusal
from recommender.ranking.answer_ids import AnswerId, NotAnAnswerId

SIGNER_SALT = "recommendation"
Reason = OutcomeRefusal.Reason


@dataclass(frozen=True, slots=True)
class Row:
    """An impression or event with a recommendation_id, as it is stored; `what` "" is no outcome."""

    end_user: int
    text: str
    item: int
    at: datetime
    is_doubtful: bool
    what: str
    value: float | None
    received_at: datetime


class Reader:
    """Reads recommendation_ids, each once however many rows have it."""

    def __init__(self) -> None:
        self._signer = Signer(salt=SIGNER_SALT)
        self._read: dict[str, AnswerId | Reason] = {}
        self._exists: dict[int, bool] = {0: False}

    def look_up(self, rows: Iterable[Row]) -> None:
        """Find out which of the people exist to whom the rows' answers were given."""
        answers = [self._answer(row.text) for row in rows]
        keys = {answer.end_user for answer in answers if isinstance(answer, AnswerId)}
        keys -= self._exists.keys()
        known = set(EndUser.objects.filter(pk__in=keys).values_list("pk", flat=True))
        self._exists |= {key: key in known for key in keys}

    def read(self, row: Row) -> AnswerId | Reason:
        """Return which answer a row belongs to, or why it does not count; `look_up` comes first.

        Strangers' answers are anybody's, and those of a person who no longer exists: a guest who became
        a member.
        """
        answer = self._answer(row.text)
        if not isinstance(answer, AnswerId):
            return answer
        if answer.end_user != row.end_user and self._exists[answer.end_user]:
            return Reason.FOREIGN
        given = adding.given_at(answer)
        if row.is_doubtful or row.at < given - SKEW:
            return Reason.DOUBTFUL
        return Reason.LATE if row.at > given + WINDOW else answer

    def _answer(self, text: str) -> AnswerId | Reason:
        if text not in self._read:
            self._read[text] = self._verify(text)
        return self._read[text]

    def _verify(self, text: str) -> AnswerId | Reason:
        try:
            answer = AnswerId.from_text(self._signer.unsign(text))
            adding.given_at(answer)
        except BadSignature:
            return Reason.FORGED
        except (NotAnAnswerId, ValueError, OverflowError):
            return Reason.UNREADABLE
        return answer
