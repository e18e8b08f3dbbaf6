"""Measure what is said beside recommendations, lists for groups, and titles while they are typed.

    python benchmarks/uses.py --data CANONICAL                    trains a bundle without the test users first (long)
    python benchmarks/uses.py --data CANONICAL --bundle BUNDLE    with one that was trained so, see `train`
    python benchmarks/uses.py                                     what is typed alone, in the starter bundle

All figures about people are of the test users of `anirec evaluate` (protocol heldout-users, seed 0), of whom neither
the bundle's parts nor its weights nor what it expects have seen anything.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import found_in, rows_of
from anirec.core.profile import LIKED_FROM, Profile
from anirec.core.ranking import NO_FILTERS, FranchiseMode, Query
from anirec.evaluate.exam import Exam
from anirec.evaluate.metrics import ndcg
from anirec.prepare.splits import Hidden, hide_scores
from anirec.recommenders.blend import Blend
from anirec.recommenders.expectations import Offsets
from anirec.service.explaining import Explaining
from anirec.service.groups import POOL, STRATEGIES, own_lists, worths
from anirec.service.progress import silent
from anirec.service.recommend import Service
from anirec.service.training import Material, exam_of, read_material
from anirec.service.training import train as train_bundle
from anirec.service.typeahead import Typeahead
from anirec.titles import title_key
from anirec.wiring.serve import load
from anirec.wiring.train import recipe
from filing import file_section, source, surroundings

USERS: Final = 1500
SHARE: Final = 0.2
FRONT: Final = 200
BINS: Final = 5
GROUPS: Final = 150
PEOPLE: Final = 4
AT: Final = 10
FEW: Final = 30
"""Likes at most that a member of a group gives."""
TIMED: Final = 200
KEYS: Final = 1500


def main() -> None:
    """Measure and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--users", type=int, default=600, help="test users whose scores are hidden")
    parser.add_argument("--no-times", action="store_true", help="figures of people only")
    asked = parser.parse_args()
    found = people(asked) if asked.data else {"typeahead": typeahead(load(asked.bundle))}
    at = source()
    print(
        file_section(
            at["commit"], "uses", found | {"changed_since_commit": at["changed_since_commit"]} | surroundings()
        )
    )


