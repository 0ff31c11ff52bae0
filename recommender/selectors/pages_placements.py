"""Placements as pages show them: their rules in words, versions and who put them live, and what an editor offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Case, Count, Exists, Max, OuterRef, Value, When
from django.utils import timezone

from interests.models import Category, EndUser, Item
from recommender.models import Placement, PlacementSwitch, PlacementVersion
from recommender.ranking import expressions, rule_words
from recommender.ranking.expression_nodes import Facts, Name
from recommender.ranking.rule_words import Change
from recommender.ranking.rules import Rules, SeenPolicy
from recommender.selectors import pages_search
from recommender.selectors.pages_lines import ItemLine, item_line, with_categories

NUM_FOUND = 8
NUM_SWITCHES = 20
# Looked at to learn which attributes items have.
NUM_SAMPLED_ITEMS = 2_000
NUM_ATTRIBUTES = 24
NUM_EXAMPLES = 3


@dataclass(frozen=True)
class PlacementRow:
    """One line of the list of placements."""

    name: str
    description: str
    number: int
    since: datetime
    by: str
    rules: str
    num_drafts: int
    newest_draft: int


@dataclass(frozen=True)
class LivePlacement:
    """A placement with the rules that answer now."""

    name: str
    description: str
    number: int
    since: datetime
    rules: Rules


@dataclass(frozen=True)
class VersionRow:
    """One version in a placement's history; number 0 is what a placement starts with."""

    number: int
    rules: str
    note: str
    saved_at: datetime
    by: str
    went_live_at: datetime | None
    is_live: bool
    is_waiting: bool


@dataclass(frozen=True)
class Section:
    """What the rules say about one thing, in lines."""

    name: str
    lines: tuple[str, ...]
    is_default: bool


@dataclass(frozen=True)
class Attribute:
    """An attribute that items have."""

    name: str
    examples: str

    @property
    def written(self) -> str:
        """Return it as expressions name it."""
        return str(Name(self.name))


def rows() -> list[PlacementRow]:
    """Return all placements by name; three queries."""
    placements = Placement.objects.select_related("live_version").order_by("name")
    last, drafts = _last_switches(), _drafts()
    return [_row(one, last.get(one.pk), drafts.get(one.pk, (0, 0))) for one in placements]


def live_placements(*, after: str, limit: int) -> list[LivePlacement]:
    """Return placements by name, those after a name, with their live rules; two queries."""
    placements = Placement.objects.select_related("live_version").filter(name__gt=after)
    last = _last_switches()
    return [
        LivePlacement(
            name=one.name,
            description=one.description,
            number=one.live_version.number if one.live_version else 0,
            since=last[one.pk].switched_at if one.pk in last else one.created_at,
            rules=rules_of(one.live_version),
        )
        for one in placements.order_by("name")[:limit]
    ]


def placement(*, name: str) -> Placement | None:
    """Return a placement with its live version, or None; one query."""
    return Placement.objects.select_related("live_version__created_by").filter(name=name).first()


def newest_version(placement: Placement) -> PlacementVersion | None:
    """Return the version that was saved last, or None; one query."""
    rows = placement.versions.select_related("created_by")
    return rows.order_by("-number").first()


def history(placement: Placement) -> list[VersionRow]:
    """Return all versions, the newest first, and last what a placement starts with; one query."""
    versions = list(placement.versions.select_related("created_by").order_by("-number"))
    newest_live = max((row.number for row in versions if row.went_live_at), default=0)
    found = [
        VersionRow(
            number=version.number,
            rules=rule_words.summary(Rules.from_plain(version.rules)),
            note=version.note,
            saved_at=version.created_at,
            by=who(version.created_by),
            went_live_at=version.went_live_at,
            is_live=version.pk == placement.live_version_id,
            is_waiting=version.went_live_at is None and version.number > newest_live,
        )
        for version in versions
    ]
    start = VersionRow(
        0, rule_words.summary(Rules()), "What every placement starts with.", placement.created_at, "",
        placement.created_at, placement.live_version_id is None, False,
    )  # fmt: skip
    return [*found, start]


def switches(placement: Placement) -> list[PlacementSwitch]:
    """Return what went live last, the newest first; one query."""
    rows = placement.switches.select_related("version", "switched_by")
    return list(rows.order_by("-pk")[:NUM_SWITCHES])


def rules_of(version: PlacementVersion | None) -> Rules:
    """Return a version's rules; those that a placement starts with where there is none."""
    return Rules() if version is None else Rules.from_plain(version.rules)


def sections(rules: Rules, titles: Mapping[str, str]) -> list[Section]:
    """Return what rules say, section by section; sections without a word are left out."""
    start = rule_words.lines(Rules(), titles={}, when=when)
    said = rule_words.lines(rules, titles=titles, when=when)
    return [
        Section(name, said[key], said[key] == start[key])
        for key, name in rule_words.SECTIONS.items()
        if said[key]
    ]


def changes(before: Rules, after: Rules) -> list[Change]:
    """Return what differs between two versions, in words; one query."""
    return rule_words.changes(before, after, titles=titles(before, after), when=when)


def titles(*versions: Rules) -> dict[str, str]:
    """Return the titles of the items that rules name, by the client's id; one query."""
    named = {pin.item_id for rules in versions for pin in rules.pins}
    named |= {boost.item_id for rules in versions for boost in rules.boosts if boost.item_id}
    return dict(Item.objects.filter(item_id__in=named).values_list("item_id", "title"))


def lines_by_item_id(item_ids: Iterable[str]) -> dict[str, ItemLine]:
    """Return items with their categories by the client's id; two queries."""
    rows = Item.objects.filter(item_id__in=set(item_ids))
    return {
        row.item_id: item_line(row) for row in rows.prefetch_related(with_categories("categories"))
    }


