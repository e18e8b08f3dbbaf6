"""A world in which every lens of `similar` sees something else, all of it planted."""

from __future__ import annotations

import numpy as np

from anirec.prepare.pairs import Pairs, pairs_of
from anirec.recommenders import content, crowd, ease
from anirec.recommenders.similar import Similar
from recommenders.described import features_of
from worlds import catalogue_of, two_tastes

N = 25
UNRATED = 25
UNNAMED = 24
CATALOGUE = catalogue_of(N, franchises=[[1, 2]])
"""1 and 2 are of one series; all others stand alone."""


def pairs_across() -> Pairs:
    """People name i and i + 10 together, which nobody likes both of; the unrated title beside 5 and, more, 12."""
    edges = [(i, i + 10, 3.0 + i % 3) for i in range(1, 11)] + [(5, UNRATED, 2.0), (12, UNRATED, 9.0)]
    first, second, votes = zip(*edges, strict=True)
    return pairs_of(np.array(first, np.int32), np.array(second, np.int32), np.array(votes, np.float32))


def three_lenses(weights: dict[str, float] | None = None) -> Similar:
    """Viewers like 1..10 or 11..20; labels go by the rest of the id divided by 5; pairs as above.

    Nobody has rated 25, nobody names 24 or 21..23 beside anything.
    """
    data, rng = two_tastes(users=400), np.random.default_rng(0)
    rated = data.where(data.anime_ids[data.items] != UNRATED)
    labels = [["ABCDE"[i % 5], "Common"] for i in range(1, N + 1)]
    return Similar(
        lenses={
            "viewers": ease.fit(rated, ease.EaseConfig(l2=5.0, min_likes=2), rng),
            "genres": content.fit(rated, content.ContentConfig(), rng, features=features_of(labels)),
            "crowd": crowd.fit(rated, crowd.CrowdConfig(steps=3), rng, pairs=pairs_across()),
        },
        models={"viewers": "ease", "genres": "similar-genres", "crowd": "similar-crowd"},
        weights=weights or {"viewers": 0.2, "genres": 0.3, "crowd": 0.5},
        items=rated.anime_ids,
        likes=rated.like_counts().astype(np.int32),
        franchise=CATALOGUE.franchise,
    )
