from __future__ import annotations

from interests.models import TrainingRun
from recommender.services.network_options import options_of

TRAINED = TrainingRun(
    results={
        "settings": {"width": 16, "seed": 7, "trend": 4.0, "max_seconds": 100.0},
        "members": [{}, {}],
    }
)


def test_the_network_is_trained_as_it_was_but_with_a_seed_and_trend_of_its_own():
    found = options_of(
        "interest_network", training=TRAINED, max_seconds=60.0, changes={"dropout": 0.1}
    )

    assert found == {
        "changes": {"width": 16, "max_seconds": 60.0, "num_members": 2, "dropout": 0.1}
    }


def test_a_member_of_a_fusion_is_trained_likewise_and_others_have_no_options():
    alone = options_of("interest_network", training=None, max_seconds=60.0, changes={})

    mixed = options_of("fusion", training=None, max_seconds=60.0, changes={})

    assert alone == {"changes": {"max_seconds": 60.0}}
    assert mixed == {"options": {"interest_network": alone}}
    assert options_of("ease", training=TRAINED, max_seconds=60.0, changes={}) == {}
