"""Every protocol on one planted world, where chance, a constant and popularity have figures that can be worked out.

Twenty titles are hits: everybody likes and plans some of them, drawn at random; of the other 380, everybody has a few.
So popularity orders the hits at random, all in front of the rest, and knows nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.columns import Status
from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender
from anirec.evaluate import protocols
from anirec.evaluate.exam import Exam
from anirec.evaluate.intervals import Interval
from anirec.evaluate.lists import DEPTH
from anirec.evaluate.protocols import Asked, sampled
from anirec.evaluate.report import POPULARITY, RANDOM, Report
from anirec.evaluate.run import run
from anirec.prepare.dataset import Dataset, from_rows
from anirec.prepare.pairs import Pairs, pairs_of
from evaluate.planted import ByProfile, Fixed, silent
from worlds import catalogue_of, dataset_of

N, HITS, USERS = 400, 20, 400


def named_together() -> Pairs:
    """Every title is named beside four hits and six others, drawn at random."""
    rng = np.random.default_rng(6)
    edges = set()
    for title in range(1, N + 1):
        beside = [*(rng.permutation(HITS)[:4] + 1).tolist(), *(rng.permutation(N - HITS)[:6] + HITS + 1).tolist()]
        edges |= {(min(title, one), max(title, one)) for one in beside if one != title}
    first, second = np.array(sorted(edges), dtype=np.int32).T
    return pairs_of(first, second, rng.integers(1, 9, len(edges)).astype(np.float32))


ASKED = Asked(users=200, max_share=0.6, pairs=named_together())
CATALOGUE = catalogue_of(N)
NAMES = tuple(protocols.listed())
FULL = tuple(name for name in NAMES if name != "new-titles")
"""Protocols in which all that is asked for can have been learned of."""

TOLD_APART = tuple(name for name in NAMES if name not in ("few-shot-1", "few-shot-3"))
"""Protocols in which no two people are given the same, so that an oracle can know whom it answers."""


@cache
def planted() -> Dataset:
    rng = np.random.default_rng(5)
    users, anime, scores, statuses, times = [], [], [], [], []
    for user in range(USERS):
        hits = rng.permutation(HITS)[:12] + 1
        rest = rng.permutation(np.arange(HITS + 1, N + 1))[:14]
        own = np.concatenate([hits[:10], rest[:10], hits[10:], rest[10:12], rest[12:]])
        users += [user] * len(own)
        anime += own.tolist()
        scores += [9] * 20 + [0] * 4 + [2] * 2  # liked, planned, disliked
        statuses += [Status.COMPLETED] * 20 + [Status.PLANNED] * 4 + [Status.COMPLETED] * 2
        times += rng.permutation(10_000)[: len(own)].tolist()
    return from_rows(
        users=np.array(users, dtype=np.int64),
        anime=np.array(anime, dtype=np.int32),
        scores=np.array(scores, dtype=np.int8),
        statuses=np.array(statuses, dtype=np.int8),
        updated_at=np.array(times, dtype=np.int64),
        members=dict.fromkeys(range(1, N + 1), 0),
    )


@cache
def exam_of(name: str) -> Exam:
    return protocols.protocol(name)(planted(), ASKED)


@dataclass(frozen=True)
class Constant:
    """The same score for all; whatever stands first is an accident of ids, which are shuffled for the purpose."""

    items: NDArray[np.int32]

    def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
        return np.full((len(profiles), len(self.items)), 0.5, dtype=np.float32)


ALL = Constant(np.arange(1, N + 1, dtype=np.int32))


def report_of(exam: Exam, **models: Recommender) -> Report:
    return run(models, exam, CATALOGUE, rng=np.random.default_rng(0), progress=silent)


@cache
def floors(name: str) -> Report:
    return report_of(exam_of(name), constant=ALL)


def agrees(found: Interval, expected: float) -> None:
    """The interval holds 95 %; with some fifty looks, three and a half standard errors are taken, and a grain."""
    half = 3.5 / 1.96 * (found.high - found.low) / 2 + 1e-3
    assert found.mean == pytest.approx(expected, abs=half)
    assert half < 0.15


def out_of_question(exam: Exam, i: int) -> NDArray[np.int32]:
    given = exam.cases[i].given.anime_ids
    return given if exam.barred is None else np.append(given, exam.barred[i])


@pytest.mark.parametrize("name", NAMES)
def test_chance_finds_targets_as_often_as_it_has_places_for_them(name: str) -> None:
    exam = exam_of(name)
    row = floors(name).row(RANDOM)
    assert row.candidates is not None
    left = [row.candidates - len(out_of_question(exam, i)) for i in range(len(exam.cases))]
    agrees(row.metrics["recall@100"], float(np.mean([DEPTH / n for n in left])))
    agrees(row.metrics["recall@10"], float(np.mean([10 / n for n in left])))
    agrees(
        row.metrics["precision@10"], float(np.mean([len(c.targets) / n for c, n in zip(exam.cases, left, strict=True)]))
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_constant_stands_where_ids_put_it(name: str) -> None:
    """It recommends the first ten ids that are not given: here hits, so what it finds can be counted."""
    exam = exam_of(name)
    shown = [np.setdiff1d(ALL.items, out_of_question(exam, i))[:10] for i in range(len(exam.cases))]
    expected = np.mean([np.isin(c.targets, s).mean() for c, s in zip(exam.cases, shown, strict=True)])
    assert floors(name).row("constant").metrics["recall@10"].mean == pytest.approx(expected)


@pytest.mark.parametrize("name", FULL)
def test_popularity_finds_a_hit_as_often_as_the_first_ten_have_room_for_those_left(name: str) -> None:
    expected = []
    exam = exam_of(name)
    for i, case in enumerate(exam.cases):
        hits = (case.targets <= HITS).sum()
        left = HITS - (out_of_question(exam, i) <= HITS).sum()
        expected.append(hits * min(1, 10 / left) / len(case.targets))
    agrees(floors(name).row(POPULARITY).metrics["recall@10"], float(np.mean(expected)))


def test_popularity_knows_nothing_of_titles_that_nobody_has_rated() -> None:
    report = floors("new-titles")
    likes = exam_of("new-titles").train.like_counts()
    hidden = exam_of("new-titles").among["new"]
    assert not likes[np.isin(exam_of("new-titles").train.anime_ids, hidden)].any()
    assert report.row(POPULARITY).metrics["recall@10"].mean == 0
    # Among the hidden ones alone all are equally unpopular, so it is a constant, and chance has better odds.
    chance = report.row(RANDOM, "new").metrics["recall@10"]
    agrees(chance, 10 / len(hidden))


@pytest.mark.parametrize("name", TOLD_APART)
def test_an_oracle_finds_all_that_has_room(name: str) -> None:
    exam = exam_of(name)
    row = report_of(exam, oracle=ByProfile.oracle(exam.cases, N, exam.gains)).row("oracle")
    assert row.metrics["ndcg@10"].mean == pytest.approx(1)
    assert row.metrics["map"].mean == pytest.approx(1)


@pytest.mark.parametrize("name", TOLD_APART)
def test_with_shuffled_targets_even_an_oracle_falls_to_the_floor(name: str) -> None:
    exam = exam_of(name)
    order = np.roll(np.arange(len(exam.cases)), 1)
    swapped = tuple(
        replace(case, targets=np.setdiff1d(exam.cases[i].targets, case.given.anime_ids).astype(np.int32))
        for case, i in zip(exam.cases, order.tolist(), strict=True)
    )
    kept = tuple(case for case in swapped if len(case.targets))
    negatives = None if exam.negatives is None else exam.negatives[: len(kept)]
    wanted = np.concatenate([case.targets for case in kept])
    best = Fixed(ALL.items, np.bincount(wanted, minlength=N + 1)[1:].astype(np.float32))  # the floor of all floors
    models: dict[str, Recommender] = {"oracle": ByProfile.oracle(exam.cases, N), "best for all": best}
    fallen = report_of(replace(exam, cases=kept, negatives=negatives, gains=None, barred=None), **models)
    figure = "new" if "new" in fallen.cases else "raw"
    oracle, floor = (fallen.row(name, figure).metrics["ndcg@10"].mean for name in models)
    assert oracle <= floor + 0.03


@pytest.mark.parametrize("name", [name for name in NAMES if name != "item-similarity"])
def test_no_target_is_given_or_learned_of_its_user(name: str) -> None:
    exam = exam_of(name)
    train = exam.train
    assert exam.cases
    for case in exam.cases[:100]:
        user = int(np.searchsorted(train.user_ids, case.user_id))
        learned = train.anime_ids[train.items[train.indptr[user] : train.indptr[user + 1]]]
        assert not np.isin(case.targets, learned).any()
        assert not np.isin(case.targets, case.given.anime_ids).any()
        assert len(case.targets) == len(np.unique(case.targets)) > 0


def test_what_people_named_together_is_learned_from_or_asked_for_and_never_both() -> None:
    exam = exam_of("item-similarity")
    assert exam.pairs is not None
    assert exam.barred is not None
    learned = set(zip(exam.pairs.first.tolist(), exam.pairs.second.tolist(), strict=True))
    asked = {tuple(sorted((c.user_id, target))) for c in exam.cases for target in c.targets.tolist()}
    every = set(zip(ASKED.pairs.first.tolist(), ASKED.pairs.second.tolist(), strict=True))
    assert asked
    assert asked <= every - learned
    assert all(case.given.anime_ids.tolist() == [case.user_id] for case in exam.cases)
    for case, barred in zip(exam.cases, exam.barred, strict=True):
        assert all(tuple(sorted((case.user_id, one))) in learned for one in barred.tolist())
        assert not np.isin(case.targets, barred).any()


def test_more_votes_are_worth_more() -> None:
    exam = exam_of("item-similarity")
    assert exam.gains is not None
    best_last = tuple(gains.max() + 1 - gains for gains in exam.gains)
    upside_down = report_of(exam, model=ByProfile.oracle(exam.cases, N, best_last)).row("model")
    assert upside_down.metrics["recall@100"].mean == 1
    assert upside_down.metrics["ndcg@10"].mean < 0.95


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_asks_the_same_and_another_asks_others(name: str) -> None:
    make = protocols.protocol(name)
    again = make(planted(), ASKED)
    other = make(planted(), replace(ASKED, seed=1))

    def asked(exam: Exam) -> list[tuple[int, list[int]]]:
        return [(case.user_id, case.targets.tolist()) for case in exam.cases]

    assert asked(again) == asked(exam_of(name))
    assert asked(other) != asked(exam_of(name))
    assert (exam_of(name).protocol, exam_of(name).version) == (name, 1)


@pytest.mark.parametrize("name", sampled.NAMES)
def test_among_sampled_titles_a_constant_stands_in_the_middle_and_chance_too(name: str) -> None:
    rows = {row.model: row for row in floors(name).sampled}
    assert rows["constant"].candidates == 101
    assert rows["constant"].metrics["recall@50"].mean == 0  # rank 51 for everybody
    assert rows["constant"].metrics["recall@100"].mean == 1
    for k in (1, 10, 50):
        agrees(rows[RANDOM].metrics[f"recall@{k}"], k / 101)


def test_among_titles_drawn_evenly_popularity_looks_nearly_perfect_and_the_full_ranking_says_what_it_is() -> None:
    hits = np.mean([case.targets[0] <= HITS for case in exam_of("sampled-100-uniform").cases])
    row = {row.model: row for row in floors("sampled-100-uniform").sampled}[POPULARITY]
    # A hit is beaten by the hits among the hundred only, of which there are some five at most: ten less those given.
    assert row.metrics["recall@10"].mean > hits - 0.02
    full = floors("sampled-100-uniform").row(POPULARITY).metrics["recall@10"].mean
    assert row.metrics["recall@10"].mean >= full
    popular = {row.model: row for row in floors("sampled-100-popular").sampled}[POPULARITY]
    assert popular.metrics["recall@10"].mean <= row.metrics["recall@10"].mean


@pytest.mark.parametrize("name", sampled.NAMES)
def test_what_a_target_is_ranked_among_is_different_and_liked_by_its_user_never(name: str) -> None:
    exam = exam_of(name)
    assert exam.negatives is not None
    data = sampled.filtered(planted())
    for case, among in zip(exam.cases, exam.negatives, strict=True):
        own = data.profile(int(np.searchsorted(data.user_ids, case.user_id)))
        assert len(np.unique(among)) == 100
        assert not np.isin(among, own.liked_ids).any()


def test_sampled_protocols_filter_titles_then_users_once() -> None:
    common = {user: dict.fromkeys(range(1, 12), 8) for user in range(12)}
    rare = {user: dict.fromkeys([*range(1, 10), 100 + user, 200 + user], 8) for user in range(20, 23)}
    low = {30: dict.fromkeys(range(1, 20), 6)}
    kept = sampled.filtered(dataset_of(common | rare | low))
    assert {int(kept.user_ids[u]) for u in np.unique(kept.users)} == set(range(12))  # the others have nine titles left
    assert (kept.like_counts() > 0).sum() == 11


def test_the_last_two_likes_are_given_to_nobody() -> None:
    exam, data = exam_of("sampled-100-uniform"), sampled.filtered(planted())
    for case in exam.cases[:50]:
        user = int(np.searchsorted(data.user_ids, case.user_id))
        rows = slice(int(data.indptr[user]), int(data.indptr[user + 1]))
        by_time = data.anime_ids[data.items[rows][np.argsort(data.updated_at[rows])]]
        assert case.targets.tolist() == [by_time[-1]]
        assert set(case.given.anime_ids.tolist()) == set(by_time[:-2].tolist())


def test_plans_are_found_from_likes_alone() -> None:
    for case in exam_of("plan-to-watch").cases:
        assert case.given.liked.all()
        assert len(case.targets) == 4


def test_under_the_temporal_protocol_all_that_is_learned_is_older_than_all_that_is_asked() -> None:
    exam = exam_of("temporal")
    assert exam.train.updated_at.max() < 10_000 * 0.95
    data = planted()
    oldest = []
    for case in exam.cases:
        user = int(np.searchsorted(data.user_ids, case.user_id))
        rows = slice(int(data.indptr[user]), int(data.indptr[user + 1]))
        oldest.append(data.updated_at[rows][np.isin(data.anime_ids[data.items[rows]], case.targets)].min())
    assert min(oldest) > exam.train.updated_at.max()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("few-shot-0", "there is no protocol"),
        ("few-shot-x", "there is no protocol"),
        ("sampled", "few-shot-10"),
        ("", "heldout-users"),
    ],
)
def test_an_unknown_protocol_is_refused_with_those_that_there_are(name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        protocols.protocol(name)


def bare() -> Dataset:
    return dataset_of({user: dict.fromkeys(range(1, 8), 9) for user in range(30)}, n=10)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("temporal", "needs `updated_at`"),
        ("plan-to-watch", "needs entries with a status"),
        ("item-similarity", "needs a table of recommendations"),
    ],
)
def test_data_that_lack_what_a_protocol_needs_are_refused(name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        protocols.protocol(name)(bare(), Asked(users=10))


def test_too_few_titles_to_draw_from_are_refused() -> None:
    likes = {user: dict.fromkeys(range(1, 60), 9) for user in range(30)}
    with pytest.raises(InputError, match="all but 0 of the titles"):
        protocols.protocol("sampled-100-uniform")(dataset_of(likes), Asked(users=10))


def test_any_number_of_likes_can_be_asked_for() -> None:
    exam = protocols.protocol("few-shot-7")(planted(), Asked(users=50))
    assert exam.protocol == "few-shot-7"
    assert {len(case.given) for case in exam.cases} == {7}


def with_sequels() -> tuple[Dataset, Callable[[Exam], Report]]:
    """Everybody likes both seasons of some shows; whoever has one is sure to like the other."""
    rng = np.random.default_rng(0)
    likes = {user: {int(2 * show + s): 9 for show in rng.permutation(100)[:8] for s in (1, 2)} for user in range(200)}
    catalogue = catalogue_of(200, franchises=[[2 * show + 1, 2 * show + 2] for show in range(100)])

    @dataclass(frozen=True)
    class Sequel:
        """Recommends the other season of what is given, and nothing else."""

        items: NDArray[np.int32]

        def score(self, profiles: Sequence[Profile]) -> NDArray[np.float32]:
            other = [np.where(p.anime_ids % 2, p.anime_ids + 1, p.anime_ids - 1) for p in profiles]
            return np.array([np.isin(self.items, ids) for ids in other], dtype=np.float32)

    model = Sequel(np.arange(1, 201, dtype=np.int32))
    return dataset_of(likes, n=200), lambda exam: run(
        {"sequels": model}, exam, catalogue, rng=np.random.default_rng(0), progress=silent
    )


@pytest.mark.parametrize("name", ["heldout-users", "few-shot-3", "leave-one-out"])
def test_a_franchise_on_both_sides_is_caught_by_the_filter(name: str) -> None:
    data, report_of_sequels = with_sequels()
    report = report_of_sequels(protocols.protocol(name)(data, Asked(users=80)))
    raw = report.row("sequels", "raw").metrics["ndcg@10"].mean
    assert raw > 0.2
    for figure in ("unrelated", "franchises"):
        if report.cases[figure]:
            by_chance, found = (report.row(name, figure).metrics["ndcg@10"] for name in (RANDOM, "sequels"))
            assert found.mean < by_chance.high + 0.05
