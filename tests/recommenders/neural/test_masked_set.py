"""The masked-set transformer in worlds with a known right answer, and each part against its definition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed")

from anirec.core.columns import Status  # noqa: E402
from anirec.core.profile import Entry, Profile  # noqa: E402
from anirec.prepare.dataset import Dataset, from_rows  # noqa: E402
from anirec.recommenders.neural.loop import LoopConfig, Run  # noqa: E402
from anirec.recommenders.neural.masked_set import Batch, fit, gbce_loss, genres_of, softmax_loss  # noqa: E402
from anirec.recommenders.neural.masked_set_net import MaskedSetNet  # noqa: E402
from anirec.recommenders.neural.masked_set_samples import (  # noqa: E402
    Lists,
    MaskedSetConfig,
    batches,
    draw,
    lists_of,
    padded,
)
from anirec.recommenders.neural.masked_set_serving import Entries, MaskedSet, windows_of  # noqa: E402
from worlds import catalogue_of, dataset_of, two_tastes  # noqa: E402

LOOP = LoopConfig(epochs=20, patience=20, lr=0.01, warm_up=5)
CONFIG = MaskedSetConfig(hidden=16, heads=2, batch=32, min_likes=2, loop=LOOP)
CATALOGUE = catalogue_of(25, genres={i: ["Action" if i % 2 else "Drama"] for i in range(1, 26)})


def fitted(data: Dataset, config: MaskedSetConfig = CONFIG, run: Run | None = None) -> MaskedSet:
    return fit(data, config, np.random.default_rng(0), catalogue=CATALOGUE, run=run or Run())


def by_id(model: MaskedSet, profile: Profile) -> dict[int, float]:
    return dict(zip(model.items.tolist(), model.score([profile])[0].tolist(), strict=True))


def random_net(n: int = 40, hidden: int = 32, blocks: int = 2) -> MaskedSetNet:
    """A net whose weights are large enough that every one of them matters."""
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    net = MaskedSetNet(
        rng.random((n, 6)) < 0.4, rng.integers(1, 50, n), hidden=hidden, blocks=blocks, heads=4, dropout=0.3
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return net.eval()


def random_entries(m: int, n: int = 40) -> Entries:
    rng = np.random.default_rng(m)
    return Entries(np.sort(rng.choice(n, m, replace=False)), rng.integers(0, 11, m), rng.integers(0, 5, m))


def states_of(net: MaskedSetNet, parts: list[Entries]) -> Any:
    p = padded(parts)
    with torch.no_grad():
        return net(*map(torch.from_numpy, (p.items, p.scores, p.statuses, p.real))).numpy()


# What is learned


def best(model: MaskedSet, profile: Profile, n: int) -> list[int]:
    """The n ids of 1..20 with the highest scores that are not on the profile, best first."""
    scores = by_id(model, profile)
    left = [i for i in scores if i <= 20 and i not in profile.anime_ids]
    return sorted(left, key=lambda i: -scores[i])[:n]


@pytest.mark.parametrize("negatives", [0, 8])
def test_those_who_like_one_taste_are_recommended_the_rest_of_it(negatives: int) -> None:
    model = fitted(two_tastes(users=200), MaskedSetConfig(**{**vars(CONFIG), "negatives": negatives}))
    for likes, taste in (([1, 2, 3], range(1, 11)), ([12, 15], range(11, 21))):
        for profile in (Profile.of_likes(likes), Profile.of_likes(dict.fromkeys(likes, 9.0))):
            assert set(best(model, profile, 5)) < set(taste)


def chains(users: int = 300) -> Dataset:
    """Five franchises of four seasons: 1-4, 5-8 ...; people see two to four in order, and one of 21-25 besides."""
    rng = np.random.default_rng(5)
    scores: dict[int, dict[int, int]] = {}
    for user in range(users):
        first, seen = 1 + 4 * int(rng.integers(5)), int(rng.integers(2, 5))
        scores[user] = dict.fromkeys(range(first, first + seen), 9) | {int(rng.integers(21, 26)): 8}
    return dataset_of(scores, n=25)


def test_a_season_calls_for_the_next_one_before_all_others() -> None:
    model = fitted(chains())
    for first in (1, 5, 9, 13, 17):
        assert best(model, Profile.of_likes([first]), 1) == [first + 1]
        assert best(model, Profile.of_likes([first, first + 1, 21]), 1) == [first + 2]


def test_a_disliked_anime_lowers_its_relatives() -> None:
    """Everybody has seen 1. Those who like it like 2..6, those who do not like 7..11; all like some of 12..16."""
    rng = np.random.default_rng(2)
    scores: dict[int, dict[int, int]] = {}
    for user in range(160):
        good = user % 2 == 0
        liked = rng.choice(np.arange(2, 7) if good else np.arange(7, 12), 3, replace=False)
        both = rng.choice(np.arange(12, 17), 2, replace=False)
        scores[user] = {1: 9 if good else 2} | {int(i): 8 for i in (*liked, *both)}
    model = fitted(dataset_of(scores, n=25))
    like, dislike = (by_id(model, Profile.of([Entry(1, score), Entry(12, 8)])) for score in (9, 2))
    assert min(like[i] for i in range(2, 7)) > max(like[i] for i in range(7, 12))
    assert min(dislike[i] for i in range(7, 12)) > max(dislike[i] for i in range(2, 7))


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    short = MaskedSetConfig(**{**vars(CONFIG), "loop": LoopConfig(epochs=2, warm_up=1)})
    first, second = (fitted(two_tastes(), short) for _ in range(2))
    other = fit(two_tastes(), short, np.random.default_rng(1), catalogue=CATALOGUE)
    assert all(first.arrays[name].tobytes() == second.arrays[name].tobytes() for name in first.arrays)
    assert first.arrays["vectors"].tobytes() != other.arrays["vectors"].tobytes()


def test_a_training_that_was_cut_short_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    config = MaskedSetConfig(**{**vars(CONFIG), "loop": LoopConfig(epochs=6, warm_up=3)})
    whole = fitted(two_tastes(), config)

    def cut(_stage: str, done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    file = tmp_path / "checkpoint.pt"
    with pytest.raises(KeyboardInterrupt):
        fitted(two_tastes(), config, Run(progress=cut, checkpoint=file))
    resumed = fitted(two_tastes(), config, Run(checkpoint=file))
    assert all(whole.arrays[name].tobytes() == resumed.arrays[name].tobytes() for name in whole.arrays)


# The net and its copy without torch


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_scores_without_torch_are_those_of_the_net(blocks: int) -> None:
    net = random_net(blocks=blocks)
    model = MaskedSet(np.arange(40, dtype=np.int32), 4, 30, net.arrays())
    for m in (0, 1, 7, 30):
        entries = random_entries(m)
        np.testing.assert_allclose(model.state_of(entries), states_of(net, [entries])[0], atol=1e-4)


def test_padding_never_changes_a_state() -> None:
    net = random_net()
    parts = [random_entries(m) for m in (0, 3, 30, 1)]
    alone = np.concatenate([states_of(net, [part]) for part in parts])
    np.testing.assert_allclose(states_of(net, parts), alone, atol=1e-5)
    p = padded(parts)
    p.items[~p.real], p.scores[~p.real], p.statuses[~p.real] = 39, 10, 4  # whatever stands there
    with torch.no_grad():
        filled = net(*map(torch.from_numpy, (p.items, p.scores, p.statuses, p.real))).numpy()
    np.testing.assert_allclose(filled, alone, atol=1e-5)


def test_what_is_read_is_the_mask_and_no_entry() -> None:
    """With attention that takes nothing over, the MASK's state is its own; that of any other place would not be."""
    net = random_net(blocks=1)
    with torch.no_grad():
        values = net.get_parameter("blocks.0.qkv.weight")
        values[64:] = 0.0  # nothing is taken over from any token
        entries = [random_entries(m) for m in (0, 5, 20)]
        states = states_of(net, entries)
        np.testing.assert_allclose(states[1:], states[[0, 0]], atol=1e-6)
        net.mask.add_(torch.randn(32))
        assert np.abs(states_of(net, entries) - states).max() > 0.1


