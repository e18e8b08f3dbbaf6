"""A world where what a label is called is said by no text about it: who finds the one by the other has learned it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from anirec.core.columns import ANIME, REVIEWS, SYNOPSES

SUBJECTS = {
    "Crime": "detective murder police clue alibi suspect",
    "Mecha": "robot cockpit pilot reactor armour hangar",
    "Sports": "match coach training goal tournament stadium",
    "Music": "guitar stage song chorus rehearsal drummer",
    "Romance": "confession kiss letter couple wedding heart",
    "Horror": "corpse scream darkness curse blood cellar",
}
TALK = ["the", "a", "and", "story", "about", "with", "young", "who", "finds", "in", "city"]
N = 60


def subject_of(anime_id: int) -> str:
    return list(SUBJECTS)[anime_id % len(SUBJECTS)]


def write_subjects(folder: Path, seed: int = 0) -> Path:
    """Write anime with one label each, a synopsis and two reviews, in a canonical folder."""
    rng = np.random.default_rng(seed)
    folder.mkdir(exist_ok=True)

    def text(anime_id: int) -> str:
        words = [*rng.choice(SUBJECTS[subject_of(anime_id)].split(), 4), *rng.choice(TALK, 4)]
        return " ".join(str(words[int(i)]) for i in rng.permutation(8)).capitalize() + "."

    anime = [{"anime_id": i, "title": f"Title {i}", "genres": [subject_of(i)], "members": 1000 - i} for i in ids()]
    synopses = [{"anime_id": i, "text": text(i), "source": "test"} for i in ids()]
    reviews = [{"anime_id": i, "review_id": 2 * i + k, "text": text(i), "helpful": 1} for i in ids() for k in (0, 1)]
    for name, columns, rows in (
        ("anime", ANIME, anime),
        ("synopses", SYNOPSES, synopses),
        ("reviews", REVIEWS, reviews),
    ):
        (folder / f"{name}.json").write_text(json.dumps(rows))
        given = ", ".join(
            f"{c}::{kind} AS {c}" if c in rows[0] else f"NULL::{kind} AS {c}" for c, kind in columns.items()
        )
        duckdb.sql(f"COPY (SELECT {given} FROM '{folder / name}.json') TO '{folder / name}.parquet' (FORMAT parquet)")
        (folder / f"{name}.json").unlink()
    return folder


def ids() -> range:
    return range(1, N + 1)


def write_queries(file: Path) -> Path:
    """Write what nobody learns from: each subject by its name, and who answers."""
    queries = [
        {"id": name, "text": f"{name.lower()} anime", "relevant": {str(i): 3 for i in ids() if subject_of(i) == name}}
        for name in SUBJECTS
    ]
    file.write_text(json.dumps(queries))
    return file


def write_tiny_transformer(folder: Path) -> Path:
    """Write a Sentence Transformer of two layers that knows the words of this world and has learned nothing."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    names = [name.lower() for name in SUBJECTS]
    said = sorted({*" ".join(SUBJECTS.values()).split(), *TALK, *names, "anime", "something", "like", "title"})
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *said]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))  # noqa: S106 - no password
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(0)
    net = BertModel(
        BertConfig(
            vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
            max_position_embeddings=40,
        )
    )  # fmt: skip
    raw = folder.with_name(f"{folder.name}.raw")
    net.save_pretrained(raw)
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    make: Any = PreTrainedTokenizerFast
    make(tokenizer_object=tokenizer, model_max_length=40, **special).save_pretrained(raw)
    transformer = Transformer(str(raw), max_seq_length=40)
    SentenceTransformer(modules=[transformer, Pooling(32, pooling_mode="mean"), Normalize()], device="cpu").save(
        str(folder)
    )
    return folder
