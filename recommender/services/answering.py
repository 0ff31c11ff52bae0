"""What live workers answer: each question by one service, in a transaction that cannot write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, connection, transaction
from redis.exceptions import RedisError

from recommender.services import asking, explaining, looking_back, ranking_for, recalling, trying
from recommender.services.asking import Question
from recommender.services.previewing import CannotPreview

ANSWERS: dict[str, Callable[..., dict[str, Any]]] = {
    Question.BEFORE_AFTER: explaining.before_and_after,
    Question.AS_OF_SLATE: looking_back.slate_at,
    Question.AS_OF_STATE: recalling.state_at,
    Question.WHAT_IF: trying.what_if,
    Question.SESSION: ranking_for.session,
    Question.CATEGORY_FOR: ranking_for.category_for,
}
TOO_LONG = (
    "It took a live worker too long. Ask for less: fewer events, or a time nearer to the events."
)

log = structlog.get_logger()


def answer(*, key: str, question: str, arguments: Mapping[str, Any], now: float) -> None:
    """Answer a question, unless somebody has meanwhile; why it cannot be answered is kept as well.

    Args:
        arguments: of the service that answers it.
        now: seconds since 1970.

    Raises:
        OperationalError, InterfaceError, RedisError: database or cache are away; try again.
    """
    known = asking.look(key, now=now)
    if known is not None and known.state == asking.State.ANSWERED:
        return
    try:
        with _reading_only():
            found = ANSWERS[question](**arguments)
    except CannotPreview as reason:
        asking.keep_failure(key, str(reason), now=now)
    except SoftTimeLimitExceeded:
        log.warning("question_took_too_long", question=question, arguments=arguments)
        asking.keep_failure(key, TOO_LONG, now=now)
    except (OperationalError, InterfaceError, RedisError):
        raise
    except Exception:  # whoever asked is told; the cause is in the log
        log.exception("question_failed", question=question, arguments=arguments)
        asking.keep_failure(
            key, "A live worker failed at it. Its log says why: logs/live.log.", now=now
        )
    else:
        asking.keep_answer(key, found, now=now)


@contextmanager
def _reading_only() -> Iterator[None]:
    """Let the database refuse whatever an answer would write."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        yield
