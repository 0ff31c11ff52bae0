"""The editor of a placement's rules: every button sends all that was typed and shows it again."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from recommender.models import Placement, PlacementVersion
from recommender.ranking import expression_words, rule_words
from recommender.ranking.rules import SeenPolicy
from recommender.selectors import pages_placements
from recommender.selectors.pages_lines import ItemLine
from recommender.services import comparing_rules, placing
from recommender.views import placements_actions
from recommender.views.frame import is_part_asked
from recommender.views.placements import (
    LONGEST_NOTE,
    PLACE,
    number_of,
    placement_or_404,
    trail,
    version_or_404,
    whole_number,
    words_of,
)
from recommender.views.placements_form import Typed, choices
from recommender.views.placements_preview import previewed

LONGEST_QUERY = 200
EXAMPLES = (
    ('category = "Drama"', "of one category"),
    ('category in ("Drama", "Comedy") and not (title contains "part")', "of two, without a word in the title"),
    ("created_at > now - 30d", "new in the catalogue"),
)  # fmt: skip
SEEN = (
    (SeenPolicy.NEVER, "Never again"),
    (SeenPolicy.AFTER_DAYS, "Again after some days"),
    (SeenPolicy.ALWAYS, "As any other item"),
)
FALLBACK_WORDS = {str(one): words for one, words in rule_words.FALLBACKS.items()}
LEVELS = rule_words.LEVELS, rule_words.level_words
SHARES = rule_words.SHARES, rule_words.share_words
MIX = (
    ("diversity", "Variety", "Unlike items beside each other.", *LEVELS),
    ("calibration", "Mix as their interests", "As much of each category as the person wants of it.", *LEVELS),
    ("novelty", "Little known items", "Places kept for items that few have used.", *SHARES),
    ("exploration", "Surprises", "Places drawn from further down the list.", *SHARES),
)  # fmt: skip
SECTION_NAMES = {**rule_words.SECTIONS, "seen_days": rule_words.SECTIONS["seen"]}
# After these a search has served its purpose.
ENDS_SEARCH = {
    "pin": "pin_q",
    "boost_item": "boost_q",
    "boost_category": "boost_q",
    "boost_where": "boost_q",
    "in_on": "category_q",
    "out_on": "category_q",
    "person": "person",
}


@login_required
@permission_required("recommender.change_placement", raise_exception=True)
def edit(request: HttpRequest, name: str) -> HttpResponse:
    """Show the editor; do what its buttons say; keep the rules as the next version."""
    placement = placement_or_404(name)
    newest = pages_placements.newest_version(placement)
    if request.method != "POST":
        base = _base(request, placement, newest)
        typed = Typed.of(pages_placements.rules_of(base))
        context = {"based_on": newest.pk if newest else 0, "number": number_of(base)}
        return _page(request, placement, typed, context)
    typed = Typed.from_post(request.POST)
    verb, _, argument = request.POST.get("do", "").partition(":")
    placements_actions.act(typed, verb, argument)
    posted = {
        "based_on": whole_number(request.POST.get("based_on", ""), otherwise=0),
        "number": whole_number(request.POST.get("number", ""), otherwise=0),
    }
    # A part of the page is asked for to look at; only the whole form saves.
    if verb != "save" or is_part_asked(request):
        return _page(request, placement, typed, posted, verb=verb, argument=argument)
    return _save(request, placement, typed, posted)


def _base(
    request: HttpRequest, placement: Placement, newest: PlacementVersion | None
) -> PlacementVersion | None:
    """Return where editing starts: the version of the address, a draft that waits, or what is live."""
    start = request.GET.get("from", "")
    if start:
        return version_or_404(placement, whole_number(start, otherwise=-1))
    live = placement.live_version
    is_draft = newest is not None and newest.went_live_at is None
    return newest if is_draft else live


def _save(
    request: HttpRequest, placement: Placement, typed: Typed, posted: dict[str, Any]
) -> HttpResponse:
    rules, errors = typed.rules()
    if rules is None:
        return _page(request, placement, typed, posted, errors=errors)
    try:
        made = placing.save_version(
            placement_id=placement.pk,
            rules=rules,
            note=_query(request, "note", LONGEST_NOTE),
            based_on=posted["based_on"],
            by=request.user,  # type: ignore[arg-type]  # signed in
            now=timezone.now(),
        )
    except placing.CannotKeep as reason:
        return _page(request, placement, typed, posted, errors=reason.problems)
    except placing.ChangedMeanwhile as reason:
        return _page(request, placement, typed, _their_version(placement, posted, str(reason)))
    return redirect("recommender:placement_version", name=placement.name, number=made.number)


def _their_version(placement: Placement, posted: dict[str, Any], said: str) -> dict[str, Any]:
    """Return what somebody else saved meanwhile beside what this page began with; saving again is after theirs."""
    theirs = pages_placements.newest_version(placement)
    assert theirs is not None, "it is what came between"
    begun = placement.versions.filter(number=posted["number"]).first()
    return {
        "based_on": theirs.pk,
        "number": posted["number"],
        "conflict": said,
        "theirs": theirs,
        "their_changes": pages_placements.changes(
            pages_placements.rules_of(begun), pages_placements.rules_of(theirs)
        ),
    }


def _page(
    request: HttpRequest,
    placement: Placement,
    typed: Typed,
    context: dict[str, Any],
    *,
    errors: dict[str, str] | None = None,
    verb: str = "",
    argument: str = "",
) -> HttpResponse:
    """Show the editor as it was typed, with what is wrong and what the rules would show."""
    rules, own = typed.rules()
    problems = errors or own or (placing.problems(rules) if rules else {})
    live = pages_placements.rules_of(placement.live_version)
    is_refused = errors is not None or "conflict" in context
    context |= {
        "title": "Edit",
        "place": PLACE,
        "trail": trail(placement),
        "placement": placement,
        "live": number_of(placement.live_version),
        "live_words": words_of(number_of(placement.live_version), live=-1),
        "begun_words": words_of(context["number"], live=-1),
        "problems": problems,
        "first_problem": _first(problems),
        "is_refused": is_refused,
        "note": _query(request, "note", LONGEST_NOTE),
        "zone": timezone.get_current_timezone_name(),
        "changed_just_now": verb,
        **_offered(request, typed, problems, verb),
    }
    if rules is not None and not problems:
        now = timezone.now()
        person = argument if verb == "person" else _query(request, "person")
        headings = "As it is live", "As it would be"
        context |= previewed(live, rules, headings=headings, person=person, now=now)
        context["changes"] = pages_placements.changes(live, rules)
        if verb == "survey":
            context["survey"] = comparing_rules.survey(live, rules, now=now)
    status = 422 if errors else 409 if is_refused else 200
    return render(request, "recommender/placement_form.html", context, status=status)


def _offered(
    request: HttpRequest, typed: Typed, problems: dict[str, str], verb: str
) -> dict[str, Any]:
    """Return what the fields hold and what can be chosen for them."""
    queries = {
        name: "" if ENDS_SEARCH.get(verb) == name else _query(request, name)
        for name in ("pin_q", "category_q", "boost_q")
    }
    attributes = pages_placements.attributes()
    named = [row.item_id for row in typed.pins]
    named += [row.what for row in typed.boosts if row.kind == "item_id"]
    return {
        "typed": typed,
        "fields": typed.fields,
        **_rows(typed, pages_placements.lines_by_item_id(named), problems),
        **queries,
        "found_pins": pages_placements.found_items(queries["pin_q"]),
        "found_categories": pages_placements.found_categories(queries["category_q"]),
        "found_boost_items": pages_placements.found_items(queries["boost_q"]),
        "found_boost_categories": pages_placements.found_categories(queries["boost_q"])
        if queries["boost_q"]
        else [],
        "boosts_expression": bool(queries["boost_q"])
        and expression_words.mark(queries["boost_q"]) is None,
        "category_lists": [
            (
                "category_in",
                "Only these categories",
                typed.categories_in,
                "in_off",
                problems.get("categories_in", ""),
            ),
            (
                "category_out",
                "Without these categories",
                typed.categories_out,
                "out_off",
                problems.get("categories_out", ""),
            ),
        ],
        "attributes": attributes,
        "examples": EXAMPLES,
        "mark": expression_words.mark(typed.fields["where"]),
        "unknown_names": [
            name
            for name in expression_words.names(typed.fields["where"])
            if name not in {one.name for one in attributes}
        ],
        "seen_policies": SEEN,
        "mix": [
            {
                "name": name,
                "label": label,
                "help": said,
                "choices": choices(steps, typed.fields[name], words=said_as),
                "error": problems.get(name, ""),
            }
            for name, label, said, steps, said_as in MIX
        ],
        "fallbacks": [(one, FALLBACK_WORDS.get(one, one)) for one in typed.fallbacks],
        "other_fallbacks": [
            (one, words) for one, words in FALLBACK_WORDS.items() if one not in typed.fallbacks
        ],
    }


def _rows(
    typed: Typed, items: dict[str, ItemLine], problems: dict[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """Return pins and boosts with the items that they name and what is wrong with each."""
    pinned = [row.item_id for row in typed.pins]
    left_out = pages_placements.left_out(pinned, where=typed.fields["where"], now=timezone.now())
    pins = [
        {
            "row": row,
            "item": items.get(row.item_id),
            "error": problems.get(f"pins.{place}", ""),
            "is_left_out": row.item_id in left_out,
        }
        for place, row in enumerate(typed.pins)
    ]
    boosts = [
        {
            "row": row,
            "item": items.get(row.what) if row.kind == "item_id" else None,
            "factors": choices(rule_words.FACTORS, row.factor, words=rule_words.factor_words),
            "error": problems.get(f"boosts.{place}", ""),
        }
        for place, row in enumerate(typed.boosts)
    ]
    return {"pins": pins, "boosts": boosts}


def _first(problems: dict[str, str]) -> str:
    """Return what is wrong first, with the name of its section."""
    for name, problem in problems.items():
        section = SECTION_NAMES.get(name.partition(".")[0], "")
        return f"{section}: {problem}" if section else problem
    return ""


def _query(request: HttpRequest, name: str, longest: int = LONGEST_QUERY) -> str:
    return request.POST.get(name, "").replace("\0", "").strip()[:longest]
