"""How texts get into a bundle, for search. Apart from `search`, so that what answers does not load what makes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from anirec.core.errors import InputError
from anirec.search.building import IndexConfig
from anirec.search.chunks import ChunkConfig
from anirec.search.documents import DocumentConfig
from anirec.search.encoders.facts import FILE, EncoderFacts, write_facts
from anirec.search.encoders.sentence import open_sentence
from anirec.search.lexical import LexicalConfig
from anirec.service.indexing import Indexed, add_index
from anirec.service.progress import Progress
from anirec.sources.importer import need_canonical
from anirec.stores.bundle import Bundle, read_bundle
from anirec.wiring.search import open_encoder
from anirec.wiring.serve import bundle_at, starter_bundle, writable


@dataclass(frozen=True)
class IndexLimits:
    """How much of the texts goes into a bundle; 0 = all.

    reviews: of each anime. windows: of each review. words: of each anime, and twice as many that its reviews say more
    often than others'. chunks: in all. passages: whether the texts themselves go in. small: vectors in 4 bits.
    """

    reviews: int = 0
    windows: int = 0
    words: int = 0
    chunks: int = 0
    passages: bool = True
    small: bool = False


def add_texts(
    folder: Path,
    bundle: Path | str | None,
    out: Path | None,
    encoder: str | None,
    work: Path | None,
    limits: IndexLimits,
    progress: Progress,
) -> tuple[Indexed, Path]:
    """Put the texts of a canonical folder into a bundle; returns what was made, and where.

    out: None = the bundle's own folder. encoder: a folder or name; None = that of the bundle, else of the starter
    bundle. work: None = beside the bundle.

    Raises:
        InputError: the folder is not canonical, or there is no such encoder.
        BundleError, SourceError, MissingAbility: the bundle, the data or what is installed does not do.
    """
    need_canonical(folder)
    target = writable(bundle, out)
    opened = read_bundle(bundle_at(bundle))
    kept = work if work is not None else target.with_name(f"{target.name}.texts")
    config = IndexConfig(
        documents=DocumentConfig(reviews=limits.reviews, review=ChunkConfig(most=limits.windows)),
        words=LexicalConfig(most=limits.words, said=2 * limits.words),
        chunks=limits.chunks,
        passages=limits.passages,
        small=limits.small,
    )
    with tempfile.TemporaryDirectory() as scratch:
        chosen = _encoder_folder(encoder, opened, Path(scratch))
        made = add_index(opened, folder, target, open_encoder(chosen), chosen, config, kept, progress)
    return made, target


def _encoder_folder(named: str | None, bundle: Bundle, scratch: Path) -> Path:
    """Return the folder of the encoder that was named, made in `scratch` for a Sentence Transformer."""
    if named is None:
        own = [found for found in (bundle.encoder, starter_bundle() / "search" / "encoder") if found.is_dir()]
        if not own:
            raise InputError("name an encoder with --encoder: this bundle has none, nor has the starter bundle")
        return own[0]
    if (Path(named) / FILE).is_file():
        return Path(named)
    model = open_sentence(named, download=not Path(named).is_dir())
    facts = EncoderFacts(model.size, model.max_tokens, "mean", model.unit, kind="sentence", name=named)
    write_facts(replace(facts, origin="the Sentence Transformer of this name"), scratch)
    return scratch
