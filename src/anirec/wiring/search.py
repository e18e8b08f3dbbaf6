"""Which encoder a bundle's search uses, and how the parts become what answers a query."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from anirec.core.errors import DamagedBundle, MissingAbility
from anirec.search.encoders import TextEncoder
from anirec.search.encoders.deferred import DeferredEncoder
from anirec.search.encoders.facts import read_facts
from anirec.search.encoders.onnx import open_onnx
from anirec.search.encoders.sentence import open_sentence
from anirec.search.encoders.static import open_static
from anirec.search.rerank import open_cross_encoder
from anirec.search.stores import Guarded
from anirec.service.quotes import Quotes, quotes_of
from anirec.service.recommend import Service
from anirec.service.search import Search
from anirec.stores.bundle import Bundle, read_bundle
from anirec.stores.facts import FactsTable
from anirec.wiring.serve import bundle_at, service_of
from anirec.wiring.vectors import VECTORS_VARIABLE, index_of, open_store

ENCODERS: Final[Mapping[str, Callable[[Path], TextEncoder]]] = {
    "onnx": open_onnx,
    "static": open_static,
    "sentence": lambda folder: open_sentence(read_facts(folder).name),
}
"""How an encoder is opened from its folder, by the kind that its `encoder.json` names."""
RUN_ON: Final = {"onnx": ("onnxruntime", "tokenizers"), "static": ("tokenizers",)}
"""The packages that an encoder of a kind runs on."""


def open_encoder(folder: Path) -> TextEncoder:
    """Open an encoder's folder.

    Raises:
        DamagedBundle: it cannot be read, or is of a kind that is not known.
        MissingAbility: what it runs on is not installed.
    """
    kind = read_facts(folder).kind
    if kind not in ENCODERS:
        raise DamagedBundle(f'the text encoder in {folder} is of a kind that is not known: "{kind}"')
    return ENCODERS[kind](folder)


def open_later(folder: Path) -> TextEncoder:
    """Return an encoder that is opened when it is first asked; errors as in `open_encoder`, but for a damaged net."""
    facts = read_facts(folder)
    if not all(find_spec(module) for module in RUN_ON.get(facts.kind, ())):
        return open_encoder(folder)  # which says what is missing
    return DeferredEncoder(facts, partial(open_encoder, folder))


def load_search(bundle: Path | str | None = None, *, rerank: str | None = None, warm: bool = False) -> Search:
    """Open a bundle and return what answers queries from it; bundle as in `serve.load`.

    rerank: the name or folder of a cross-encoder; None = none. warm: for many queries in one process: facts are held
    in memory.

    Raises:
        BundleError: there is no sound bundle there.
        MissingAbility: it has nothing to search in, or what search runs on is not installed.
    """
    opened = read_bundle(bundle_at(bundle))
    search = search_of(opened)
    if warm:
        service = replace(search.service, facts=FactsTable(opened.anime_table).warmed())
        search = replace(search, service=service)
    if rerank:
        search = replace(search, reranker=open_cross_encoder(rerank, download=not Path(rerank).is_dir()))
    return search


def quotes_in(opened: Bundle) -> Quotes | None:
    """Return what finds quotes in the texts of a bundle, None where it has none.

    Raises:
        DamagedBundle: they cannot be read.
    """
    if opened.search is None or "passages" not in opened.search.arrays:
        return None
    return quotes_of(index_of(opened, opened.search))


def search_of(
    opened: Bundle, service: Service | None = None, *, encoder: Callable[[Path], TextEncoder] = open_encoder
) -> Search:
    """Return what answers queries from an opened bundle; errors as in `load_search`.

    service: that answers from it already; None = a new one. encoder: `open_encoder` or `open_later`. Where
    `$ANIREC_VECTORS` names a store, chunks are looked for there; while it does not answer, words and labels alone
    count.
    """
    if opened.search is None:
        raise MissingAbility(
            f"the bundle at {opened.path} has nothing to search in; add it with "
            "`anirec index --data DIR --bundle BUNDLE`"
        )
    found = index_of(opened, opened.search)
    if (url := os.environ.get(VECTORS_VARIABLE)) is not None:
        found = replace(found, nearest=Guarded(open_store(url, found.chunks.vectors)))
    return Search(service or service_of(opened), found, encoder(opened.encoder))