def people(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the figures about people, and the times."""
    material = read_material(asked.data, silent)
    exam = exam_of(material, "heldout-users", USERS, 0)
    with tempfile.TemporaryDirectory() as work:
        bundle = asked.bundle or train(material, exam, Path(work) / "bundle")
        service = load(bundle)
        found: dict[str, Any] = {
            "expected": expected(service, material, exam, asked.users),
            "groups": groups(service, exam),
        }
        if asked.no_times:  # they say nothing on a machine that has other work
            return found | {"times": "not measured"}
        return found | {"explaining": explaining(service, exam), "typeahead": typeahead(service)}


def train(material: Material, exam: Exam, out: Path) -> Path:
    """Train a bundle as `anirec train` does, on all but the test users."""
    rest = replace(material, dataset=exam.train)
    train_bundle(rest, out, recipe(rest), _say)
    return out


def expected(service: Service, material: Material, exam: Exam, users: int) -> dict[str, Any]:
    """Hide a fifth of the test users' scores, and see what match and predicted score said of them."""
    model = service.model("blend")
    if not isinstance(model, Blend) or model.expects is None:
        return {"none": "this bundle has not learned what to expect"}
    rng = np.random.default_rng(0)
    ids = rng.choice([case.user_id for case in exam.cases], min(users, len(exam.cases)), replace=False)
    cases = hide_scores(material.dataset, ids.tolist(), SHARE, rng)
    offsets = model.expects.offsets
    whole = [_looked_at(service, model, case, offsets) for case in cases]
    few = [_looked_at(service, model, one, offsets) for case in cases if (one := case.few(FEW, rng))]
    return {
        "users": len(cases),
        "front": FRONT,
        "match_of_lists": _calibration(whole),
        "match_of_few_favourites": _calibration(few),
        "scores": _errors(whole),
    }


def _looked_at(service: Service, model: Blend, case: Hidden, offsets: Offsets) -> NDArray[np.float64]:
    """Return float64 [n, 5]: score, match, predicted score (nan = none), that by person and title, by title alone."""
    chances = model.score([case.given])[0]
    chances[rows_of(model.items, case.given.anime_ids)] = -1
    rows, known = found_in(model.items, case.hidden.anime_ids)
    shown = chances[rows] >= np.partition(chances, -FRONT)[-FRONT]
    ids, scores = case.hidden.anime_ids[known][shown], case.hidden.scores[known][shown]
    matches, predicted = Explaining(service.catalogue, service.facts, service.explainer).expected(
        model, case.given, ids
    )
    if matches is None or not len(ids):
        return np.empty((0, 5))
    own, _ = offsets.of_user(case.given, model.expects.doubts) if model.expects else (0.0, None)
    title = offsets.mean + offsets.at(ids)
    told = np.full(len(ids), np.nan) if predicted is None else predicted
    return np.stack([scores, matches, told, np.clip(title + own, 1, 10), np.clip(title, 1, 10)], axis=1)


def _calibration(looks: Sequence[NDArray[np.float64]]) -> dict[str, Any]:
    """Return by fifths of match: how many were liked; calibration error; Brier scores; users count alike."""
    rows = np.concatenate(looks)
    worth = np.concatenate([np.full(len(one), 1 / max(len(one), 1)) for one in looks])
    liked, match = rows[:, 0] >= LIKED_FROM, rows[:, 1]
    edges = np.quantile(match, np.linspace(0, 1, BINS + 1))
    place = np.clip(np.searchsorted(edges, match, side="right") - 1, 0, BINS - 1)
    bins = []
    for at in range(BINS):
        here = place == at
        bins.append(
            {
                "match": round(100 * float(np.average(match[here], weights=worth[here])), 1),
                "liked": round(100 * float(np.average(liked[here], weights=worth[here])), 1),
                "titles": int(here.sum()),
                "share": round(float(worth[here].sum() / worth.sum()), 3),
            }
        )
    of_all = float(np.average(liked, weights=worth))
    return {
        "bins": bins,
        "calibration_error": round(sum(one["share"] * abs(one["match"] - one["liked"]) for one in bins), 2),
        "brier": round(float(np.average((match - liked) ** 2, weights=worth)), 4),
        "brier_of_the_share_of_all": round(float(np.average((of_all - liked) ** 2, weights=worth)), 4),
    }


def _errors(looks: Sequence[NDArray[np.float64]]) -> dict[str, Any]:
    """Return the errors of each way to predict, means over titles, and over users of each one's own."""
    ways = {"predicted": 2, "person_and_title": 3, "title": 4}
    told = [one[~np.isnan(one[:, 2])] for one in looks]
    told = [one for one in told if len(one)]
    rows = np.concatenate(told)
    found: dict[str, Any] = {"titles": len(rows), "users": len(told)}
    for way, column in ways.items():
        off = rows[:, column] - rows[:, 0]
        each = [float(np.abs(one[:, column] - one[:, 0]).mean()) for one in told]
        found[way] = {
            "mae": round(float(np.abs(off).mean()), 3),
            "rmse": round(float(np.sqrt((off**2).mean())), 3),
            "mae_by_user": round(float(np.mean(each)), 3),
        }
    return found


def groups(service: Service, exam: Exam) -> dict[str, Any]:
    """Put test users together at random, and see what of each one's hidden likes a common list of 10 finds."""
    rng = np.random.default_rng(1)
    cases = rng.permutation(np.array(exam.cases, dtype=object))[: GROUPS * PEOPLE].reshape(-1, PEOPLE)
    found: dict[str, list[tuple[float, float, float]]] = {}
    query = Query(POOL, NO_FILTERS, FranchiseMode.UNRELATED)
    for people in cases:
        given = [_few(case.given, rng) for case in people]
        seen = np.unique(np.concatenate([profile.anime_ids for profile in given]))
        targets = [np.setdiff1d(case.targets, seen) for case in people]
        lists = own_lists(service, given, query, None)
        rows = np.unique(np.concatenate(lists))
        worth = worths(lists, rows)
        common = {name.value: rows[rule(worth, AT)[0]] for name, rule in STRATEGIES.items()}
        merged = Profile.of_likes(seen.tolist())
        common["one merged profile"] = service.catalogue.rows_of(service.rank(merged, replace(query, k=AT)).anime_ids)
        common["popularity"] = service.catalogue.rows_of(
            service.rank(merged, replace(query, k=AT), model="popularity").anime_ids
        )
        common["the first member's own list"] = lists[0][:AT]
        for name, of_group in common.items():
            found.setdefault(name, []).append(_served(service.catalogue.anime_ids[of_group], targets))
    return {
        "groups": len(cases),
        "members": PEOPLE,
        "likes_given_at_most": FEW,
        "list": AT,
        "rules": {name: dict(zip(MEASURES, _means(values), strict=True)) for name, values in found.items()},
    }


MEASURES: Final = ("mean_ndcg", "min_ndcg", "share_of_members_with_a_hit")


def _few(profile: Profile, rng: np.random.Generator) -> Profile:
    liked = np.flatnonzero(profile.liked)
    return profile.where(np.isin(np.arange(len(profile)), rng.permutation(liked)[:FEW]))


def _served(found: NDArray[np.int32], targets: Sequence[NDArray[np.int32]]) -> tuple[float, float, float]:
    wanted = [of_member for of_member in targets if len(of_member)]
    if not wanted:
        return (np.nan, np.nan, np.nan)
    hits = np.zeros((len(wanted), AT), dtype=np.bool_)
    hits[:, : len(found)] = np.stack([np.isin(found, of_member) for of_member in wanted])
    values = ndcg(hits, np.array([len(of_member) for of_member in wanted]), AT)
    return float(values.mean()), float(values.min()), float(hits.any(axis=1).mean())


def _means(values: Sequence[tuple[float, ...]]) -> list[float]:
    return [round(float(value), 4) for value in np.nanmean(np.array(values), axis=0)]


def explaining(service: Service, exam: Exam) -> dict[str, Any]:
    """Time what explaining adds for 20 titles, by the length of the profile; facts in memory, as a server has them."""
    told = Explaining(service.catalogue, service.facts, service.explainer)
    model, found = service.model(), {}
    for size in (5, 40, 120, 500):
        longest = sorted(exam.cases, key=lambda case: abs(len(case.given) - size))[:20]
        asked = [(case.given, service.rank(case.given, Query(20)).anime_ids) for case in longest]
        parts: dict[str, Callable[[Profile, NDArray[np.int32]], object]] = {
            "reasons_ms": lambda profile, ids: told.because(model, profile, ids),
            "match_and_score_ms": lambda profile, ids: told.expected(model, profile, ids),
            "list_ms": lambda profile, _: service.rank(profile, Query(20)),
        }
        found[f"{size} titles"] = {
            name: _median_ms([partial(call, profile, ids) for profile, ids in asked]) for name, call in parts.items()
        }
    return found


def typeahead(service: Service) -> dict[str, Any]:
    """Time what is typed: beginnings of titles drawn at random, four in ten with a sign left out."""
    started = time.perf_counter()
    index = Typeahead.of(service.titles)
    built = time.perf_counter() - started
    rng = np.random.default_rng(0)
    texts, _ = service.titles.texts()
    typed = []
    for title in rng.choice(len(texts), KEYS):
        key = title_key(texts[int(title)])[:24]
        key = key[: int(rng.integers(1, len(key) + 1))]
        out = int(rng.integers(len(key)))
        typed.append(key[:out] + key[out + 1 :] if rng.random() < 0.4 and len(key) > 3 else key)
    times = []
    for text in typed:
        begun = time.perf_counter()
        index.complete(text)
        times.append(1000 * (time.perf_counter() - begun))
    p50, p95, p99 = (round(float(p), 2) for p in np.percentile(times, [50, 95, 99]))
    arrays = ("signs", "heads", "places", "titles", "letters", "begins", "rows", "fame", "ends", "shown")
    size = sum(getattr(index, name).nbytes for name in arrays) + len(index.written)
    return {
        "titles": len(texts),
        "build_ms": round(1000 * built),
        "megabytes": round(size / 1e6, 1),
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
    }


def _median_ms(calls: Sequence[Callable[[], object]]) -> float:
    times = []
    for call in calls:
        least = np.inf
        for _ in range(3):
            started = time.perf_counter()
            call()
            least = min(least, time.perf_counter() - started)
        times.append(1000 * least)
    return round(float(np.median(times)), 2)


def _say(stage: str, done: int, total: int) -> None:
    if done in (0, total):
        print(stage, done, total, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