def test_entries_in_any_order_give_the_same_state() -> None:
    net, entries = random_net(), random_entries(20)
    shuffled = entries[np.random.default_rng(0).permutation(20)]
    np.testing.assert_allclose(states_of(net, [entries]), states_of(net, [shuffled]), atol=1e-5)


def test_a_profile_longer_than_the_window_is_cut_by_hash_and_keeps_no_order() -> None:
    ids = np.arange(100, 140, dtype=np.int32)
    model = MaskedSet(ids, 4, 9, random_net().arrays())
    entries = [Entry(int(i), 1 + int(i) % 10) for i in ids]
    forward, backward = Profile.of(entries), Profile.of(entries[::-1])
    parts = windows_of(ids, forward, 9)
    assert [len(part) for part in parts] == [8] * 5
    assert sorted(np.concatenate([part.items for part in parts])) == list(range(40))
    assert all(np.ptp(part.items) > 15 for part in parts)  # no run of neighbours
    np.testing.assert_array_equal(model.score([forward]), model.score([backward]))
    mean = np.mean([model.arrays["vectors"] @ model.state_of(part) for part in parts], axis=0)
    np.testing.assert_allclose(model.score([forward])[0], mean + model.arrays["bias"], atol=1e-4)


def test_in_bfloat16_as_on_a_gpu_the_state_is_about_the_same() -> None:
    net, parts = random_net(), [random_entries(m) for m in (0, 4, 30)]
    with torch.autocast("cpu", torch.bfloat16):
        half = states_of(net, parts)
    assert half.dtype == np.float32  # the last norm is not in half precision
    assert 0 < np.abs(half - states_of(net, parts)).mean() < 0.1 * np.abs(half).mean()


