from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.errors import DamagedBundle, InputError
from anirec.search import cache
from anirec.search.encoders.deferred import DeferredEncoder
from anirec.search.encoders.facts import EncoderFacts, pooled, read_facts, read_sentence_transformer, write_facts
from fake_encoder import FakeEncoder

LAYERS, SIZE, HEADS, INNER = 2, 16, 4, 32
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "boy", "finds", "sword", "girl", "sings", "##s"]


def weights(kind: str) -> dict[str, NDArray[np.float32]]:
    """Random weights under the names of one architecture."""
    from anirec.search.encoders.export import NAMES

    rng, names = np.random.default_rng(0), NAMES[kind]

    def some(*shape: int) -> NDArray[np.float32]:
        return (rng.standard_normal(shape) * 0.3).astype(np.float32)

    found = {
        "embeddings.word_embeddings.weight": some(len(WORDS), SIZE),
        "embeddings.position_embeddings.weight": some(24, SIZE),
        "embeddings.LayerNorm.weight": 1 + some(SIZE),
        "embeddings.LayerNorm.bias": some(SIZE),
    }
    if kind == "bert":
        found["embeddings.token_type_embeddings.weight"] = some(2, SIZE)
    for layer in range(LAYERS):
        at = names["layer"].format(layer)
        shapes = dict.fromkeys(("query", "key", "value", "out"), (SIZE, SIZE)) | {
            "up": (INNER, SIZE),
            "down": (SIZE, INNER),
        }
        for part, shape in shapes.items():
            found |= {f"{at}{names[part]}.weight": some(*shape), f"{at}{names[part]}.bias": some(shape[0])}
        for norm in ("norm", "norm2"):
            found |= {f"{at}{names[norm]}.weight": 1 + some(SIZE), f"{at}{names[norm]}.bias": some(SIZE)}
    return found


