"""Runner: our models on the same split: `python ours.py MODEL --split split.npz --data CANONICAL --out ours.npz`.

Linear models run with their defaults, and with the best of a grid on the validation users, as the peers do. Nets run
with so many epochs as fit the budget; they learn from train and the validation users, of whom they hold out their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

import grids
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender
from anirec.prepare.catalogue import read_catalogue
from anirec.prepare.dataset import FAVOURITES_PREFIX, Dataset, from_rows
from anirec.recommenders import ease, ials, item2vec, neighbours
from anirec.recommenders.neural import autoencoders, recvae
from anirec.recommenders.neural.masked_set_samples import MaskedSetConfig
from anirec.recommenders.neural.settings import Run
from exchange import Likes, Result, Score, Split, asked, lists, wait_for
from trials import Fitted, Method, Settings, ranked, run

Fit = Callable[[Dataset, Any, np.random.Generator], Recommender]


@dataclass(frozen=True)
class Linear:
    """A model without a budget. grid: changes to its defaults. by_epochs: whether its curve is worth a look."""

    fit: Fit
    config: Any
    grid: grids.Grid
    by_epochs: bool = False


@dataclass(frozen=True)
class Net:
    """A model that is trained for a time. fit: takes a run as well; `catalogue` if it wants one."""

    config: Any
    changes: Mapping[str, Any] = field(default_factory=dict)
    catalogue: bool = False


LINEAR = {
    "ease": Linear(ease.fit_dense, ease.EaseConfig(), grids.EASE),
    "ease-served": Linear(ease.fit, ease.EaseConfig(), grids.EASE),
    "ials": Linear(ials.fit, ials.IalsConfig(), grids.IALS, by_epochs=True),
    "item-knn": Linear(neighbours.fit_items, neighbours.ItemKnnConfig(), grids.ITEM_KNN),
    "item2vec": Linear(item2vec.fit, item2vec.Item2VecConfig(), grids.SKIP_GRAM),
}
NETS = {
    "mult-vae": Net(autoencoders.MultVaeConfig()),
    "recvae": Net(recvae.RecVaeConfig()),
    "masked-set": Net(MaskedSetConfig(hidden=64, heads=4), catalogue=True),
}
MOST_EPOCHS = 200


def main() -> None:
    """Run one model."""
    parser = asked(__doc__, budget=True, models=[*LINEAR, *NETS])
    parser.add_argument("--data", type=Path, help="canonical folder: the genres for the masked-set transformer")
    args = parser.parse_args()
    split = Split.read(args.split)
    if args.model in LINEAR:
        _linear(args.model, split, args)
    else:
        _net(args.model, split, args)


def _linear(name: str, split: Split, args: Any) -> None:
    model, dataset = LINEAR[name], dataset_of(split.train, split.anime_ids)

    def fit(settings: Settings) -> Fitted:
        begun = time.process_time()
        fitted = model.fit(dataset, replace(model.config, **settings), np.random.default_rng(args.seed))
        return Fitted(ranked(score_of(fitted, split)), time.process_time() - begun)

    def watched(settings: Settings) -> Fitted:
        parts = [fit({**settings, "epochs": epochs}) for epochs in range(1, model.config.epochs + 1)]
        curve = [(part.seconds, part.of(split.test_given, split.n)) for part in parts]
        return replace(fit(settings), curve=tuple(curve))

    method = Method(f"anirec {name}", "anirec", fit, {}, model.grid, watched if model.by_epochs else None)
    run(method, split, args.out)


def _net(name: str, split: Split, args: Any) -> None:
    net = NETS[name]
    dataset = dataset_of(split.train_and_valid, split.anime_ids)
    fit = _net_fit(name, args.data)
    probe = replace(net.config, loop=replace(net.config.loop, epochs=2))
    starts: list[float] = []
    fit(dataset, probe, np.random.default_rng(args.seed), run=Run(lambda *_: starts.append(time.process_time())))
    epoch = starts[2] - starts[1]  # the first warms up
    epochs = max(min(int(args.budget / epoch), MOST_EPOCHS), 1)
    config = replace(net.config, loop=replace(net.config.loop, epochs=epochs))
    begun = time.process_time()
    fitted = fit(dataset, config, np.random.default_rng(args.seed))
    seconds = time.process_time() - begun
    score = score_of(fitted, split)
    tops = lists(score, split.test_given, split.n)
    wait = wait_for(score, split.test_given, split.n)
    Result(f"anirec {name}", tops, seconds, str(config), wait_ms=wait).save(args.out)


def _net_fit(name: str, data: Path | None) -> Callable[..., Recommender]:
    if name == "masked-set":
        from anirec.recommenders.neural import masked_set

        if data is None:
            raise SystemExit("the masked-set transformer needs --data")
        catalogue = read_catalogue(data)
        return lambda *given, **run: masked_set.fit(*given, **run, catalogue=catalogue)
    fits: dict[str, Callable[..., Recommender]] = {"mult-vae": autoencoders.fit, "recvae": recvae.fit}
    return fits[name]


def dataset_of(likes: Likes, anime_ids: NDArray[np.int32]) -> Dataset:
    """Return plain likes as a dataset: favourites, without scores."""
    return from_rows(
        users=np.repeat(np.arange(likes.n_users, dtype=np.int64), np.diff(likes.indptr)),
        anime=anime_ids[likes.items],
        scores=np.zeros(len(likes.items), dtype=np.int8),
        source_names=(FAVOURITES_PREFIX,),
        members=dict.fromkeys(map(int, anime_ids), 0),
    )


def score_of(model: Recommender, split: Split) -> Score:
    """Return the model's scores over all titles of the split; those that it does not know come last."""
    known = np.searchsorted(split.anime_ids, model.items)

    def score(given: sparse.csr_matrix) -> NDArray[np.float32]:
        profiles = [profile_of(split.anime_ids[row.indices]) for row in given]
        scores = np.full(given.shape, -np.inf, dtype=np.float32)
        scores[:, known] = model.score(profiles)
        return scores

    return score


def profile_of(anime_ids: NDArray[np.int32]) -> Profile:
    """Return a profile of plain likes; anime_ids: ascending."""
    n = len(anime_ids)
    return Profile(anime_ids, np.full(n, np.nan, dtype=np.float32), np.zeros(n, dtype=np.int8))


if __name__ == "__main__":
    main()