# Genres


def test_only_real_genres_are_mixed_in_by_their_weights_and_no_genre_is_no_mix() -> None:
    genres = np.array([[True, False, True], [False, False, False], [False, True, False]])
    net = MaskedSetNet(genres, np.ones(3, np.int64), hidden=4, blocks=1, heads=1, dropout=0.0)
    with torch.no_grad():
        net.genre_weight.add_(torch.tensor([0.5, 9.0, -1.0]))
        mixes = (net.vectors() - net.own).numpy()
        share = np.exp([0.5, -1.0]) / np.exp([0.5, -1.0]).sum()
        np.testing.assert_allclose(mixes[0], share @ net.genre.numpy()[[0, 2]], atol=1e-6)
        np.testing.assert_array_equal(mixes[1], np.zeros(4))
        np.testing.assert_allclose(mixes[2], net.genre.numpy()[1], atol=1e-6)
        np.testing.assert_array_equal(net.vectors(torch.tensor([2, 0])).numpy(), net.vectors().numpy()[[2, 0]])


def test_of_many_genres_the_rarest_are_kept_in_whatever_order_they_are_named() -> None:
    common = {i: ["Common"] for i in range(2, 10)}
    few = [*("Rare", "Common", "Seldom"), *("Once",)]
    for names in (few, few[::-1]):
        catalogue = catalogue_of(9, genres={**common, 1: names, 2: ["Seldom", "Common"], 3: ["Rare", "Seldom"]})
        items = np.array([1, 2, 77], dtype=np.int32)  # 77 is not in the catalogue
        kept = genres_of(catalogue, items, 2)
        names_of = [{catalogue.labels.names[g] for g in np.flatnonzero(row)} for row in kept]
        assert names_of == [{"Once", "Rare"}, {"Common", "Seldom"}, set()]


# What is drawn


def lists_with_all_sorts() -> tuple[Lists, Dataset]:
    rng = np.random.default_rng(4)
    rows = [(user, anime) for user in range(30) for anime in np.flatnonzero(rng.random(25) < 0.6) + 1]
    users, anime = np.array(rows).T
    scores = rng.integers(0, 11, len(rows)).astype(np.int8)
    statuses = rng.choice([0, 1, 2, 3, 4, 6], len(rows)).astype(np.int8)
    data = from_rows(users=users, anime=anime.astype(np.int32), scores=scores, statuses=statuses)
    return lists_of(data, data.anime_ids), data


def likings(data: Dataset, user: int) -> dict[int, float]:
    rows = slice(int(data.indptr[user]), int(data.indptr[user + 1]))
    return dict(zip(data.items[rows].tolist(), data.liking[rows].tolist(), strict=True))


def draws(config: MaskedSetConfig) -> list[tuple[dict[int, float], Any]]:
    lists, data = lists_with_all_sorts()
    assert lists.n_users == data.n_users
    rng = np.random.default_rng(0)
    return [(likings(data, user), draw(lists, user, config, rng)) for user in range(lists.n_users) for _ in range(40)]


@pytest.mark.parametrize("tail", [0.0, 1.0])
def test_targets_are_liked_hidden_and_weigh_as_they_are_liked(tail: float) -> None:
    for liking, sample in draws(MaskedSetConfig(window=9, tail=tail)):
        assert len(sample.shown) <= 9
        assert len(sample.targets) >= 1
        assert not set(sample.targets.tolist()) & set(sample.shown.items.tolist())
        wanted = np.array([liking[i] for i in sample.targets.tolist()])
        assert wanted.min() >= 0.5
        np.testing.assert_allclose(sample.weights, wanted / wanted.sum(), rtol=1e-5)


