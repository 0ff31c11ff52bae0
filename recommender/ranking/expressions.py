"""A small language that says which items are meant, such as `price < 20 and category = "Drama"`.

    price <= 20 and in_stock                      numbers, truths; `and`, `or`, `not`, brackets
    category in ("Drama", "Comedy")               any of the item's categories
    tags has "new" or title contains "love"       an element of a list; a part of a text, in any case
    brand exists and not (brand = "Acme")         whether there is a value at all
    created_at > now - 30d                        times: s, m, h, d and w before or after now, or ISO texts
    `release year` >= 1990                        names with blanks stand in backquotes

Names are those of an item's attributes, and `item_id`, `title`, `category`, `created_at`. What values do when
they are compared stands in `ranking.expression_nodes`. Nothing is executed: the text is read into data.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from recommender.ranking.expression_nodes import (
    KEYWORDS,
    UNIT_SECONDS,
    Both,
    Comparison,
    Constant,
    Exists,
    Facts,
    Literal,
    Name,
    Node,
    Not,
    Now,
    OneOf,
    Operand,
    Truth,
)

__all__ = ["Expression", "ExpressionError", "Facts", "parse"]

MAX_CHARACTERS = 2_000
MAX_DEPTH = 30
MAX_SECONDS = 100 * 366 * 86_400
_COMPARISONS = ("=", "!=", "<=", ">=", "<", ">", "has", "contains")
_TOKEN = re.compile(
    r"""
    \s*(?:
      (?P<time>\d+[smhdw]\b)
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\w))
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<name>[^\W\d]\w*)
    | (?P<quoted>`[^`]+`)
    | (?P<sign><=|>=|!=|[=<>(),+-])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class ExpressionError(ValueError):
    """The text is no expression; the message says where, why and what would be right.

    Attributes:
        position: of the first character that does not fit, counted from 1
    """

    def __init__(self, position: int, message: str) -> None:
        super().__init__(f"At character {position}: {message}")
        self.position = position


@dataclass(frozen=True, slots=True)
class Expression:
    """What a text says. Two texts that say the same are equal; `str` writes it out again."""

    node: Node | None

    def holds(self, facts: Facts, *, now: datetime) -> bool:
        """Tell whether it is true of an item; the empty expression is true of all."""
        return self.node is None or self.node.holds(facts, now)

    def next_flip(self, facts: Facts, *, now: datetime) -> datetime | None:
        """Return when the answer for an item may next change by time alone; None: never."""
        times = self.node.flips(facts) if self.node is not None else iter(())
        return min((at for at in times if at >= now), default=None)

    def __str__(self) -> str:
        return "" if self.node is None else str(self.node)


def parse(text: str) -> Expression:
    """Read an expression; a blank text is true of every item.

    Raises:
        ExpressionError: it cannot be read.
    """
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(
            MAX_CHARACTERS + 1,
            f"an expression has {MAX_CHARACTERS:,} characters at most, not {len(text):,}.",
        )
    if not text.strip():
        return Expression(None)
    reader = _Reader(_tokens(text))
    node = reader.either(depth=0)
    if reader.kind != "end":
        reader.fail(f"{reader.shown} does not fit here; join comparisons with `and` or `or`.")
    return Expression(node)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while True:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            begin = at + len(text[at:]) - len(text[at:].lstrip())
            raise ExpressionError(begin + 1, _advice(text[begin]))
        kind, start = match.lastgroup, match.start(match.lastgroup)
        found.append(_Token(kind, match.group(kind), start + 1))
        if kind == "end":
            return found
        at = match.end()


def _advice(character: str) -> str:
    if character in "\"'`":
        return f"this {character} is never closed; write a second one where the text ends."
    if character == "!":
        return '"not" is written `not`, "not equal" `!=`.'
    return (
        f'"{character}" means nothing here; texts stand in quotes, names with blanks in backquotes.'
    )


