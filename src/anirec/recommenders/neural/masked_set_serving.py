"""The masked-set transformer to serve: the forward pass over plain arrays, without torch.

What it does: puts a MASK to the entries of a profile (anime, score, status), works out two or so blocks of attention,
and compares the state of the MASK with the vector of every anime. A profile has no order. One longer than the window is
cut into windows, by a hash of the ids, and the states of their MASKs are averaged, which averages their scores.
What it does not: know anime with fewer than `min_likes` likes; see `masked_set` for how it is trained.

Source: Sun et al. 2019, "BERT4Rec"; Vaswani et al. 2017, eq. 1 (attention); Hendrycks & Gimpel 2016 (GELU, the form
with tanh); Ba et al. 2016 (layer norm).

Memory: 4 h bytes a title and 48 h^2 a block (h = 256, n = 14,000: 21 MB). Time, h = 256, on one core: a few ms for a
profile of 120 titles, most of it in the first block; a longer one takes as many times that as it has windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import rows_of
from anirec.core.columns import MAX_SCORE, Status
from anirec.core.profile import Profile
from anirec.core.state import State, is_finite_vector

N_SCORES: Final = MAX_SCORE + 1  # 0 = none
N_STATUSES: Final = max(Status) + 1
NORM_EPS: Final = 1e-5
HASH: Final = np.uint32(2654435761)  # Knuth's multiplicative hash: 2^32 over the golden ratio

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Entries:
    """What of a profile the model knows, ascending by id: places, scores (0 = none) and statuses, int64 [m]."""

    items: NDArray[np.int64]
    scores: NDArray[np.int64]
    statuses: NDArray[np.int64]

    def __getitem__(self, rows: NDArray[np.int64]) -> Entries:
        """Return these entries, in the order given."""
        return Entries(self.items[rows], self.scores[rows], self.statuses[rows])

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.items)


def entries_of(items: NDArray[np.int32], profile: Profile) -> Entries:
    """Return the entries whose anime are among `items` (ids, ascending)."""
    known = np.isin(profile.anime_ids, items)
    return Entries(
        items=rows_of(items, profile.anime_ids[known]),
        scores=np.nan_to_num(profile.scores[known], nan=0).astype(np.int64),
        statuses=profile.statuses[known].astype(np.int64),
    )


def windows_of(items: NDArray[np.int32], profile: Profile, window: int) -> list[Entries]:
    """Cut a profile into parts of at most `window` known entries, as equal as can be; one part, if only an empty one.

    Which part an anime falls into is a matter of its id's hash and of what else is there, so ids that are near (of one
    time, of one franchise) are spread, and the same profile is always cut in the same way.
    """
    entries = entries_of(items, profile)
    if len(entries) <= window:
        return [entries]
    order = np.argsort(items[entries.items].astype(np.uint32) * HASH, kind="stable")
    return [entries[np.sort(part)] for part in np.array_split(order, -(-len(entries) // window))]


@dataclass(frozen=True)
class MaskedSet:
    """A fitted model. items: int32 [n]. heads: of attention. window: entries looked at together.

    arrays: float32 by name. vectors [n, h] and bias [n] of the items; score [11, h], status [7, h] and mask [h], what
    the tokens are made of; norm_weight and norm_bias [h]; and for each block i, as `blocks_i_...` with `_weight`
    [out, in] and `_bias` [out]: norm_1 and norm_2 [h], qkv (3h), out (h), up (4h) and down (h).
    """

    items: NDArray[np.int32]
    heads: int
    window: int
    arrays: Mapping[str, Floats]

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return sum(name.endswith("_qkv_weight") for name in self.arrays)

    def score(self, profiles: Sequence[Profile]) -> Floats:
        """Return float32 [p, n]: before a softmax, how likely each item is the next that the profile likes."""
        states = np.empty((len(profiles), len(self.arrays["mask"])), dtype=np.float32)
        for row, profile in enumerate(profiles):
            parts = windows_of(self.items, profile, self.window)
            states[row] = np.mean([self.state_of(part) for part in parts], axis=0)
        scores = np.empty((len(profiles), len(self.items)), dtype=np.float32)
        for row, state in enumerate(states):  # one at a time: the bits then do not depend on the company
            scores[row] = self.arrays["vectors"] @ state + self.arrays["bias"]
        return scores

    def state_of(self, entries: Entries) -> Floats:
        """Return float32 [h]: the state of the MASK among these entries."""
        a = self.arrays
        tokens = a["vectors"][entries.items] + a["score"][entries.scores] + a["status"][entries.statuses]
        x = np.concatenate([a["mask"][np.newaxis], tokens])
        for i in range(self.n_blocks):
            x = self._block(x, f"blocks_{i}_", first_only=i == self.n_blocks - 1)
        state: Floats = self._norm(x[:1], "norm")[0]
        return state

    def _block(self, x: Floats, name: str, *, first_only: bool) -> Floats:
        """Return [t, h], or [1, h] for the first token alone. x: [t, h]."""
        t, h = x.shape
        qkv = self._linear(self._norm(x, name + "norm_1"), name + "qkv")
        query, key, value = qkv.reshape(t, 3, self.heads, -1).transpose(1, 2, 0, 3)  # each [heads, t, h / heads]
        if first_only:
            x, query = x[:1], query[:, :1]
        logits = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(h // self.heads))
        weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed = (weights @ value).transpose(1, 0, 2).reshape(len(x), h)
        x = x + self._linear(mixed, name + "out")
        inner = _gelu(self._linear(self._norm(x, name + "norm_2"), name + "up"))
        return np.add(x, self._linear(inner, name + "down"), dtype=np.float32)

    def _linear(self, x: Floats, name: str) -> Floats:
        product: Floats = x @ self.arrays[name + "_weight"].T
        product += self.arrays[name + "_bias"]
        return product

    def _norm(self, x: Floats, name: str) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + np.float32(NORM_EPS))
        normed: Floats = centred / spread * self.arrays[name + "_weight"] + self.arrays[name + "_bias"]
        return normed

    def state(self) -> State:
        """Return what a bundle keeps."""
        facts = {"heads": self.heads, "window": self.window}
        return State(kind="masked_set", arrays={"items": self.items, **self.arrays}, facts=facts)


def _gelu(x: Floats) -> Floats:
    inner = np.float32(np.sqrt(2 / np.pi)) * (x + np.float32(0.044715) * x * x * x)
    gelu: Floats = np.float32(0.5) * x * (1 + np.tanh(inner))
    return gelu


def _shapes(n: int, h: int, n_blocks: int) -> dict[str, tuple[int, ...]]:
    """Return the shape that each array must have."""
    shapes: dict[str, tuple[int, ...]] = {"vectors": (n, h), "bias": (n,), "mask": (h,)}
    shapes |= {"score": (N_SCORES, h), "status": (N_STATUSES, h), "norm_weight": (h,), "norm_bias": (h,)}
    for i in range(n_blocks):
        for part, out, inner in (("qkv", 3 * h, h), ("out", h, h), ("up", 4 * h, h), ("down", h, 4 * h)):
            shapes |= {f"blocks_{i}_{part}_weight": (out, inner), f"blocks_{i}_{part}_bias": (out,)}
        for part in ("norm_1", "norm_2"):
            shapes |= {f"blocks_{i}_{part}_weight": (h,), f"blocks_{i}_{part}_bias": (h,)}
    return shapes


def restore(state: State) -> MaskedSet:
    """Rebuild the model from a bundle's state.

    Raises:
        ValueError: the arrays do not fit together.
    """
    arrays: dict[str, NDArray[Any]] = dict(state.arrays)
    model = MaskedSet(arrays.pop("items"), int(state.facts["heads"]), int(state.facts["window"]), arrays)
    shapes = _shapes(len(model.items), arrays["mask"].size, model.n_blocks)
    fit = {name: array.shape for name, array in arrays.items()} == shapes
    if not fit or not all(is_finite_vector(array.ravel(), array.size) for array in arrays.values()):
        raise ValueError("the arrays of the masked-set transformer do not fit its items or one another")
    if model.window < 1 or model.n_blocks < 1 or model.heads < 1 or arrays["mask"].size % model.heads:
        raise ValueError("the masked-set transformer lacks a block or window, or its heads do not part its width")
    return model
