"""Are people shared out among the variants as they should be? If not, nothing else may be believed.

More people in one variant than its share means that some were lost or counted twice on the way, hardly ever at
random. The test is that of Lindon and Malek ("Anytime-valid inference for multinomial count data", 2022): it may be
looked at after every person.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import gammaln

# Below this nobody should believe the rest. Shares that are as they should be reach it once in a thousand
# experiments, however often anybody looks.
BROKEN = 0.001
# How firmly the alternative holds to the expected shares, in people: a few percent away is what happens.
FIRMNESS = 1_000.0
# Likewise of one list being preferred: some ten points away.
FIRMNESS_OF_SIGNS = 50.0


def p_value(counts: Sequence[int], shares: Sequence[float], *, firmness: float = FIRMNESS) -> float:
    """Return the always-valid p-value of counts of people under the shares they should have, 0 to 1.

    Args:
        counts: people of each variant.
        shares: what each should have; they sum to 1.
        firmness: how many people's worth the alternative holds to them.
    """
    total = sum(counts)
    log_ratio = gammaln(firmness) - gammaln(firmness + total)
    for count, share in zip(counts, shares, strict=True):
        own = firmness * share
        log_ratio += gammaln(own + count) - gammaln(own) - count * math.log(share)
    return math.exp(-max(float(log_ratio), 0.0))


def sign_p_value(wins: int, losses: int) -> float:
    """Return the always-valid p-value of people who prefer one of two lists being as many as the others."""
    return p_value((wins, losses), (0.5, 0.5), firmness=FIRMNESS_OF_SIGNS)
