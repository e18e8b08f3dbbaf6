"""How an encoder's token vectors become one vector, as its own files say; nothing is guessed.

`encoder.json` is ours; `read_sentence_transformer` makes the same facts of a Sentence Transformer's folder.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import DamagedBundle, InputError

FILE: Final = "encoder.json"
POOLINGS: Final = ("mean", "cls", "max")


@dataclass(frozen=True)
class EncoderFacts:
    """size: numbers in a vector. max_tokens: read of a text, without those at its ends. before, after: ids of those.

    pooling: one of `POOLINGS`. normalise: whether vectors get the length 1 (the score is the cosine), or keep theirs
    (the score is the plain inner product). kind: `onnx` or `static`. name: what it is called. origin: where its
    weights are from.
    """

    size: int
    max_tokens: int
    pooling: str
    normalise: bool
    kind: str = "onnx"
    name: str = ""
    origin: str = ""
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()


class KnownByFacts:
    """What of a `TextEncoder` its facts say."""

    facts: EncoderFacts

    @property
    def size(self) -> int:
        """Numbers in a vector."""
        return self.facts.size

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read."""
        return self.facts.max_tokens

    @property
    def unit(self) -> bool:
        """Whether every vector has the length 1."""
        return self.facts.normalise


def read_facts(folder: Path) -> EncoderFacts:
    """Read an encoder's `encoder.json`.

    Raises:
        DamagedBundle: it is missing or makes no sense.
    """
    file = folder / FILE
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        facts = EncoderFacts(**{**found, "before": tuple(found["before"]), "after": tuple(found["after"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedBundle(
            f"{file} cannot be read: {error!r}; build the text index again with `anirec index`"
        ) from error
    if facts.pooling not in POOLINGS or facts.size < 1 or facts.max_tokens < 1:
        raise DamagedBundle(f"{file} makes no sense; build the text index again with `anirec index`")
    return facts


def write_facts(facts: EncoderFacts, folder: Path) -> None:
    """Write an encoder's `encoder.json`."""
    (folder / FILE).write_text(json.dumps(asdict(facts), indent=1, sort_keys=True) + "\n", encoding="utf-8")


def pooled(hidden: NDArray[np.float32], mask: NDArray[np.int64], facts: EncoderFacts) -> NDArray[np.float32]:
    """Return one vector a text: hidden float32 [n, tokens, size], mask [n, tokens] 1 where there is a token."""
    if facts.pooling == "cls":
        vectors = hidden[:, 0]
    elif facts.pooling == "max":
        vectors = np.where(mask[:, :, None] > 0, hidden, -np.inf).max(axis=1)
    else:
        held = mask[:, :, None].astype(np.float32)
        vectors = (hidden * held).sum(axis=1) / np.maximum(held.sum(axis=1), 1)
    return scaled(vectors) if facts.normalise else vectors


def scaled(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the vectors at length 1; one of length 0 stays as it is."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit


def read_sentence_transformer(folder: Path) -> EncoderFacts:
    """Read pooling, normalising, length and size from the files of a Sentence Transformer.

    A model without a module that normalises is scored by the inner product, unless its own config names the cosine.

    Raises:
        InputError: it is none, or pools in a way that is not known here.
    """
    modules = _json(folder / "modules.json")
    if not isinstance(modules, list):
        raise InputError(f"{folder} is no Sentence Transformer: it has no modules.json")
    kinds = {str(module["type"]).rsplit(".", 1)[-1]: folder / module["path"] for module in modules}
    if unknown := set(kinds) - {"Transformer", "Pooling", "Normalize"}:
        raise InputError(f"{folder} has modules that cannot be exported: {', '.join(sorted(unknown))}")
    if "Pooling" not in kinds:
        raise InputError(f"{folder} does not say how it pools: it has no module Pooling")
    pooling = _json(kinds["Pooling"] / "config.json")
    config = _json(kinds["Transformer"] / "config.json") or _json(folder / "config.json")
    limits = _json(folder / "sentence_bert_config.json") or {}
    asked = (_json(folder / "config_sentence_transformers.json") or {}).get("similarity_fn_name")
    width = limits.get("max_seq_length") or config.get("max_position_embeddings") or 512
    if not (size := config.get("hidden_size") or config.get("dim")):
        raise InputError(f"{folder} does not say how many numbers its vectors have")
    return EncoderFacts(
        size=int(size),
        max_tokens=int(width) - 2,
        pooling=_pooling(pooling, folder),
        normalise="Normalize" in kinds or asked == "cosine",
        name=folder.name,
    )


def _pooling(config: dict[str, Any], folder: Path) -> str:
    """Return which of `POOLINGS` the config of a module Pooling names, in the spelling of older and newer versions."""
    if isinstance(named := config.get("pooling_mode"), str) and named in POOLINGS:
        return named
    flags = {"mean": "pooling_mode_mean_tokens", "cls": "pooling_mode_cls_token", "max": "pooling_mode_max_tokens"}
    wanted = [name for name, flag in flags.items() if config.get(flag)]
    if len(wanted) != 1:
        raise InputError(f"{folder} pools in a way that is not known here; known are {', '.join(POOLINGS)}")
    return wanted[0]


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except ValueError as error:
        raise InputError(f"{file} cannot be read: {error}") from error
