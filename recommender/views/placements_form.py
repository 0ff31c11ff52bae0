"""What stands in the editor of a placement: read from a form as it was typed, made into rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Any, TypeVar

from django.http import QueryDict
from django.utils import timezone

from recommender.ranking.rule_values import MAX_RULES
from recommender.ranking.rules import Rules, RulesError, Window

BOOST_KINDS = ("item_id", "category", "where")
_PARTS = {"rank": "The place", "factor": "How much it counts", "window": "The time"}
_NAME = re.compile(r"(\w+)(?:\[(\d+)\])?(?:\.(\w+))?.*", re.DOTALL)
LONGEST = 2_000  # of anything typed into one field
NEW_FACTOR = "2"
PLAIN = (
    "length", "where", "max_per_category", "seen", "seen_days", "diversity", "calibration", "novelty",
    "exploration",
)  # fmt: skip
NUMBERS: dict[str, Callable[[str], Any]] = {
    "length": int,
    "max_per_category": int,
    "seen_days": int,
    "diversity": float,
    "calibration": float,
    "novelty": float,
    "exploration": float,
}


@dataclass
class PinRow:
    """A pin as it was typed."""

    item_id: str
    rank: str
    begin: str = ""
    end: str = ""


@dataclass
class BoostRow:
    """A boost or burial as it was typed; `kind` says what `what` is: item_id, category or where."""

    kind: str
    what: str
    factor: str = NEW_FACTOR
    begin: str = ""
    end: str = ""


Row = TypeVar("Row", PinRow, BoostRow)


@dataclass
class Typed:
    """All that was typed into the editor, right or wrong."""

    fields: dict[str, str]
    hides_negative: bool = True
    categories_in: list[str] = field(default_factory=list)
    categories_out: list[str] = field(default_factory=list)
    pins: list[PinRow] = field(default_factory=list)
    boosts: list[BoostRow] = field(default_factory=list)
    fallbacks: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, rules: Rules) -> Typed:
        """Return rules as the editor shows them first."""
        texts = {name: getattr(rules, name) for name in PLAIN}
        return cls(
            fields={name: _text(value) for name, value in texts.items()},
            hides_negative=rules.hides_negative,
            categories_in=list(rules.categories_in),
            categories_out=list(rules.categories_out),
            pins=[
                PinRow(pin.item_id, str(pin.rank), *_window_texts(pin.window))
                for pin in sorted(rules.pins, key=lambda pin: pin.rank)
            ],
            boosts=[
                BoostRow(
                    *next(
                        (kind, getattr(boost, kind)) for kind in BOOST_KINDS if getattr(boost, kind)
                    ),
                    _text(boost.factor),
                    *_window_texts(boost.window),
                )
                for boost in rules.boosts
            ],
            fallbacks=[str(one) for one in rules.fallbacks],
        )

    @classmethod
    def from_post(cls, posted: QueryDict) -> Typed:
        """Return what a form sent."""
        pins = _rows(posted, "pin_item", "pin_rank", "pin_begin", "pin_end")
        boosts = _rows(
            posted, "boost_kind", "boost_what", "boost_factor", "boost_begin", "boost_end"
        )
        return cls(
            fields={name: clean(posted.get(name, "")) for name in PLAIN},
            hides_negative="hides_negative" in posted,
            categories_in=_list(posted, "category_in"),
            categories_out=_list(posted, "category_out"),
            pins=[PinRow(*row) for row in pins],
            boosts=[BoostRow(*row) for row in boosts],
            fallbacks=_list(posted, "fallback"),
        )

    def rules(self) -> tuple[Rules | None, dict[str, str]]:
        """Return the rules, None where something makes no sense, and what is wrong by rule.

        Rules are named as `placing.problems` names them: `length`, `pins.0`.
        """
        plain: dict[str, Any] = {
            "hides_negative": self.hides_negative,
            "categories_in": self.categories_in,
            "categories_out": self.categories_out,
            "fallbacks": self.fallbacks,
        }
        for name, text in self.fields.items():
            plain[name] = _number(name, text) if name in NUMBERS else text
        if not self.fields["max_per_category"]:
            plain["max_per_category"] = None
        errors: dict[str, str] = {}
        plain["pins"] = _each("pins", self.pins, _plain_pin, errors)
        plain["boosts"] = _each("boosts", self.boosts, _plain_boost, errors)
        for name, value in plain.items():
            try:
                Rules.from_plain({name: value})
            except RulesError as error:
                errors.setdefault(*_said(error))
        return (None if errors else Rules.from_plain(plain)), errors


def _each(
    rule: str, rows: list[Row], plain: Callable[[Row], dict[str, Any]], errors: dict[str, str]
) -> list[dict[str, Any]]:
    """Return pins or boosts as rules have them; nothing where one makes no sense, so that each is looked at alone."""
    found = []
    for place, row in enumerate(rows):
        try:
            one = plain(row)
            Rules.from_plain({rule: [one]})
        except RulesError as error:
            errors[f"{rule}.{place}"] = _said(error)[1]
        else:
            found.append(one)
    return found if len(found) == len(rows) else []


def _plain_pin(row: PinRow) -> dict[str, Any]:
    window = {"begin": _moment(row.begin), "end": _moment(row.end)}
    return {"item_id": row.item_id, "rank": _number("length", row.rank), "window": window}


def _plain_boost(row: BoostRow) -> dict[str, Any]:
    window = {"begin": _moment(row.begin), "end": _moment(row.end)}
    kind = row.kind if row.kind in BOOST_KINDS else "item_id"
    return {kind: row.what, "factor": _number("diversity", row.factor), "window": window}


def _said(error: RulesError) -> tuple[str, str]:
    """Return which rule is wrong, and what, as a sentence."""
    rule, place, part = _NAME.fullmatch(error.name).groups()  # type: ignore[union-attr]  # any name fits
    named = f"{rule}.{place}" if place and rule in ("pins", "boosts") else rule
    if " at the same time" in error.message:
        what = "This place" if part == "rank" else "This item"
        return (
            named,
            f"{what} has another pin at the same time. Change one of them, or their times.",
        )
    if (part or rule) == "where":
        return named, error.message
    return named, f"{_PARTS.get(part or rule, 'This')} {error.message}"


def _number(name: str, text: str) -> Any:
    """Return a number, or the text itself: then the rules say what would be right."""
    try:
        return NUMBERS[name](text.replace(",", "." if NUMBERS[name] is float else ""))
    except ValueError:
        return text


def _moment(text: str) -> str | None:
    """Return a time that was typed, in the account's zone, as the rules keep it."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        aware = timezone.make_aware(found) if timezone.is_naive(found) else found
        return aware.isoformat()
    except (ValueError, OverflowError):
        raise RulesError(
            "window", f'cannot be read: "{text[:40]}". Write 2026-03-04T12:00.'
        ) from None