def left_out(item_ids: Iterable[str], *, where: str, now: datetime) -> set[str]:
    """Return which items an expression leaves out, by the client's id; two queries, none without an expression."""
    try:
        expression = expressions.parse(where)
    except expressions.ExpressionError:
        return set()
    if expression.node is None:
        return set()
    rows = Item.objects.filter(item_id__in=set(item_ids))
    return {
        row.item_id
        for row in rows.prefetch_related(with_categories("categories"))
        if not expression.holds(_facts(row), now=now)
    }


def found_items(query: str) -> list[ItemLine]:
    """Return the items that a text may mean, best first, without hidden ones; three queries."""
    keys = [key for key, _, _ in pages_search.items(query)] if query else []
    shown = Item.objects.filter(pk__in=keys, is_hidden=False)
    rows = {row.pk: item_line(row) for row in shown.prefetch_related(with_categories("categories"))}
    return [rows[key] for key in keys if key in rows]


def found_categories(query: str) -> list[Category]:
    """Return categories that a text may mean, without a text those with most items; one query."""
    used = Category.objects.filter(is_used=True)
    found = used.filter(name__icontains=query) if query else used
    return list(found.order_by("colour_rank")[:NUM_FOUND])


def found_people(query: str) -> list[tuple[str, int]]:
    """Return end users whose id holds a text, the very same id first, then those with most events; one query."""
    found = EndUser.objects.filter(user_id__icontains=query) if query else EndUser.objects.all()
    is_other = Case(When(user_id=query, then=Value(0)), default=Value(1))
    rows = found.order_by(*([is_other] if query else []), "-num_events", "pk")
    return list(rows.values_list("user_id", "num_events")[:NUM_FOUND])


def sampled_people(number: int) -> list[str]:
    """Return the ids of end users from all over the table, always the same ones; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT found.user_id
            FROM (SELECT min(id) AS first, max(id) AS last FROM interests_enduser) AS ends,
                 generate_series(0, %(number)s - 1) AS n,
                 LATERAL (
                     SELECT user_id FROM interests_enduser
                     WHERE id >= ends.first + (ends.last - ends.first + 1) * n / %(number)s
                     ORDER BY id LIMIT 1
                 ) AS found
            ORDER BY found.user_id
            """,
            {"number": number},
        )
        return [user_id for (user_id,) in cursor.fetchall()]


def attributes() -> list[Attribute]:
    """Return the attributes that the newest items have, the commonest first, with values; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT key, (array_agg(DISTINCT left(value::text, 40)))[1:%s]
            FROM (SELECT attributes FROM interests_item ORDER BY id DESC LIMIT %s) AS newest,
                 jsonb_each(newest.attributes)
            GROUP BY key ORDER BY count(*) DESC, key LIMIT %s
            """,
            [NUM_EXAMPLES, NUM_SAMPLED_ITEMS, NUM_ATTRIBUTES],
        )
        return [Attribute(name, ", ".join(values)) for name, values in cursor.fetchall()]


def used_items_are_ranked() -> bool:
    """Tell whether slates hold items that people have used: where live rules show such again; one query."""
    live = PlacementVersion.objects.filter(
        pk__in=Placement.objects.exclude(live_version=None).values("live_version")
    )
    shown = live.filter(rules__has_key="seen").exclude(rules__seen=SeenPolicy.NEVER.value)
    return shown.exists()


def categories_by_item_id(item_ids: Iterable[str]) -> dict[str, frozenset[int]]:
    """Return the categories' keys of items by the client's id, of those that have any; one query."""
    rows = Item.objects.filter(item_id__in=set(item_ids), categories__isnull=False)
    found: dict[str, set[int]] = {}
    for item_id, key in rows.values_list("item_id", "categories"):
        found.setdefault(item_id, set()).add(key)
    return {item_id: frozenset(keys) for item_id, keys in found.items()}


def num_categories() -> int:
    """Return how many categories have items; one query."""
    return Category.objects.filter(items__isnull=False).distinct().count()


def when(at: datetime) -> str:
    """Return a time of a rule in the account's zone."""
    return f"{timezone.localtime(at):%-d %B %Y, %H:%M}"


def who(account: User | None) -> str:
    """Return who it was."""
    return account.get_username() if account else ""


def _facts(item: Item) -> Facts:
    categories = tuple(category.name for category in item.categories.all())
    return Facts(item.item_id, item.title, categories, item.created_at, item.attributes)


def _row(found: Placement, last: PlacementSwitch | None, drafts: tuple[int, int]) -> PlacementRow:
    live = found.live_version
    return PlacementRow(
        name=found.name,
        description=found.description,
        number=live.number if live else 0,
        since=last.switched_at if last else found.created_at,
        by=who(last.switched_by) if last else "",
        rules=rule_words.summary(rules_of(live)),
        num_drafts=drafts[0],
        newest_draft=drafts[1],
    )


def _last_switches() -> dict[int, PlacementSwitch]:
    rows = PlacementSwitch.objects.select_related("switched_by")
    newest = rows.order_by("placement_id", "-pk").distinct("placement_id")
    return {switch.placement_id: switch for switch in newest}


def _drafts() -> dict[int, tuple[int, int]]:
    """Return by placement how many drafts wait and the newest one's number.

    What is older than a version that went live was passed over; it waits for nobody.
    """
    later = PlacementVersion.objects.filter(
        placement=OuterRef("placement"), number__gt=OuterRef("number"), went_live_at__isnull=False
    )
    waiting = PlacementVersion.objects.filter(~Exists(later), went_live_at=None)
    rows = waiting.values_list("placement").annotate(num=Count("pk"), newest=Max("number"))
    return {key: (num, newest) for key, num, newest in rows}