def test_the_whole_tail_shows_few_as_often_as_many_and_masking_shows_most() -> None:
    shown = [len(s.shown) / len(liking) for liking, s in draws(MaskedSetConfig(tail=1.0, likes_only=0.0))]
    assert 0.4 < np.mean(np.array(shown) < 0.3) < 0.7
    shown = [len(s.shown) / len(liking) for liking, s in draws(MaskedSetConfig(tail=0.0, likes_only=0.0))]
    assert np.median(shown) > 0.85


def test_draws_of_likes_show_nothing_else_and_plain_ones_no_score() -> None:
    for liking, sample in draws(MaskedSetConfig(likes_only=1.0, plain=0.0)):
        assert all(liking[i] >= 0.8 for i in sample.shown.items.tolist())
    for _, sample in draws(MaskedSetConfig(likes_only=1.0, plain=1.0)):
        assert not sample.shown.scores.any()
        assert not sample.shown.statuses.any()
    mixed = [s for _, s in draws(MaskedSetConfig(likes_only=0.0))]
    assert any((s.shown.scores == 2).any() for s in mixed)


def test_entries_that_say_nothing_are_shown_as_planned() -> None:
    lists, data = lists_with_all_sorts()
    silent = (data.scores == 0) & (data.statuses == Status.UNKNOWN)
    assert silent.any()
    assert (lists.entries.statuses[silent] == Status.PLANNED).all()
    assert not lists.weights[silent].any()


def test_an_epoch_draws_from_every_list_once() -> None:
    lists, _ = lists_with_all_sorts()
    config = MaskedSetConfig(batch=4, tail=0.0)
    sizes = [len(batch) for batch in batches(lists, config, np.random.default_rng(0))]
    assert sum(sizes) == lists.n_users
    assert sorted(sizes)[1:] == [4] * (lists.n_users // 4)


# Losses


def small_batch(negatives: NDArray[np.int64], wrong: NDArray[np.bool_]) -> Batch:
    def t(*values: float, kind: Any = torch.int64) -> Any:
        return torch.tensor(values, dtype=kind)

    weights = t(0.1, 0.4, 0.5, kind=torch.float32)
    return Batch(
        2,
        (),
        t(0, 1, 1),
        t(4, 0, 1),
        t(0, 0, 1),
        t(1, 2, 3),
        weights,
        torch.from_numpy(negatives),
        torch.from_numpy(wrong),
    )


def test_the_softmax_is_among_what_is_not_shown() -> None:
    logits = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)
    batch = small_batch(np.zeros((2, 0), np.int64), np.zeros((2, 0), np.bool_))
    expected = 0.0
    for user, item, weight, left in ((0, 1, 0.1, [0, 1, 2, 3]), (0, 2, 0.4, [0, 1, 2, 3]), (1, 3, 0.5, [2, 3, 4])):
        expected -= weight * np.log(np.exp(logits[user, item]) / np.exp(logits[user, left]).sum())
    assert float(softmax_loss(torch.from_numpy(logits), batch)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("calibration", [0.0, 0.75, 1.0])
def test_gbce_is_that_of_petrov_and_macdonald(calibration: float) -> None:
    asked, drawn = np.array([0.3, -1.0, 2.0], np.float32), np.array([[0.5, -0.2], [1.5, 0.1]], np.float32)
    wrong = np.array([[True, False], [True, True]])
    batch = small_batch(np.zeros((2, 2), np.int64), wrong)
    alpha = 2 / (21 - 1)
    beta = alpha * (calibration * (1 - 1 / alpha) + 1 / alpha)
    assert beta == pytest.approx({0.0: 1.0, 1.0: alpha}.get(calibration, beta))
    chance = 1 / (1 + np.exp(-asked))
    expected = 0.0
    for user, e, weight in ((0, 0, 0.1), (0, 1, 0.4), (1, 2, 0.5)):
        denied = sum(np.log(1 - 1 / (1 + np.exp(-drawn[user, k]))) for k in range(2) if wrong[user, k])
        expected -= weight * (np.log(chance[e] ** beta) + denied) / 3
    loss = gbce_loss(torch.from_numpy(asked), torch.from_numpy(drawn), batch, n=21, calibration=calibration)
    assert float(loss) == pytest.approx(expected, rel=1e-5)
