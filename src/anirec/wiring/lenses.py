"""The further lenses of `similar`: what titles are about, what people name beside them, what is written of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from anirec.prepare.dataset import Dataset
from anirec.prepare.features import GROUPS
from anirec.prepare.pairs import Pairs
from anirec.recommenders import content, crowd
from anirec.service.lenses import Lens
from anirec.service.progress import Progress, silent
from anirec.service.training import Material, Storable
from anirec.wiring import texts
from anirec.wiring.models import features_of

GENRES: Final = content.ContentConfig(studio=0.6, kind=0.6)
"""For one title, who made it and whether it is a film or a series tell more than they do for a whole profile: NDCG@10
of what people name beside it .043, against .039 with the model's own weights."""
CROWD: Final = crowd.CrowdConfig(steps=3)
"""A walk of three steps finds what people name as well as one of 25 (NDCG@10 .096 against .093), in a fraction of the
time."""
TELLING: Final = ("label", "tag", "studio")
"""A title of which none of these is known is about nothing in particular: the lens does not know it."""
WRITTEN: Final = ("reviews", "synopsis")
"""The lenses that are made of texts."""
WEIGHTS: Final = {"genres": 0.32, "crowd": 0.54, "reviews": 0.05, "synopsis": 0.05}
"""For data of one's own without enough pairs: of genres and crowd what was chosen on the real data, of texts a little,
as they may be the only ones to know a title."""


def lenses(
    material: Material,
    *,
    encoder: Path | None = None,
    work: Path | None = None,
    quick: bool = False,
    progress: Progress = silent,
) -> Mapping[str, Lens]:
    """Return the lenses by name.

    encoder: the folder of that of synopses, None = there is none. work: see `texts.synopses`. quick: without what takes
    minutes: reviews, synopses. Lenses of texts see no pair, so they are fitted once, however often they are asked for.
    """
    found = {"genres": Lens(partial(_genres, material), WEIGHTS["genres"]), "crowd": Lens(_crowd, WEIGHTS["crowd"])}
    if not quick:
        reviews = cache(partial(texts.reviews, material))
        synopses = cache(partial(texts.synopses, material, encoder, progress, work))
        found["reviews"] = Lens(partial(_by_seed, reviews), WEIGHTS["reviews"])
        found["synopsis"] = Lens(lambda _dataset, _pairs, _rng: synopses(), WEIGHTS["synopsis"])
    return found


def config(*, encoder: Path | None = None, quick: bool = False) -> dict[str, dict[str, Any]]:
    """Return the settings of the lenses, for manifests; arguments as in `lenses`."""
    found = {"similar-genres": asdict(GENRES), "similar-crowd": asdict(CROWD)}
    return found if quick else found | texts.config(encoder)


def _genres(material: Material, dataset: Dataset, _pairs: Pairs, rng: np.random.Generator) -> Storable | None:
    features = features_of(material)
    telling = np.flatnonzero(np.isin(features.groups, [GROUPS.index(group) for group in TELLING]))
    told = np.asarray(features.matrix[:, telling].sum(axis=1)).ravel() > 0
    return content.fit(dataset, GENRES, rng, features=features.of(told)) if told.any() else None


def _crowd(dataset: Dataset, pairs: Pairs, rng: np.random.Generator) -> Storable | None:
    return crowd.fit(dataset, CROWD, rng, pairs=pairs) if len(pairs.known_to(dataset.anime_ids)) else None


def _by_seed(
    fit: Callable[[int], Storable | None], _dataset: Dataset, _pairs: Pairs, rng: np.random.Generator
) -> Storable | None:
    return fit(int(rng.integers(2**31)))
