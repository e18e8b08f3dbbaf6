"""The masked-set transformer as a torch net: a set of list entries and one MASK in, the state of the MASK out.

BERT4Rec (Sun et al. 2019) without positions. Without them all MASKs of a set end in the same state, so there is one
only, as when it is asked; it stands first, the last block is worked out for it alone, and no loss reads any other
place. Blocks are pre-norm (Xiong et al. 2020). An anime's vector is its own embedding plus a mix of its genres'; the
same vectors are what the MASK's state is compared with (tied output).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from anirec.recommenders.neural.masked_set_serving import N_SCORES, N_STATUSES, NORM_EPS

SPREAD = 0.02  # of the first embeddings, as in BERT


class Block(nn.Module):
    """Attention and a two-layer net, each on a normed copy and added."""

    def __init__(self, hidden: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm_1 = nn.LayerNorm(hidden, eps=NORM_EPS)
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden, hidden)
        self.norm_2 = nn.LayerNorm(hidden, eps=NORM_EPS)
        self.up = nn.Linear(hidden, 4 * hidden)
        self.down = nn.Linear(4 * hidden, hidden)

    def forward(self, x: torch.Tensor, real: torch.Tensor, *, first_only: bool) -> torch.Tensor:
        """x: [b, t, h]. real: bool [b, t], False = padding. first_only: work out the first place alone, [b, 1, h]."""
        b, t, h = x.shape
        query, key, value = self.qkv(self.norm_1(x)).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        if first_only:
            x, query = x[:, :1], query[:, :, :1]
        mixed = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=real[:, None, None, :], dropout_p=self.dropout if self.training else 0.0
        )  # [b, heads, t or 1, h / heads]
        x = x + self._drop(self.out(mixed.transpose(1, 2).reshape(b, -1, h)))
        inner = functional.gelu(self.up(self.norm_2(x)), approximate="tanh")
        return x + self._drop(self.down(inner))

    def _drop(self, x: torch.Tensor) -> torch.Tensor:
        return functional.dropout(x, self.dropout, self.training)


class MaskedSetNet(nn.Module):
    """The net. genres: bool [n, g]. likes: [n], of each item, for the first bias: at the start it is popularity."""

    genres: torch.Tensor

    def __init__(
        self,
        genres: NDArray[np.bool_],
        likes: NDArray[np.int64],
        *,
        hidden: int,
        blocks: int,
        heads: int,
        dropout: float,
    ) -> None:
        super().__init__()
        n, n_genres = genres.shape
        self.register_buffer("genres", torch.from_numpy(genres.astype(np.float32)), persistent=False)
        self.dropout = dropout
        self.own = nn.Parameter(SPREAD * torch.randn(n, hidden))
        self.genre = nn.Parameter(SPREAD * torch.randn(n_genres, hidden))
        self.genre_weight = nn.Parameter(torch.zeros(n_genres))
        self.score = nn.Parameter(SPREAD * torch.randn(N_SCORES, hidden))
        self.status = nn.Parameter(SPREAD * torch.randn(N_STATUSES, hidden))
        self.mask = nn.Parameter(SPREAD * torch.randn(hidden))
        self.blocks = nn.ModuleList(Block(hidden, heads, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(hidden, eps=NORM_EPS)
        popularity = np.log((likes + 1) / (likes + 1).mean()).astype(np.float32)
        self.bias = nn.Parameter(torch.from_numpy(popularity))

    def vectors(self, items: torch.Tensor | None = None) -> torch.Tensor:
        """Return [..., h] for items (places) of any shape, None = all [n, h].

        Genres count by a softmax of their weights over those that the anime really has; without any there is no mix.
        """
        own, real = (
            (self.own, self.genres) if items is None else (functional.embedding(items, self.own), self.genres[items])
        )
        weights = real * torch.exp(self.genre_weight - self.genre_weight.max())
        weights = weights / weights.sum(dim=-1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
        return own + weights @ self.genre

    def forward(
        self, items: torch.Tensor, scores: torch.Tensor, statuses: torch.Tensor, real: torch.Tensor
    ) -> torch.Tensor:
        """Return [b, h], the state of the MASK. All [b, t]: places, scores 0..10, statuses; real: False = padding."""
        entries = self.vectors(items) + functional.embedding(scores, self.score)
        entries = entries + functional.embedding(statuses, self.status)
        x = torch.cat([self.mask.expand(len(items), 1, -1), entries], dim=1)
        x = functional.dropout(x, self.dropout, self.training)
        real = torch.cat([real.new_ones(len(items), 1), real], dim=1)
        for i, block in enumerate(self.blocks):
            x = block(x, real, first_only=i == len(self.blocks) - 1)
        state: torch.Tensor = self.norm(x[:, 0])
        return state

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `MaskedSet` is made of, float32: genres are mixed into the vectors once and for all."""
        folded = ("own", "genre", "genre_weight")
        parts = {name: p for name, p in self.state_dict().items() if name not in folded}
        with torch.no_grad():
            parts["vectors"] = self.vectors()
        return {name.replace(".", "_"): p.detach().float().cpu().numpy().copy() for name, p in parts.items()}
