"""Which rows the leaderboard has, and under which protocols they are measured."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from anirec.recommenders.blending import BlendConfig
from anirec.recommenders.newcomers import NewcomersConfig
from anirec.recommenders.reranking import RerankConfig
from anirec.wiring.models import MODELS, check

VERSION: Final = 1
"""Raised whenever what is measured changes, so that nothing older is kept."""

USERS: Final = 1500
SPLIT_SEED: Final = 0
"""The test users are those of `anirec evaluate` with this seed, whatever the seed of a training."""

PROTOCOLS: Final[Mapping[str, int | None]] = {
    "heldout-users": None,
    "few-shot-10": 10,
    "few-shot-3": 3,
    "few-shot-1": 1,
}
"""How many likes are given at most; None = 80 %. The targets are the same."""
NATURAL: Final = "heldout-users"

TAIL_FROM: Final = 3000
"""Titles that are not among so many most liked in train are the deep tail."""

STOPS: Final = (-0.75, 0.0, 0.75)
"""Where the slider is measured."""

BLEND: Final = "blend"
RANDOM: Final = "random"
BASELINE: Final = "ease"
"""The row that all others are compared with."""

CLOSED_FORM: Final = frozenset({"popularity", "recent", "ease", "item-knn", "slim", "sequels", "content", "crowd"})
"""Models of which nothing is left to chance: one training is all there is."""
TRAININGS: Final = 3


@dataclass(frozen=True)
class Row:
    """A line of the leaderboard.

    model: a key of `wiring.models.MODELS`, or `BLEND`, or `RANDOM`. settings: `name=value`, besides the model's own.
    trainings: how many, with the seeds 0, 1, ...
    """

    name: str
    model: str
    settings: tuple[str, ...] = ()
    trainings: int = TRAININGS


# masked-set: as it comes, 256 wide and 40 epochs, it is meant for a GPU; this is what one core does in half an hour.
SETTINGS: Final[Mapping[str, tuple[str, ...]]] = {"masked-set": ("hidden=64", "loop.epochs=10")}
# ease-plain: EASE as published; its l2 is the best of 80 to 1,200 on validation users (raw NDCG@10 .507 to .473).
PLAN: Final = (
    Row(RANDOM, RANDOM),
    *(Row(name, name, SETTINGS.get(name, ()), 1 if name in CLOSED_FORM else TRAININGS) for name in MODELS),
    Row("ease-plain", "ease", ("dropout=0",), trainings=1),
    Row(BLEND, BLEND),
)


def row_of(name: str) -> Row:
    """Return a row of the plan; KeyError if there is none."""
    return {row.name: row for row in PLAN}[name]


def config_of(row: Row) -> dict[str, Any]:
    """Return all settings of a row. Those of the blend are those of every model, as any may be part of it."""
    if row.model == RANDOM:
        return {}
    if row.model == BLEND:
        return {name: asdict(kind.config) for name, kind in MODELS.items()} | {
            BLEND: asdict(BlendConfig()),
            "newcomers": asdict(NewcomersConfig()),
            "reranker": asdict(RerankConfig()),
        }
    return asdict(check(row.model, row.settings))


def fingerprint(row: Row, seed: int, users: int, tables: Mapping[str, str]) -> str:
    """Return what two measurements share if the one makes the other needless. tables: SHA-256 by name."""
    facts = [VERSION, asdict(row), config_of(row), seed, users, dict(tables), PROTOCOLS, SPLIT_SEED, TAIL_FROM, STOPS]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
