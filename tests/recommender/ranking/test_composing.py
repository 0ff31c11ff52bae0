"""No list breaks a rule, pins hold, pages neither repeat nor skip: by hand, then for any rules at all."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.ranking import cursors
from recommender.ranking.admission import Admission, Lift
from recommender.ranking.candidates import Candidates
from recommender.ranking.composing import Composer, Surroundings
from recommender.ranking.rules import Rules

DRAMA, COMEDY, CRIME = 1, 2, 3
CATEGORIES = {item: ((DRAMA,), (COMEDY,), (DRAMA, CRIME), ())[item % 4] for item in range(1, 41)}
SEED = 7


def candidates(items, scores=None, **fields):
    scores = scores or [10.0 - at for at in range(len(items))]
    return Candidates(list(items), [f"i{item}" for item in items], scores, **fields)


def compose(rules=None, items=range(1, 11), *, admission=None, pinned_by=None, around=None, **more):
    admission = admission or Admission(CATEGORIES)
    return Composer(
        rules or Rules(),
        items if isinstance(items, Candidates) else candidates(items),
        admission=admission,
        pin_admission=pinned_by or admission,
        around=around or Surroundings(CATEGORIES),
        seed=SEED,
        **more,
    )


def keys(page):
    return [one.item for one in page]


def everything(items):
    def from_the_newest(below):
        return [(one, f"i{one}") for one in sorted(items, reverse=True) if not below or one < below]

    return from_the_newest


def test_without_rules_a_page_is_the_slate_in_its_order():
    page = compose().page(3)

    assert [(one.item_id, one.rank, one.score, one.rule) for one in page] == [
        ("i1", 1, 10.0, ""), ("i2", 2, 9.0, ""), ("i3", 3, 8.0, ""),
    ]  # fmt: skip


def test_pins_stand_at_their_ranks_whatever_the_score_and_only_there():
    around = Surroundings(CATEGORIES, pins={2: (9, "i9"), 4: (40, "i40")})

    page = compose(around=around).page(5)

    assert [(one.item, one.rank, one.rule) for one in page] == [
        (1, 1, ""), (9, 2, "pin"), (2, 3, ""), (40, 4, "pin"), (3, 5, ""),
    ]  # fmt: skip
    assert [one.score for one in page] == [10.0, 2.0, 9.0, 0.0, 8.0]


def test_pins_beyond_the_end_of_a_short_list_come_up():
    around = Surroundings(CATEGORIES, pins={9: (40, "i40"), 5: (39, "i39")})

    assert keys(compose(items=[1, 2], around=around).page(10)) == [1, 2, 39, 40]


def test_boosts_multiply_odds_and_burials_divide_them():
    lifts = [Lift(2.5, category=COMEDY), Lift(-20.0, item_id="i1")]

    page = compose(items=range(1, 7), around=Surroundings(CATEGORIES, lifts=lifts)).page(6)

    # Scores are 10, 9, 8, ... from item 1 on; 1 and 5 are comedies.
    assert [(one.item, one.score, one.rule) for one in page] == [
        (2, 9.0, ""), (5, 8.5, "boost"), (3, 8.0, ""), (4, 7.0, ""), (6, 5.0, ""), (1, -7.5, "burial"),
    ]  # fmt: skip


def test_boosts_multiply_counts():
    counted = candidates([1, 2], [10.0, 9.0], rule="fallback:popular", is_count=True)

    page = compose(
        items=counted,
        around=Surroundings(CATEGORIES, lifts=[Lift(0.6931471805599453, item_id="i2")]),
    ).page(2)

    assert [(one.item, round(one.score, 9), one.rule) for one in page] == [
        (2, 18.0, "fallback:popular"), (1, 10.0, "fallback:popular"),
    ]  # fmt: skip


def test_maximum_holds_on_each_page_and_what_it_held_back_comes_on_the_next():
    items = [4, 8, 12, 1, 16, 3]  # dramas are 4, 8, 12, 16; 1 is a comedy; 3 has no category

    composer = compose(Rules(max_per_category=1), items=items)

    assert [keys(composer.page(3)), keys(composer.page(3)), keys(composer.page(3))] == [
        [4, 1, 3], [8], [12],
    ]  # fmt: skip
    assert composer.has_more


def test_fallbacks_fill_in_their_order_and_only_as_far_as_needed():
    asked = []

    def filler(name, items):
        def ask():
            asked.append(name)
            return candidates(items, rule=f"fallback:{name}")

        return ask

    around = Surroundings(
        CATEGORIES,
        fillers=[filler("trending", [2, 30]), filler("popular", [30, 31]), filler("never", [32])],
        catalogue=everything(range(1, 41)),
    )

    page = compose(items=[1, 2], around=around).page(4)

    assert [(one.item, one.rule) for one in page] == [
        (1, ""), (2, ""), (30, "fallback:trending"), (31, "fallback:popular"),
    ]  # fmt: skip
    assert asked == ["trending", "popular"]


def test_catalogue_comes_last_the_newest_first():
    around = Surroundings(CATEGORIES, catalogue=everything(range(1, 41)))
    composer = compose(items=[40, 2], around=around)

    first, second = composer.page(4), composer.page(3)

    assert (keys(first), keys(second)) == ([40, 2, 39, 38], [37, 36, 35])
    assert first[2].rule == "fallback:catalogue"


def test_diversity_takes_the_unlike_first():
    # 4 and 8 are dramas, 1 is a comedy: relevance 1, .9, 0 at diversity .5 is .5, .45, 0 less .5 times likeness.
    items = candidates([4, 8, 1], [10.0, 9.0, 0.0])

    page = compose(Rules(diversity=0.5), items=items).page(3)

    assert [(one.item, one.rule) for one in page] == [(4, ""), (1, "diversity"), (8, "")]


def test_calibration_follows_the_interest_weights():
    items = [4, 8, 12, 16, 20, 24, 1, 5, 9, 13]
    around = Surroundings(CATEGORIES, weights={DRAMA: 0.5, COMEDY: 0.5})

    page = compose(Rules(calibration=0.99), items=items, around=around).page(6)

    assert sorted(keys(page)) == [1, 4, 5, 8, 9, 12]
    assert {one.rule for one in page} == {"", "calibration"}


def test_novelty_gives_its_share_of_places_to_what_few_have_used():
    around = Surroundings(CATEGORIES, common=frozenset(range(1, 31)))

    page = compose(Rules(novelty=0.3), items=range(1, 41), around=around).page(10)

    assert [one.item for one in page if one.rule == "novelty"] == [31, 32, 33]
    assert [one.item for one in page if one.rule == ""] == [1, 2, 3, 4, 5, 6, 7]


def test_exploration_draws_from_below_the_page_the_same_each_time():
    rules = Rules(exploration=0.2, length=10)

    first, again = (compose(rules, items=range(1, 41)).page(10) for _ in range(2))

    drawn = [one.item for one in first if one.rule == "exploration"]
    assert first == again
    assert len(drawn) == 2 and min(drawn) > 10


def test_used_items_are_shown_as_seen_in_the_order_of_scores():
    both = candidates([1, 2, 30], [5.0, 3.0, 4.0], seen=frozenset({30}))

    page = compose(items=both).page(3)

    assert [(one.item, one.rule) for one in page] == [(1, ""), (30, "seen"), (2, "")]


# --- any rules ------------------------------------------------------------------------------------

ITEMS = st.integers(1, 40)
SOME = st.frozensets(ITEMS, max_size=8)
RULES = st.builds(
    Rules,
    length=st.integers(1, 12),
    max_per_category=st.none() | st.integers(1, 4),
    diversity=st.sampled_from([0.0, 0.0, 0.3, 1.0]),
    calibration=st.sampled_from([0.0, 0.0, 0.5, 1.0]),
    novelty=st.sampled_from([0.0, 0.0, 0.2, 1.0]),
    exploration=st.sampled_from([0.0, 0.0, 0.2, 1.0]),
)
ADMISSIONS = st.builds(
    Admission,
    st.just(CATEGORIES),
    hidden=SOME,
    used=SOME,
    excluded=SOME.map(lambda items: frozenset(f"i{item}" for item in items)),
    within=st.sampled_from([(), (), (frozenset({DRAMA}),), (frozenset({DRAMA, COMEDY}), frozenset({CRIME}))]),
    barred=st.sampled_from([frozenset(), frozenset(), frozenset({COMEDY})]),
    where=st.sampled_from([None, None, lambda item, item_id: item % 3 != 0]),
)  # fmt: skip
SLATES = st.lists(st.tuples(ITEMS, st.floats(-20, 20)), max_size=30, unique_by=lambda one: one[0])


@st.composite
def lists(draw):
    """Return what makes a list: each call of it begins the same one, or goes on with it."""
    rules, admission, slate = draw(RULES), draw(ADMISSIONS), draw(SLATES)
    slate = sorted(slate, key=lambda one: -one[1])
    pins = draw(st.dictionaries(st.integers(1, 15), ITEMS, max_size=3))
    pins = {rank: (item, f"i{item}") for rank, item in pins.items()}
    pins = {rank: pin for rank, pin in pins.items() if list(pins.values()).count(pin) == 1}
    filler = draw(st.lists(ITEMS, unique=True, max_size=10))
    around = Surroundings(
        CATEGORIES,
        common=draw(SOME),
        pins=pins,
        lifts=draw(st.sampled_from([[], [Lift(1.5, category=DRAMA), Lift(-3.0, item_id="i7")]])),
        fillers=[lambda: candidates(filler, rule="fallback:popular", is_count=True, scores=[3.0] * len(filler))],
        catalogue=everything(range(1, 41)) if draw(st.booleans()) else None,
        weights=draw(st.sampled_from([None, {DRAMA: 0.7, COMEDY: 0.2, 0: 0.1}])),
    )  # fmt: skip
    pin_admission = replace(admission, used=frozenset(), within=())

    def begin(standing=None, *, newer=None, hidden=frozenset()):
        scores = dict(slate if newer is None else newer)
        # Whoever goes on with a list looks up what has left the slate.
        scores |= dict.fromkeys(set(standing.items) - set(scores), 0.0) if standing else {}
        return compose(
            rules,
            candidates(list(scores), list(scores.values())),
            admission=replace(admission, hidden=admission.hidden | hidden),
            pinned_by=replace(pin_admission, hidden=pin_admission.hidden | hidden),
            around=around,
            standing=standing,
        )

    return begin, rules, admission, pin_admission, pins


@settings(max_examples=100, deadline=None)
@given(lists(), st.integers(1, 12))
def test_no_page_breaks_a_rule_and_pages_neither_repeat_nor_skip(made, n):
    begin, rules, admission, pin_admission, pins = made
    composer = begin()
    pages = [composer.page(n)]
    while composer.has_more:
        pages.append(composer.page(n))
        assert len(pages) <= 60

    shown = [one for page in pages for one in page]
    assert len({one.item for one in shown}) == len(shown)
    for one in shown:
        by = pin_admission if one.rule == "pin" else admission
        assert by.admits(one.item, one.item_id), one
    for at, page in enumerate(pages):
        assert [one.rank for one in page] == list(range(at * n + 1, at * n + len(page) + 1))
        free = [own for one in page if one.rule != "pin" for own in CATEGORIES[one.item]]
        if rules.max_per_category:
            assert all(free.count(own) <= rules.max_per_category for own in free)
    for rank, pin in pins.items():
        held = [one for one in shown if one.item == pin[0]]
        if pin_admission.admits(*pin):
            # A pin comes up only where nothing else was left to stand above it.
            page = next(page for page in pages if held[0] in page)
            below = [one.rule for one in page if one.rank > held[0].rank]
            assert [one.rule for one in held] == ["pin"]
            assert held[0].rank == rank or held[0].rank < rank and set(below) <= {"pin"}
        else:
            assert held == []
    # Nothing that may be shown is left out.
    left = composer.standing().items
    assert left == ()


@settings(max_examples=100, deadline=None)
@given(lists(), st.integers(1, 12))
def test_pages_by_cursor_are_the_pages_by_offset(made, n):
    begin = made[0]
    composer, at = begin(), 0
    page = composer.page(n)
    while composer.has_more and at < 30:
        at += 1
        by_offset = begin()
        by_offset.skip(at * n, n)
        composer = begin(cursors.from_text(cursors.to_text(composer.standing())))
        page = composer.page(n)
        assert [(o.item, o.rank, o.rule) for o in page] == [
            (o.item, o.rank, o.rule) for o in by_offset.page(n)
        ]


@settings(max_examples=100, deadline=None)
@given(lists(), SLATES, SOME)
def test_pages_by_cursor_go_on_when_slate_and_filters_change_between_them(made, newer, now_hidden):
    begin = made[0]
    composer = begin()
    first = composer.page(5)
    left = composer.standing()
    if not composer.has_more:
        return

    going_on = begin(
        cursors.from_text(cursors.to_text(left)),
        newer=sorted(newer, key=lambda one: -one[1]),
        hidden=now_hidden,
    )
    rest = []
    while going_on.has_more:
        rest += going_on.page(5)

    shown = {one.item for one in rest}
    assert len(shown) == len(rest)
    assert {one.item for one in first}.isdisjoint(shown)
    assert now_hidden.isdisjoint(shown)
    assert set(left.items) - shown <= now_hidden