def write_model(folder: Path, kind: str = "bert", changes: Mapping[str, Any] | None = None) -> Path:
    """Write a Sentence Transformer with a random tiny net."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    folder.mkdir(exist_ok=True)
    config: dict[str, Any] = {"model_type": "bert", "hidden_act": "gelu", "hidden_size": SIZE, "layer_norm_eps": 1e-5}
    config |= {"num_hidden_layers": LAYERS, "num_attention_heads": HEADS}
    if kind == "distilbert":
        config = {"model_type": "distilbert", "activation": "gelu", "n_layers": LAYERS, "n_heads": HEADS, "dim": SIZE}
    files = {
        "config.json": config,
        "modules.json": [{"type": "models.Transformer", "path": ""}, {"type": "models.Pooling", "path": "1_Pooling"}],
        "sentence_bert_config.json": {"max_seq_length": 12},
        "1_Pooling/config.json": {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False},
    } | dict(changes or {})
    (folder / "1_Pooling").mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    save_file(
        {f"{kind}.{n}" if kind == "distilbert" else n: a for n, a in weights(kind).items()},
        folder / "model.safetensors",
    )
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))  # noqa: S106 - no password
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def slow_net(kind: str, ids: list[int], epsilon: float) -> NDArray[np.float64]:
    """The definition of the net, for one text."""
    from scipy.special import erf, softmax

    from anirec.search.encoders.export import NAMES

    w, names = {n: a.astype(np.float64) for n, a in weights(kind).items()}, NAMES[kind]

    def norm(x: NDArray[np.float64], at: str) -> NDArray[np.float64]:
        off = x - x.mean(axis=-1, keepdims=True)
        scaled = off / np.sqrt((off**2).mean(axis=-1, keepdims=True) + epsilon)
        return np.asarray(scaled * w[f"{at}.weight"] + w[f"{at}.bias"])

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    if kind == "bert":
        x = x + w["embeddings.token_type_embeddings.weight"][0]
    x = norm(x, "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = names["layer"].format(layer)

        def linear(x: NDArray[np.float64], part: str, at: str = at) -> NDArray[np.float64]:
            return np.asarray(x @ w[f"{at}{names[part]}.weight"].T + w[f"{at}{names[part]}.bias"])

        q, k, v = (linear(x, p).reshape(len(ids), HEADS, -1).transpose(1, 0, 2) for p in ("query", "key", "value"))
        mixed = softmax(q @ k.transpose(0, 2, 1) / np.sqrt(SIZE / HEADS), axis=-1) @ v
        x = norm(x + linear(mixed.transpose(1, 0, 2).reshape(len(ids), SIZE), "out"), at + names["norm"])
        up = linear(x, "up")
        x = norm(x + linear(up * (1 + erf(up / np.sqrt(2))) / 2, "down"), at + names["norm2"])
    return np.asarray(x)


@pytest.mark.parametrize(("kind", "epsilon"), [("bert", 1e-5), ("distilbert", 1e-12)])
def test_the_exported_net_is_the_definition_whatever_stands_beside_a_text(
    tmp_path: Path, kind: str, epsilon: float
) -> None:
    for needed in ("onnx", "onnxruntime", "safetensors", "tokenizers"):
        pytest.importorskip(needed, reason="the extra text-train is not installed")
    from anirec.search.encoders.export import export
    from anirec.search.encoders.onnx import open_onnx

    facts = export(write_model(tmp_path / "model", kind), tmp_path / "whole", int8=False)
    assert (facts.before, facts.after, facts.max_tokens, facts.normalise) == ((2,), (3,), 10, False)
    encoder = open_onnx(tmp_path / "whole")
    texts = ["a boy finds a sword", "girl", "", "a girl sings dragons"]
    expected = [slow_net(kind, [2, *ids, 3], epsilon).mean(axis=0) for ids in ([4, 5, 6, 4, 7], [8], [], [4, 8, 9, 1])]
    np.testing.assert_allclose(encoder.encode(texts), expected, atol=1e-4)
    assert encoder.lengths(texts) == [5, 1, 0, 4]
    long = "boy " * 40
    np.testing.assert_allclose(encoder.encode([long]), encoder.encode(["boy " * 10]), atol=1e-5)
    export(tmp_path / "model", tmp_path / "small", name="tiny")
    small = open_onnx(tmp_path / "small").encode(texts)
    cosines = (small * expected).sum(1) / np.linalg.norm(small, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosines.min() > 0.95
    assert read_facts(tmp_path / "small").name == "tiny"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config.json": {"model_type": "t5", "hidden_size": SIZE}}, "is a t5; what can be exported: bert, distilbert"),
        ({"modules.json": {}}, "is no Sentence Transformer"),
        ({"modules.json": [{"type": "x.Transformer", "path": ""}]}, "does not say how it pools"),
        ({"modules.json": [{"type": "x.Dense", "path": ""}]}, "modules that cannot be exported: Dense"),
        ({"1_Pooling/config.json": {"pooling_mode_weightedmean_tokens": True}}, "pools in a way that is not known"),
    ],
)
def test_what_cannot_be_exported_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    for needed in ("onnx", "safetensors", "tokenizers"):
        pytest.importorskip(needed, reason="the extra text-train is not installed")
    from anirec.search.encoders.export import export

    with pytest.raises(InputError, match=message):
        export(
            write_model(tmp_path / "model", changes={"config.json": {"hidden_size": SIZE}} | changes), tmp_path / "out"
        )
    assert not (tmp_path / "out").exists()


def test_pooling_and_score_are_read_from_the_model(tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="the extra text-train is not installed")
    pytest.importorskip("tokenizers", reason="the extra text is not installed")
    dot = write_model(tmp_path / "dot", changes={"1_Pooling/config.json": {"pooling_mode_cls_token": True}})
    assert (read_sentence_transformer(dot).pooling, read_sentence_transformer(dot).normalise) == ("cls", False)
    cosine_said = {"similarity_fn_name": "cosine"}
    changes = {"config_sentence_transformers.json": cosine_said, "1_Pooling/config.json": {"pooling_mode": "max"}}
    cosine = read_sentence_transformer(write_model(tmp_path / "cosine", changes=changes))
    assert (cosine.pooling, cosine.normalise) == ("max", True)


@pytest.mark.parametrize(("pooling", "expected"), [("mean", [2.0, 3.0]), ("cls", [1.0, 2.0]), ("max", [3.0, 4.0])])
def test_padding_is_no_part_of_a_text(pooling: str, expected: list[float]) -> None:
    hidden = np.array([[[1, 2], [3, 4], [99, 99]]], dtype=np.float32)
    facts = EncoderFacts(2, 8, pooling, normalise=False)
    assert pooled(hidden, np.array([[1, 1, 0]]), facts).tolist() == [expected]


def test_a_broken_encoder_is_a_damaged_bundle(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra text is not installed")
    from anirec.search.encoders.onnx import open_onnx

    with pytest.raises(DamagedBundle, match=r"encoder\.json cannot be read"):
        open_onnx(tmp_path)
    write_facts(EncoderFacts(2, 8, "mean", normalise=True), tmp_path)
    with pytest.raises(DamagedBundle, match="cannot be opened"):
        open_onnx(tmp_path)


def test_static_vectors_are_means_of_the_teachers_words(tmp_path: Path) -> None:
    for needed in ("onnx", "onnxruntime", "safetensors", "tokenizers"):
        pytest.importorskip(needed, reason="the extra text-train is not installed")
    from anirec.search.encoders.export import export
    from anirec.search.encoders.onnx import open_onnx
    from anirec.search.encoders.static import distil, open_static

    export(write_model(tmp_path / "model"), tmp_path / "teacher")
    (tmp_path / "static").mkdir()
    counts = np.arange(len(WORDS), dtype=np.int64)
    distil(open_onnx(tmp_path / "teacher"), tmp_path / "teacher", tmp_path / "static", counts)
    encoder = open_static(tmp_path / "static")
    one, two, both, none = encoder.encode(["boy", "girl", "boy girl", ""])
    raw = encoder.vectors[[5, 8]].astype(np.float32).mean(axis=0)
    np.testing.assert_allclose(both, raw / np.linalg.norm(raw), atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm([one, two], axis=1), 1, atol=1e-3)
    assert not none.any()


def test_what_was_encoded_is_not_encoded_again_after_a_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "BLOCK", 2)
    texts = ["a boy", "a girl", "a sword", "a boy", "a song"]
    encoder = FakeEncoder()

    def stop(done: int, _total: int) -> None:
        if done >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.encoded(texts, encoder, tmp_path, stop)
    assert encoder.asked == ["a boy", "a girl"]
    found = cache.encoded(texts, encoder, tmp_path, lambda done, total: None)
    assert encoder.asked == ["a boy", "a girl", "a sword", "a song"]
    np.testing.assert_allclose(found, FakeEncoder().encode(texts), atol=1e-3)


def test_an_encoder_that_is_opened_later_is_opened_once_however_many_ask_at_once() -> None:
    opened: list[FakeEncoder] = []

    def slow() -> FakeEncoder:
        time.sleep(0.05)
        opened.append(FakeEncoder())
        return opened[-1]

    later = DeferredEncoder(EncoderFacts(64, 32, "mean", normalise=True), slow)
    assert (later.size, later.max_tokens, later.unit, opened) == (64, 32, True, [])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(later.encode, [["a boy"]] * 4))
    assert len(opened) == 1
    assert all(np.array_equal(one, FakeEncoder().encode(["a boy"])) for one in found)
    assert later.lengths(["a boy"]) == [2]
