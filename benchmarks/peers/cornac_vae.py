"""Runner: Mult-VAE (`VAECF`) or RecVAE of the library `cornac`, in an environment with it and torch.

Its own nets, losses and training steps, with the settings of the papers; a test user goes through its net. Training
stops when the budget is spent, and the weights that were best on the validation users are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from cornac.data import Dataset
from cornac.models import VAECF, RecVAE
from numpy.typing import NDArray
from scipy import sparse

from exchange import Clock, Result, Score, Split, asked, lists, valid_ndcg, wait_for

PAPERS = {
    "mult-vae": "k 200, layers [600], beta 0.2, learning rate 1e-3, batch 100",  # Liang et al. 2018, section 4.3
    "recvae": "hidden 600, latent 200, gamma 0.005, learning rate 5e-4, batch 500",  # its defaults
}


def main() -> None:
    """Run one model."""
    args = asked(__doc__, budget=True, models=list(PAPERS)).parse_args()
    torch.set_num_threads(1)
    split = Split.read(args.split)
    rows = split.train.matrix(split.n).tocoo()
    train = Dataset.from_uir(zip(rows.row.tolist(), rows.col.tolist(), rows.data.tolist(), strict=True), seed=args.seed)
    inside = np.array([train.iid_map[item] for item in range(split.n)])
    torch.manual_seed(args.seed)
    net, train_more, score = MODELS[args.model](train, inside, args.seed)
    clock, best, kept, epochs = Clock(args.budget), -1.0, None, 0
    while True:
        clock.start()
        net.train()
        epochs += train_more()
        over = clock.over
        clock.stop()
        net.eval()
        if (figure := valid_ndcg(score, split)) > best:
            best, kept = figure, deepcopy(net.state_dict())
        print(epochs, f"{clock.used:.0f} s", figure, flush=True)
        if over:
            break
    net.load_state_dict(kept)
    facts = f"cornac {version('cornac')}, {PAPERS[args.model]}, {epochs} epochs"
    tops = lists(score, split.test_given, split.n)
    wait = wait_for(score, split.test_given, split.n)
    Result(f"cornac {args.model}", tops, clock.used, facts, wait_ms=wait).save(args.out)


AT_ONCE = 5  # epochs of Mult-VAE between two looks: the library begins anew with its optimiser each time
Model = tuple[Any, Callable[[], int], Score]


def mult_vae(train: Any, inside: NDArray[np.int64], seed: int) -> Model:
    """Return the net, what trains it for some epochs and says how many, and its scores."""
    from cornac.models.vaecf.vaecf import VAE, learn

    model = VAECF(k=200, autoencoder_structure=[600], batch_size=100, beta=0.2, seed=seed)
    net = VAE(model.k, [train.num_items, *model.autoencoder_structure], model.act_fn, model.likelihood)

    def more() -> int:
        learn(net, train, AT_ONCE, model.batch_size, model.learning_rate, model.beta, verbose=False)
        return AT_ONCE

    return net, more, _score(lambda x: net.decode(net.encode(x)[0]), inside)


def recvae(train: Any, inside: NDArray[np.int64], seed: int) -> Model:
    """Return the net, what trains it for some epochs and says how many, and its scores."""
    from cornac.models.recvae.recvae import VAE

    model = RecVAE(seed=seed, use_gpu=False)
    net = VAE(hidden_dim=model.hidden_dim, latent_dim=model.latent_dim, input_dim=train.num_items)
    encoder, decoder = (torch.optim.Adam(part.parameters(), lr=model.lr) for part in (net.encoder, net.decoder))
    shared = {"model": net, "train_set": train, "my_batch_size": model.batch_size, "beta": None, "gamma": model.gamma}

    def more() -> int:
        model.run(opts=[encoder], n_epochs=model.n_enc_epochs, dropout_rate=0.5, **shared)
        net.update_prior()
        model.run(opts=[decoder], n_epochs=model.n_dec_epochs, dropout_rate=0, **shared)
        return 1

    return net, more, _score(lambda x: net(x, calculate_loss=False), inside)


def _score(forward: Callable[[torch.Tensor], torch.Tensor], inside: NDArray[np.int64]) -> Score:
    def score(given: sparse.csr_matrix) -> NDArray[np.float32]:
        x = np.zeros(given.shape, dtype=np.float32)
        x[:, inside] = given.toarray()
        with torch.no_grad():
            return np.asarray(forward(torch.from_numpy(x)).numpy()[:, inside])

    return score


MODELS = {"mult-vae": mult_vae, "recvae": recvae}

if __name__ == "__main__":
    main()
