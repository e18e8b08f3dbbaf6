"""A transformer in int8 ONNX, run by ONNX Runtime on the processor: no torch, milliseconds a query.

A folder holds `model.onnx` (token ids and mask -> a vector per token), `tokenizer.json` and `encoder.json`, which says
how token vectors become one. `export.py` makes such a folder of any Sentence Transformer.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import DamagedBundle, MissingAbility
from anirec.search.encoders.facts import pooled, read_facts
from anirec.search.encoders.tokens import TokenEncoder, open_tokenizer

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

BATCH_TOKENS: Final = 2048
"""Tokens, padding included, that are encoded at a time: more does not go faster on one core."""


@dataclass(frozen=True, eq=False)
class OnnxEncoder(TokenEncoder):
    """See `TextEncoder`. Make one with `open_onnx`."""

    session: InferenceSession

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 [n, size]; texts of like length go through the net together."""
        ids = [self._ids(tokens) for tokens in self.tokens(texts)]
        vectors = np.empty((len(ids), self.size), dtype=np.float32)
        order = np.argsort([len(one) for one in ids], kind="stable")
        start = 0
        while start < len(order):
            stop = start + 1
            while stop < len(order) and len(ids[order[stop]]) * (stop + 1 - start) <= BATCH_TOKENS:
                stop += 1
            batch = order[start:stop]
            vectors[batch] = self._run([ids[i] for i in batch])
            start = stop
        return vectors

    def _ids(self, tokens: list[int]) -> list[int]:
        return [*self.facts.before, *tokens[: self.max_tokens], *self.facts.after]

    def _run(self, ids: list[list[int]]) -> NDArray[np.float32]:
        width = max(len(one) for one in ids)
        tokens = np.zeros((len(ids), width), dtype=np.int64)
        mask = np.zeros((len(ids), width), dtype=np.int64)
        for row, one in enumerate(ids):
            tokens[row, : len(one)] = one
            mask[row, : len(one)] = 1
        (hidden,) = self.session.run(None, {"input_ids": tokens, "attention_mask": mask})
        return pooled(np.asarray(hidden, dtype=np.float32), mask, self.facts)


def silence() -> None:
    """See to it that ONNX Runtime tells nobody what it is used for; has to be called before it is imported.

    New versions send that to their makers, and keep a name for the machine in a file, unless they are told not to.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def open_onnx(folder: Path, *, threads: int = 1) -> OnnxEncoder:
    """Open an encoder's folder. threads: that one encoding uses; a query is too short to share out.

    Raises:
        MissingAbility: ONNX Runtime or tokenizers is not installed.
        DamagedBundle: a file is missing or cannot be read.
    """
    silence()
    try:
        import onnxruntime  # noqa: PLC0415 - an extra, and slow to load
    except ImportError as error:
        raise MissingAbility(f'search needs ONNX Runtime: pip install "anirec[text]" ({error})') from error
    facts = read_facts(folder)
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library raises plain exceptions
        raise DamagedBundle(f"the text encoder in {folder} cannot be opened: {error}") from error
    return OnnxEncoder(open_tokenizer(folder), facts, session)
