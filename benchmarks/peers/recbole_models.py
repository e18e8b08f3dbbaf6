"""Runner: EASE, item-kNN or Mult-VAE of `recbole`, in an environment where it is installed.

Its own data set, models and trainer, as they come. What it ranks for itself are users whom it learned from; held-out
users go through what it has learned: the matrix of title by title of EASE and item-kNN, and the net of Mult-VAE
(`forward`, from likes to scores). Its factorisations cannot be asked about somebody new, so they are not here.

EASE and item-kNN learn from train and are chosen from the grids of ours. Mult-VAE learns from train and what is given
of the validation users, stops by what is to be found of them, and has so many epochs as fit the budget.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_seed
from scipy import sparse

from exchange import Likes, Result, Score, Split, asked, lists, wait_for
from grids import EASE, ITEM_KNN
from trials import Fitted, Method, Settings, ranked, run

LIBRARY = f"recbole {version('recbole')}"
NAME = "peers"
LOOKS = 6  # at the validation users, over the budget
MOST_EPOCHS = 300  # its default


def main() -> None:
    """Run one of its models."""
    args = asked(__doc__, budget=True, models=["ease", "item-knn", "mult-vae"]).parse_args()
    torch.set_num_threads(1)
    split = Split.read(args.split)
    with TemporaryDirectory() as folder:
        if args.model == "mult-vae":
            mult_vae(split, Path(folder), args)
        else:
            linear(args.model, split, Path(folder), args)


def linear(name: str, split: Split, folder: Path, args: Any) -> None:
    """Run a model that is one matrix."""
    fit = partial(MATRICES[name], split, folder, args.seed)
    defaults, grid = {"ease": ({"l2": 250.0}, EASE), "item-knn": ({"k": 100, "shrink": 0.0}, ITEM_KNN)}[name]
    run(Method(f"recbole {name}", LIBRARY, fit, defaults, grid), split, args.out)


def ease(split: Split, folder: Path, seed: int, settings: Settings) -> Fitted:
    """Fit its EASE."""
    model, inside, seconds = _learned("EASE", split, folder, seed, {"reg_weight": settings["l2"]})
    weights = np.asarray(model.item_similarity)[np.ix_(inside, inside)]
    return Fitted(ranked(lambda given: np.asarray(given @ weights)), seconds)


def item_knn(split: Split, folder: Path, seed: int, settings: Settings) -> Fitted:
    """Fit its item-kNN."""
    model, inside, seconds = _learned("ItemKNN", split, folder, seed, settings)
    weights = sparse.csr_matrix(model.w)[inside][:, inside]
    return Fitted(ranked(lambda given: (given @ weights).toarray()), seconds)


MATRICES: dict[str, Callable[[Split, Path, int, Settings], Fitted]] = {"ease": ease, "item-knn": item_knn}


def _learned(
    name: str, split: Split, folder: Path, seed: int, settings: Settings
) -> tuple[Any, NDArray[np.int64], float]:
    """Return a model that learns when it is made, the numbers that it gives titles, and the seconds."""
    config, data, inside = prepared(name, split.train, split.valid_targets, split.n, folder, seed, settings)
    begun = time.process_time()
    model = get_model(name)(config, data[0].dataset)
    return model, inside, time.process_time() - begun


def mult_vae(split: Split, folder: Path, args: Any) -> None:
    """Train its net for the budget."""
    learn = split.train.and_users(split.valid_given)
    stop = Likes(
        np.concatenate([np.zeros(split.train.n_users, dtype=np.int64), split.valid_targets.indptr]),
        split.valid_targets.items,
    )

    def trained(epochs: int, looks: int) -> tuple[Any, Any, NDArray[np.int64], float]:
        wanted = {"epochs": epochs, "eval_step": max(epochs // looks, 1) if looks else 0}
        config, (train, valid, _), inside = prepared("MultiVAE", learn, stop, split.n, folder, args.seed, wanted)
        net = get_model("MultiVAE")(config, train.dataset)
        trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, net)
        begun = time.process_time()
        trainer.fit(train, valid if looks else None, verbose=False, saved=bool(looks), show_progress=False)
        return net, trainer, inside, time.process_time() - begun

    one, three = (trained(epochs, 0)[-1] for epochs in (1, 3))
    epochs = min(max(int(args.budget / ((three - one) / 2)), 1), MOST_EPOCHS)
    net, trainer, inside, seconds = trained(epochs, LOOKS)
    best = torch.load(trainer.saved_model_file, weights_only=False)  # what it wrote itself a moment ago
    net.load_state_dict(best["state_dict"])
    net.eval()
    score = _by_net(net, inside)
    tops, wait = lists(score, split.test_given, split.n), wait_for(score, split.test_given, split.n)
    facts = f"{LIBRARY}, all as it comes, {epochs} epochs, best of {LOOKS} looks (which count as seconds of fitting)"
    Result("recbole mult-vae", tops, seconds, facts, wait_ms=wait).save(args.out)


def _by_net(net: Any, inside: NDArray[np.int64]) -> Score:
    def score(given: sparse.csr_matrix) -> NDArray[np.float32]:
        x = np.zeros((given.shape[0], net.n_items), dtype=np.float32)
        x[:, inside] = given.toarray()
        with torch.no_grad():
            found = net(torch.from_numpy(x))[0].numpy()
        return np.asarray(found[:, inside])

    return score


def prepared(
    name: str, learn: Likes, stop: Likes, n: int, folder: Path, seed: int, settings: Mapping[str, Any]
) -> tuple[Any, Any, NDArray[np.int64]]:
    """Return its configuration, its data to learn from, to stop by and (the same) to test on, and its item numbers."""
    home = folder / NAME
    home.mkdir(exist_ok=True)
    for part, likes in (("learn", learn), ("stop", stop), ("rest", stop)):
        users = np.repeat(np.arange(likes.n_users), np.diff(likes.indptr))
        lines = (f"{user}\t{item}\n" for user, item in zip(users.tolist(), likes.items.tolist(), strict=True))
        (home / f"{NAME}.{part}.inter").write_text("user_id:token\titem_id:token\n" + "".join(lines))
    config = Config(
        model=name,
        dataset=NAME,
        config_dict={
            "data_path": str(folder),
            "checkpoint_dir": str(folder),
            "benchmark_filename": ["learn", "stop", "rest"],
            "load_col": {"inter": ["user_id", "item_id"]},
            "topk": [10],
            "metrics": ["NDCG"],
            "valid_metric": "NDCG@10",
            "use_gpu": False,
            "seed": seed,
            "state": "WARNING",
            "show_progress": False,
            **settings,
        },
    )
    init_seed(seed, reproducibility=True)
    dataset = create_dataset(config)
    inside = np.asarray(dataset.token2id(dataset.iid_field, [str(item) for item in range(n)]), dtype=np.int64)
    return config, data_preparation(config, dataset), inside


if __name__ == "__main__":
    main()
