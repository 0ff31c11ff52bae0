"""A reason as one or two sentences, in the reader's language. Each says only what is so.

Every text that stands in a call of `say`, `many` or `verb` is a message of locale/*/reasons.po; a test holds
them together. `xgettext -k say -k many:1,2 -k verb:1c,2` finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from gettext import NullTranslations

from recommender.ranking import reasons
from recommender.ranking.messages import translations

# Of an interest: one that is wanted less is no reason that anybody would believe.
LEAST_WEIGHT = 0.01
LONGEST_TITLE = 80

# Rules that place an item, see `ranking.composing`; the others only reorder what is there for its score.
FALLBACK = "fallback"
PLACING = ("pin", "novelty", "exploration", "seen", "session")
LIFTING = ("boost", "own_boost")


@dataclass(frozen=True, slots=True)
class Deed:
    """An event that lifts an item.

    Attributes:
        title: of the item that it is about
        kind: of event
        is_negative: whether it is a negative signal
        is_of_interest: whether that item belongs to the interest that is named
    """

    title: str
    kind: str
    is_negative: bool = False
    is_of_interest: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What there is to say of one item in one answer.

    Attributes:
        rule: what placed it, as `ranking.composing` names it; "" where it came to its place by its score
        category: name of the interest that it serves, "" for none
        weight: of that interest now, 0 to 1
        deeds: what the person did that counts most for it, most first
        together: how many events stand in for each other, of which `deeds` are the newest; 0: each by itself
        crowd: `reasons.POPULAR` or `TRENDING` where nothing of the person's lifts it, else ""
    """

    rule: str = ""
    category: str = ""
    weight: float = 0.0
    deeds: Sequence[Deed] = ()
    together: int = 0
    crowd: str = ""

    @property
    def has_interest(self) -> bool:
        """Tell whether the interest is worth a word."""
        return bool(self.category) and self.weight >= LEAST_WEIGHT


class _Words:
    """Messages of one language."""

    def __init__(self, found: NullTranslations) -> None:
        self._found = found

    def say(self, message: str, **values: object) -> str:
        return self._found.gettext(message).format(**values)

    def many(self, one: str, more: str, num: int, **values: object) -> str:
        return self._found.ngettext(one, more, num).format(num=num, **values)

    def verb(self, context: str, message: str) -> str:
        return self._found.pgettext(context, message)


def kind_of(said: Said) -> str:
    """Return in a word what the sentence goes by: the rule that placed it, else what is so of the person.

    One of `PLACING`, popular, trending, catalogue; history, interest, one of `LIFTING`; "" where there is
    nothing true to say.
    """
    if said.rule.startswith(f"{FALLBACK}:"):
        window = said.rule.partition(":")[2]
        return window if window in ("trending", "catalogue") else "popular"
    if said.rule in PLACING:
        return said.rule
    if said.deeds:
        return "history"
    if said.has_interest:
        return "interest"
    return said.rule if said.rule in LIFTING else said.crowd


def sentence(said: Said, *, language: str) -> str:
    """Return why an item is there, "" where there is nothing true to say.

    Args:
        language: one of `messages.LANGUAGES`.
    """
    words = _Words(translations(language))
    by_rule = _by_rule(said, words)
    own = "" if by_rule and said.rule not in LIFTING else _of_person(said, words)
    own = own or ("" if by_rule else _of_crowd(said, words))
    if by_rule and own:
        return words.say("{first} {second}", first=by_rule, second=own)
    return by_rule or own


def _by_rule(said: Said, words: _Words) -> str:
    """Say which rule placed an item, "" where none did that people are told of."""
    match said.rule:
        case "pin":
            return words.say("Chosen by the editors.")
        case "boost":
            return words.say("Put forward by the editors.")
        case "own_boost":
            return words.say("You asked for more like this.")
        case "novelty":
            return words.say("Few people have found it yet.")
        case "exploration":
            return words.say("Something different.")
        case "seen":
            return words.say("You have used it before.")
        case "session":
            return words.say("It goes with what you did just now.")
        case "fallback:trending":
            return words.say("Chosen more than usual just now.")
        case "fallback:popular_7d":
            return words.say("Popular in the last 7 days.")
        case "fallback:popular_30d":
            return words.say("Popular in the last 30 days.")
        case "fallback:popular":
            return words.say("Popular with everybody.")
        case "fallback:catalogue":
            return words.say("From the whole catalogue.")
    return ""


def _of_crowd(said: Said, words: _Words) -> str:
    if said.crowd == reasons.TRENDING:
        return words.say("Chosen more than usual just now.")
    return words.say("Popular with everybody.") if said.crowd == reasons.POPULAR else ""


def _of_person(said: Said, words: _Words) -> str:
    """Say what the person did and which interest the item serves, as far as there is something to say."""
    if not said.deeds:
        if not said.has_interest:
            return ""
        return words.say(
            "It belongs to {category}, which makes up {share} of what you want now.",
            category=said.category,
            share=_share(said.weight, words),
        )
    # What somebody turned down and what they chose do not go into one verb.
    deeds = [deed for deed in said.deeds if not deed.is_negative] or said.deeds
    did, things = _did(deeds, words), _things(deeds, words, num=said.together)
    if not said.has_interest:
        return words.say("Because you {did} {things}.", did=did, things=things)
    named = {"did": did, "things": things, "category": said.category}
    named["share"] = _share(said.weight, words)
    if all(deed.is_of_interest and not deed.is_negative for deed in deeds):
        return words.say(
            "Because you {did} {things} in {category}, which makes up {share} of what you want now.",
            **named,
        )
    return words.say(
        "Because you {did} {things}. It belongs to {category}, which makes up {share} of what you want now.",
        **named,
    )


def _things(deeds: Sequence[Deed], words: _Words, *, num: int) -> str:
    # The same item twice is one thing.
    titles = list(dict.fromkeys(deed.title for deed in deeds))
    total = max(num, len(titles))
    first = words.say("“{title}”", title=_short(titles[0]))
    if total == 1:
        return first
    return words.many(
        "{first} and {num} other", "{first} and {num} others", total - 1, first=first, total=total
    )


def _did(deeds: Sequence[Deed], words: _Words) -> str:
    kinds = {deed.kind for deed in deeds}
    if len(kinds) > 1:
        is_negative = any(deed.is_negative for deed in deeds)
        if is_negative:
            return words.verb("what somebody did", "turned down")
        return words.verb("what somebody did", "went for")
    match kinds.pop():
        case "view":
            return words.verb("what somebody did", "looked at")
        case "click":
            return words.verb("what somebody did", "clicked on")
        case "like":
            return words.verb("what somebody did", "liked")
        case "dislike":
            return words.verb("what somebody did", "disliked")
        case "purchase":
            return words.verb("what somebody did", "bought")
        case "rating":
            return words.verb("what somebody did", "rated")
    return words.verb("what somebody did", "used")


def _short(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1].rstrip() + "…"


def _share(weight: float, words: _Words) -> str:
    return words.say("{percent} %", percent=f"{100 * weight:.0f}")
