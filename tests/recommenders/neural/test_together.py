"""Ranks: the parts of a batch, and that two of them make of it what one process does."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from anirec.recommenders.neural import together  # noqa: E402
from ranks import CONFIGS, Arrays, on_two_ranks, trained  # noqa: E402


def test_one_rank_takes_whole_batches_and_nothing_is_sent() -> None:
    assert (together.size(), together.rank()) == (1, 0)
    part = together.part(5)
    assert (part.rows.tolist(), part.times) == ([0, 1, 2, 3, 4], 1)
    mine, owner = part.entries(np.array([0, 0, 3, 4]))
    assert mine.all()
    assert owner.tolist() == [0, 0, 3, 4]
    net = torch.nn.Linear(2, 1)
    net(torch.ones(1, 2)).sum().backward()
    gradient = net.weight.grad
    assert float(together.add_up(net, torch.tensor(0.5))) == 0.5
    assert net.weight.grad is gradient
    assert together.of_first(lambda: 0.25, torch.device("cpu")) == 0.25


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [1, 2, 4, 5, 16])
def test_the_parts_of_all_ranks_are_every_row_once(n: int, ranks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "size", lambda: ranks)
    counted = np.zeros(n)
    for rank in range(ranks):
        monkeypatch.setattr(together, "rank", lambda rank=rank: rank)
        part = together.part(n)
        assert len(part.rows) >= 1
        np.add.at(counted, part.rows, 1 / part.times)
    np.testing.assert_allclose(counted, 1)


def test_the_entries_of_a_part_are_those_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "size", lambda: 2)
    monkeypatch.setattr(together, "rank", lambda: 1)
    mine, owner = together.part(4).entries(np.array([0, 1, 1, 2, 3]))
    assert mine.tolist() == [False, True, True, False, True]
    assert owner.tolist() == [0, 0, 1]


by_one_process = cache(trained)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Arrays]]:
    return on_two_ranks(tmp_path_factory.mktemp("ranks"))


@pytest.mark.parametrize("kind", CONFIGS)
def test_two_ranks_have_the_gradients_and_the_loss_of_one_process(kind: str, ranks: list[dict[str, Arrays]]) -> None:
    alone = by_one_process(kind)
    first = [name for name in alone if name == "0" or name.startswith("0/")]
    assert len(first) > 4
    for found in ranks:
        assert set(found[kind]) == set(alone)
        for name in first:
            np.testing.assert_allclose(found[kind][name], alone[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("kind", CONFIGS)
def test_without_noise_two_ranks_end_with_the_weights_of_one_process(kind: str, ranks: list[dict[str, Arrays]]) -> None:
    alone = by_one_process(kind)
    for name in (name for name in alone if name.startswith("made ")):
        np.testing.assert_allclose(ranks[0][kind][name], alone[name], rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("kind", CONFIGS)
def test_both_ranks_have_the_same_weights_to_the_bit(kind: str, ranks: list[dict[str, Arrays]]) -> None:
    first, second = (
        {name: array.tobytes() for name, array in found[kind].items() if name.startswith("made ")} for found in ranks
    )
    assert first == second


def test_ranks_draw_unlike_noise(ranks: list[dict[str, Arrays]]) -> None:
    first, second = (found["line"]["noise"] for found in ranks)
    assert len(first) == len(second) == 8
    assert not set(first) & set(second)


def test_a_loss_that_is_no_number_on_one_rank_stops_all_with_the_batch_named(ranks: list[dict[str, Arrays]]) -> None:
    for found in ranks:
        assert str(found["broken"]["said"]).startswith("the loss is nan at batch 3 of epoch 1")


def test_a_checkpoint_that_only_the_first_rank_finds_is_refused_by_all(ranks: list[dict[str, Arrays]]) -> None:
    for found in ranks:
        assert str(found["line"]["said"]) == "nothing"
        assert "a disk that all share" in str(found["two disks"]["said"])