class _Reader:
    """Goes through the tokens once, from left to right."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def kind(self) -> str:
        return self._tokens[self._at].kind

    @property
    def shown(self) -> str:
        token = self._tokens[self._at]
        return "the end" if token.kind == "end" else f'"{token.text[:30]}"'

    def fail(self, message: str) -> NoReturn:
        raise ExpressionError(self._tokens[self._at].position, message)

    def either(self, *, depth: int) -> Node:
        return self._joined("or", depth)

    def _joined(self, word: str, depth: int) -> Node:
        parts = []
        while True:
            parts.append(self._joined("and", depth) if word == "or" else self._negated(depth))
            if not self._takes(word):
                return parts[0] if len(parts) == 1 else Both(word, tuple(parts))

    def _negated(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            self.fail(f"brackets and `not` may stand {MAX_DEPTH} deep at most; make it simpler.")
        if self._takes("not"):
            return Not(self._negated(depth + 1))
        if self._takes("("):
            inner = self.either(depth=depth + 1)
            if not self._takes(")"):
                self.fail(f"a bracket is still open; write ) before {self.shown}.")
            return inner
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._operand()
        if self._takes("exists"):
            return Exists(left)
        is_not = self._word() == "not" and self._word(1) == "in" and self._takes("not")
        if self._takes("in"):
            return OneOf(left, self._choices(), is_not)
        for sign in _COMPARISONS:
            if self._takes(sign):
                at = self._at
                right = self._operand()
                if right == Constant(None) and sign not in ("=", "!="):
                    self._at = at
                    self.fail(f"nothing is {sign} null; write `exists`, `= null` or `!= null`.")
                return Comparison(left, sign, right)
        if isinstance(left, Name) or isinstance(left, Constant) and isinstance(left.constant, bool):
            return Truth(left)
        self.fail(f"a comparison such as = or < must follow, not {self.shown}.")

    def _operand(self) -> Operand:
        token = self._tokens[self._at]
        word = self._word()
        if token.kind == "quoted" or token.kind == "name" and word not in KEYWORDS:
            self._at += 1
            return Name(token.text.strip("`"))
        if word == "now":
            self._at += 1
            return Now(self._offset())
        return Constant(self._constant())

    def _constant(self) -> Literal:
        token = self._tokens[self._at]
        word = self._word()
        if token.kind == "text":
            self._at += 1
            return _ESCAPED.sub(r"\1", token.text[1:-1])
        if token.kind == "number":
            number = int(token.text) if token.text.lstrip("-").isdigit() else float(token.text)
            if not math.isfinite(number):
                self.fail(f"{self.shown} is too large a number.")
            self._at += 1
            return number
        if word in ("true", "false", "null"):
            self._at += 1
            return {"true": True, "false": False, "null": None}[word]
        self.fail(f"a name, a text in quotes or a number must stand here, not {self.shown}.")

    def _choices(self) -> tuple[Constant, ...]:
        if not self._takes("("):
            self.fail(f'after `in` stands a list such as ("a", "b"), not {self.shown}.')
        found = []
        while True:
            if self._word() == "null":
                self.fail("nothing is in null; write `exists` or `= null`.")
            found.append(Constant(self._constant()))
            if self._takes(")"):
                return tuple(found)
            if not self._takes(","):
                self.fail(f"write , for one more or ) to close the list before {self.shown}.")

    def _offset(self) -> int:
        sign = 1 if self._takes("+") else -1 if self._takes("-") else 0
        if not sign:
            return 0
        token = self._tokens[self._at]
        if token.kind != "time":
            self.fail(f"a length of time such as 30d or 12h must stand here, not {self.shown}.")
        seconds = int(token.text[:-1]) * UNIT_SECONDS[token.text[-1]]
        if seconds > MAX_SECONDS:
            self.fail("at most 100 years before or after now.")
        self._at += 1
        return sign * seconds

    def _word(self, ahead: int = 0) -> str:
        token = self._tokens[min(self._at + ahead, len(self._tokens) - 1)]
        return token.text.lower() if token.kind == "name" else ""

    def _takes(self, text: str) -> bool:
        token = self._tokens[self._at]
        found = token.kind in ("name", "sign") and token.text.lower() == text
        self._at += found
        return found
