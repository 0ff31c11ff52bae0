import pytest

from recommender.ranking.reason_words import Deed, Said, kind_of, sentence

LIGHTHOUSE = Deed("The Lighthouse Keeper", "like", is_of_interest=True)
STORM = Deed("Storm", "like", is_of_interest=True)
WHALE = Deed("The Whale", "like", is_of_interest=True)
BREAD = Deed("Bread", "view")
NOW = "of what you want now."
SEA = {"category": "Sea stories", "weight": 0.312}


@pytest.mark.parametrize(
    ("said", "kind", "english"),
    [
        (
            Said(**SEA, deeds=[LIGHTHOUSE, STORM, WHALE]),
            "history",
            "Because you liked “The Lighthouse Keeper” and 2 others in Sea stories, which makes up 31 % "
            + NOW,
        ),
        (
            Said(**SEA, deeds=[LIGHTHOUSE, BREAD]),
            "history",
            "Because you went for “The Lighthouse Keeper” and 1 other. It belongs to Sea stories, which "
            "makes up 31 % " + NOW,
        ),
        (Said(deeds=[BREAD]), "history", "Because you looked at “Bread”."),
        (
            Said(category="Sea stories", weight=0.004, deeds=[BREAD]),
            "history",
            "Because you looked at “Bread”.",
        ),
        (
            Said(**SEA),
            "interest",
            "It belongs to Sea stories, which makes up 31 % of what you want now.",
        ),
        (Said(crowd="popular"), "popular", "Popular with everybody."),
        (Said(crowd="trending"), "trending", "Chosen more than usual just now."),
        (Said(), "", ""),
        (Said(category="Sea stories", weight=0.004), "", ""),
        (Said(rule="pin", **SEA, deeds=[LIGHTHOUSE]), "pin", "Chosen by the editors."),
        (
            Said(rule="boost", deeds=[BREAD]),
            "history",
            "Put forward by the editors. Because you looked at “Bread”.",
        ),
        (Said(rule="boost", crowd="popular"), "boost", "Put forward by the editors."),
        (Said(rule="own_boost"), "own_boost", "You asked for more like this."),
        (Said(rule="novelty", **SEA), "novelty", "Few people have found it yet."),
        (Said(rule="exploration", deeds=[BREAD]), "exploration", "Something different."),
        (Said(rule="seen", **SEA), "seen", "You have used it before."),
        (Said(rule="fallback:popular_7d"), "popular", "Popular in the last 7 days."),
        (Said(rule="fallback:popular_30d"), "popular", "Popular in the last 30 days."),
        (Said(rule="fallback:popular"), "popular", "Popular with everybody."),
        (Said(rule="fallback:trending"), "trending", "Chosen more than usual just now."),
        (Said(rule="fallback:catalogue"), "catalogue", "From the whole catalogue."),
        # These only reorder what is there for its score.
        (Said(rule="diversity", deeds=[BREAD]), "history", "Because you looked at “Bread”."),
        (Said(rule="burial", deeds=[BREAD]), "history", "Because you looked at “Bread”."),
    ],
)
def test_each_reason_is_said_as_it_is(said, kind, english):
    assert (kind_of(said), sentence(said, language="en")) == (kind, english)


@pytest.mark.parametrize(
    ("said", "chinese"),
    [
        (
            Said(**SEA, deeds=[LIGHTHOUSE, STORM, WHALE]),
            "因为您喜欢“Sea stories”中的《The Lighthouse Keeper》等 3 项，这类内容占您当前兴趣的 31%。",
        ),
        (Said(rule="boost", deeds=[BREAD]), "编辑力荐。因为您看过《Bread》。"),
        (Said(**SEA), "它属于“Sea stories”，这占您当前兴趣的 31%。"),
        (Said(rule="fallback:popular_7d"), "近 7 天的热门内容。"),
        (Said(), ""),
    ],
)
def test_each_reason_is_said_in_chinese(said, chinese):
    assert sentence(said, language="zh-Hans") == chinese


def test_the_verb_is_that_of_the_kind_of_event():
    said = {
        kind: sentence(Said(deeds=[Deed("X", kind)]), language="en")
        for kind in ("view", "click", "like", "purchase", "rating", "listen")
    }

    assert said == {
        "view": "Because you looked at “X”.",
        "click": "Because you clicked on “X”.",
        "like": "Because you liked “X”.",
        "purchase": "Because you bought “X”.",
        "rating": "Because you rated “X”.",
        "listen": "Because you used “X”.",
    }


def test_what_was_turned_down_is_not_said_to_be_gone_for():
    disliked, skipped = Deed("X", "dislike", is_negative=True), Deed("Y", "skip", is_negative=True)

    assert sentence(Said(deeds=[disliked, BREAD]), language="en") == (
        "Because you looked at “Bread”."
    )
    assert sentence(Said(deeds=[disliked]), language="en") == "Because you disliked “X”."
    assert sentence(Said(deeds=[disliked, skipped]), language="en") == (
        "Because you turned down “X” and 1 other."
    )


def test_an_interest_is_not_named_by_what_was_turned_down():
    disliked = Deed("X", "dislike", is_negative=True, is_of_interest=True)

    assert sentence(Said(**SEA, deeds=[disliked]), language="en") == (
        "Because you disliked “X”. It belongs to Sea stories, which makes up 31 % of what you want now."
    )


def test_several_events_with_one_item_are_one_thing():
    again = Deed("Bread", "view")

    assert sentence(Said(deeds=[BREAD, again]), language="en") == "Because you looked at “Bread”."


def test_events_that_stand_in_for_each_other_are_all_counted():
    said = Said(**SEA, deeds=[LIGHTHOUSE, STORM, WHALE], together=9)

    assert sentence(said, language="en").startswith(
        "Because you liked “The Lighthouse Keeper” and 8 others in Sea stories,"
    )
    assert sentence(said, language="zh-Hans").startswith(
        "因为您喜欢“Sea stories”中的《The Lighthouse Keeper》等 9 项，"
    )


def test_titles_may_hold_braces_and_are_cut():
    assert sentence(Said(deeds=[Deed("{0} {x}", "view")]), language="en") == (
        "Because you looked at “{0} {x}”."
    )
    long = sentence(Said(deeds=[Deed("a" * 500, "view")]), language="zh-Hans")
    assert long == f"因为您看过《{'a' * 79}…》。"