def _window_texts(window: Window) -> tuple[str, str]:
    begin, end = (
        f"{timezone.localtime(at):%Y-%m-%dT%H:%M}" if at else ""
        for at in (window.begin, window.end)
    )
    return begin, end


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def clean(text: str) -> str:
    """Return a text as it is kept: without spaces around it, not too long."""
    return text.replace("\0", "").strip()[:LONGEST]


def _list(posted: QueryDict, name: str) -> list[str]:
    return list(dict.fromkeys(filter(None, map(clean, posted.getlist(name)[: MAX_RULES + 1]))))


def _rows(posted: QueryDict, *names: str) -> list[tuple[str, ...]]:
    columns = [[clean(text) for text in posted.getlist(name)[: MAX_RULES + 1]] for name in names]
    return [row for row in zip_longest(*columns, fillvalue="") if row[0]]


def choices(
    steps: Sequence[tuple[float, str]], chosen: str, *, words: Callable[[float], str]
) -> list[tuple[str, str, bool]]:
    """Return the steps of a choice as value, words and whether it is chosen; a number of its own comes last."""
    found = [(f"{value:g}", said, f"{value:g}" == chosen) for value, said in steps]
    if not any(is_chosen for _, _, is_chosen in found):
        number = _number("diversity", chosen)
        found.append((chosen, words(number) if isinstance(number, float) else chosen, True))
    return found
