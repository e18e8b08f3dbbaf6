"""Make the split that peers are compared on: `python split.py --data CANONICAL --out split.npz`.

Of the users with at least `MIN_LIKES` likes, `TRAIN` are learned from, and of `VALID` and `TEST` others 80 % of the
likes are given and the rest is to be found: nothing of them is learned from (strong generalisation). Titles with fewer
than `MIN_ITEM_LIKES` likes in train are left out. Only likes are handed on, without scores: that is what every peer
takes. Most lists have no times, so titles stand by id; a peer that needs an order has to draw one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anirec.prepare.dataset import Dataset, read_dataset
from exchange import Likes, Split, likes_of

TRAIN, VALID, TEST = 8000, 500, 500
MIN_LIKES = 10
MIN_ITEM_LIKES = 20
GIVEN = 0.8


def split(dataset: Dataset, rng: np.random.Generator, sizes: tuple[int, int, int] | None = None) -> Split:
    """Draw the users, and part the lists of those held out. sizes: instead of `TRAIN`, `VALID` and `TEST`."""
    n_train, n_valid, n_test = sizes or (TRAIN, VALID, TEST)
    likes = np.bincount(dataset.users[dataset.liked], minlength=dataset.n_users)
    drawn = rng.choice(np.flatnonzero(likes >= MIN_LIKES), n_train + n_valid + n_test, replace=False)
    train = [_liked(dataset, int(user)) for user in drawn[:n_train]]
    counts = np.bincount(np.concatenate(train), minlength=len(dataset.anime_ids))
    kept = np.flatnonzero(counts >= MIN_ITEM_LIKES)
    place = np.full(len(dataset.anime_ids), -1, dtype=np.int32)
    place[kept] = np.arange(len(kept))

    def known(user: int) -> NDArray[np.int32]:
        places = place[_liked(dataset, user)]
        return places[places >= 0]

    valid_given, valid_targets = _parted([known(int(user)) for user in drawn[n_train : n_train + n_valid]], rng)
    test_given, test_targets = _parted([known(int(user)) for user in drawn[n_train + n_valid :]], rng)
    return Split(
        anime_ids=dataset.anime_ids[kept],
        train=likes_of([known(int(user)) for user in drawn[:n_train]]),
        valid_given=valid_given,
        valid_targets=valid_targets,
        test_given=test_given,
        test_targets=test_targets,
    )


def _liked(dataset: Dataset, user: int) -> NDArray[np.int32]:
    rows = slice(int(dataset.indptr[user]), int(dataset.indptr[user + 1]))
    return dataset.items[rows][dataset.liked[rows]]


def _parted(known: list[NDArray[np.int32]], rng: np.random.Generator) -> tuple[Likes, Likes]:
    """Return what is given and what is to be found; users of whom fewer than two titles are known are left out."""
    given, targets = [], []
    for items in known:
        if len(items) >= 2:
            shuffled = rng.permutation(items)
            n = min(max(round(GIVEN * len(items)), 1), len(items) - 1)
            given.append(np.sort(shuffled[:n]))
            targets.append(np.sort(shuffled[n:]))
    return likes_of(given), likes_of(targets)


def main() -> None:
    """Write the split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="canonical folder")
    parser.add_argument("--out", type=Path, required=True, help="npz file to write")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    made = split(read_dataset(args.data), np.random.default_rng(args.seed))
    made.save(args.out)
    sizes = ", ".join(f"{name} {vars(made)[name].n_users} users" for name in ("train", "valid_given", "test_given"))
    print(f"{made.n} titles, {len(made.train.items)} likes; {sizes}")


if __name__ == "__main__":
    main()
