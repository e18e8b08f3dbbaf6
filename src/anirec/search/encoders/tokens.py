"""What encoders have in common that read tokens with a tokenizer of their own, and know the rest from their facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anirec.core.errors import DamagedBundle, MissingAbility
from anirec.search.encoders.facts import EncoderFacts, KnownByFacts

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True, eq=False)
class TokenEncoder(KnownByFacts):
    """All of a `TextEncoder` but `encode`."""

    tokenizer: Tokenizer
    facts: EncoderFacts

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has."""
        return [len(ids) for ids in self.tokens(texts)]

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of all tokens of each text, without those that are added at its ends."""
        return [found.ids for found in self.tokenizer.encode_batch(list(texts), add_special_tokens=False)]


def open_tokenizer(folder: Path) -> Tokenizer:
    """Open the `tokenizer.json` of an encoder's folder; it neither cuts nor fills up.

    Raises:
        MissingAbility: tokenizers is not installed.
        DamagedBundle: the file is missing or cannot be read.
    """
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingAbility(f'search needs tokenizers: pip install "anirec[text]" ({error})') from error
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library raises plain exceptions
        raise DamagedBundle(f"the text encoder in {folder} cannot be opened: {error}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
