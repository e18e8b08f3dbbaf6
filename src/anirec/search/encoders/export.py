"""A Sentence Transformer -> int8 ONNX that runs without torch; see `onnx.py`. Needs the extra `text-train`.

The graph is written here, operator by operator, from the weights alone, for BERT (MiniLM among them) and DistilBERT,
whose layers are the same under other names. Attention, skipped layer norms and GELU are ONNX Runtime's fused operators.
Source: Devlin et al. 2018 (the net); ONNX Runtime's operators `Attention`, `SkipLayerNormalization`, `BiasGelu`.

Weights of matrices and embeddings become 8-bit numbers, a scale per column, activations are quantised as they come
(dynamic quantisation). Seven bits of the eight are used (`reduce_range`): processors without VNNI would add up 16-bit
pairs past their limit, and vectors would differ from one machine to the next.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.core.errors import InputError, MissingAbility
from anirec.search.encoders.facts import EncoderFacts, read_sentence_transformer, write_facts
from anirec.search.encoders.onnx import silence
from anirec.tables import new_folder

if TYPE_CHECKING:
    import onnx

CONTRIB: Final = "com.microsoft"
OPSET: Final = 17

NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "bert": {
        "layer": "encoder.layer.{}.",
        "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
        "out": "attention.output.dense", "norm": "attention.output.LayerNorm",
        "up": "intermediate.dense", "down": "output.dense", "norm2": "output.LayerNorm",
    },
    "distilbert": {
        "layer": "transformer.layer.{}.",
        "query": "attention.q_lin", "key": "attention.k_lin", "value": "attention.v_lin",
        "out": "attention.out_lin", "norm": "sa_layer_norm",
        "up": "ffn.lin1", "down": "ffn.lin2", "norm2": "output_layer_norm",
    },
}  # fmt: skip
"""How each architecture calls its weights."""


@dataclass
class _Graph:
    """A graph as it is written. heads: of attention. epsilon: of layer norms."""

    weights: Mapping[str, NDArray[np.float32]]
    heads: int
    epsilon: float
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, array: NDArray[Any]) -> str:
        from onnx import numpy_helper  # noqa: PLC0415 - an extra

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def weight(self, name: str, *, transposed: bool = False) -> str:
        array = self.weights[name]
        return self.constant(name, array.T if transposed else array)

    def node(self, kind: str, inputs: list[str], out: str, domain: str = "", **facts: Any) -> str:
        from onnx import helper  # noqa: PLC0415 - an extra

        self.nodes.append(helper.make_node(kind, inputs, [out], name=out, domain=domain, **facts))
        return out

    def linear(self, name: str, inputs: str, out: str) -> str:
        return self.node("MatMul", [inputs, self.weight(f"{name}.weight", transposed=True)], out)


def export(source: Path, out: Path, *, name: str = "", origin: str = "", int8: bool = True) -> EncoderFacts:
    """Write an encoder's folder from a Sentence Transformer's; an old one at `out` is replaced when complete.

    source: a local folder; nothing is downloaded. int8: False keeps 32-bit weights, four times the size.

    Raises:
        InputError: it is no Sentence Transformer, or of an architecture that is not known here.
        MissingAbility: onnx, safetensors or tokenizers is not installed.
    """
    try:
        import onnx  # noqa: PLC0415 - an extra
        from tokenizers import Tokenizer  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingAbility(f'exporting needs onnx: pip install "anirec[text-train]" ({error})') from error
    facts = read_sentence_transformer(source)
    if not (source / "tokenizer.json").is_file():
        raise InputError(f"{source} has no tokenizer.json, which is needed to run without torch")
    ends = Tokenizer.from_file(str(source / "tokenizer.json"))
    ends.no_padding()
    ids = ends.encode("").ids
    middle = len(ids) // 2
    before, after = tuple(ids[:middle]), tuple(ids[middle:])
    facts = replace(facts, before=before, after=after, name=name or facts.name, origin=origin)
    with new_folder(out) as folder, tempfile.TemporaryDirectory() as work:
        whole = Path(work) / "whole.onnx"
        onnx.save(build(source), str(whole))
        if int8:
            quantise(whole, folder / "model.onnx")
        else:
            shutil.copy(whole, folder / "model.onnx")
        shutil.copy(source / "tokenizer.json", folder / "tokenizer.json")
        write_facts(facts, folder)
    return facts


def build(source: Path) -> onnx.ModelProto:
    """Return the net of a Sentence Transformer's folder as an ONNX model: input_ids, attention_mask -> hidden.

    Raises:
        InputError: its architecture or its activation is not known here.
    """
    from onnx import TensorProto, helper  # noqa: PLC0415 - an extra

    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    kind = config.get("model_type")
    if kind not in NAMES or config.get("hidden_act", config.get("activation")) != "gelu":
        raise InputError(f"the net in {source} is a {kind}; what can be exported: {', '.join(NAMES)}, with GELU")
    names, layers = NAMES[kind], int(config.get("num_hidden_layers") or config["n_layers"])
    graph = _Graph(
        _weights(source, kind),
        heads=int(config.get("num_attention_heads") or config["n_heads"]),
        epsilon=float(config.get("layer_norm_eps", 1e-12)),
    )
    hidden = _embedded(graph)
    graph.node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    for i in range(layers):
        hidden = _layer(graph, hidden, names["layer"].format(i), names)
    graph.node("Identity", [hidden], "hidden")
    size = graph.weights["embeddings.word_embeddings.weight"].shape[1]
    tokens = [
        helper.make_tensor_value_info(n, TensorProto.INT64, ["rows", "width"]) for n in ("input_ids", "attention_mask")
    ]
    outs = [helper.make_tensor_value_info("hidden", TensorProto.FLOAT, ["rows", "width", size])]
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
    whole = helper.make_graph(graph.nodes, "encoder", tokens, outs, graph.constants)
    return helper.make_model(whole, opset_imports=opsets, ir_version=8)


def _embedded(graph: _Graph) -> str:
    """Add up the embeddings of words, places and (BERT's, always the first) kind of text, and norm them."""
    places = graph.weights["embeddings.position_embeddings.weight"]
    if (kinds := graph.weights.get("embeddings.token_type_embeddings.weight")) is not None:
        places = places + kinds[0]
    graph.node("Gather", [graph.weight("embeddings.word_embeddings.weight"), "input_ids"], "words")
    graph.node("Shape", ["input_ids"], "width", start=1, end=2)
    at = [
        graph.constant("places", places),
        graph.constant("none", np.zeros(1, np.int64)),
        "width",
        graph.constant("rows", np.zeros(1, np.int64)),
    ]
    graph.node("Slice", at, "placed")
    graph.node("Add", ["words", "placed"], "embedded")
    scale = [graph.weight(f"embeddings.LayerNorm.{part}") for part in ("weight", "bias")]
    return graph.node("LayerNormalization", ["embedded", *scale], "embedded.norm", axis=-1, epsilon=graph.epsilon)


def _layer(graph: _Graph, hidden: str, at: str, names: Mapping[str, str]) -> str:
    """Add one layer: attention, norm, two linear steps with GELU between, norm."""
    parts = [graph.weights[f"{at}{names[p]}.weight"].T for p in ("query", "key", "value")]
    biases = [graph.weights[f"{at}{names[p]}.bias"] for p in ("query", "key", "value")]
    qkv = graph.constant(f"{at}qkv.weight", np.concatenate(parts, axis=1))
    bias = graph.constant(f"{at}qkv.bias", np.concatenate(biases))
    attended = graph.node(
        "Attention", [hidden, qkv, bias, "mask"], f"{at}attended", domain=CONTRIB, num_heads=graph.heads
    )
    mixed = graph.linear(at + names["out"], attended, f"{at}mixed")
    normed = _normed(graph, mixed, hidden, at, names["norm"], names["out"])
    up = graph.linear(at + names["up"], normed, f"{at}up")
    active = graph.node("BiasGelu", [up, graph.weight(f"{at}{names['up']}.bias")], f"{at}gelu", domain=CONTRIB)
    down = graph.linear(at + names["down"], active, f"{at}down")
    return _normed(graph, down, normed, at, names["norm2"], names["down"])


def _normed(graph: _Graph, new: str, old: str, at: str, norm: str, linear: str) -> str:
    inputs = [
        new,
        old,
        *(graph.weight(f"{at}{norm}.{part}") for part in ("weight", "bias")),
        graph.weight(f"{at}{linear}.bias"),
    ]
    return graph.node("SkipLayerNormalization", inputs, f"{at}{norm}.done", domain=CONTRIB, epsilon=graph.epsilon)


def _weights(source: Path, kind: str) -> dict[str, NDArray[np.float32]]:
    """Return the weights by name, without the name of the net before each."""
    try:
        from safetensors.numpy import load_file  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingAbility(f'exporting needs safetensors: pip install "anirec[text-train]" ({error})') from error
    file = source / "model.safetensors"
    if not file.is_file():
        raise InputError(f"{source} has no model.safetensors; save it anew with a present-day sentence-transformers")
    found = load_file(str(file))
    return {n.removeprefix(f"{kind}."): a.astype(np.float32) for n, a in found.items() if a.dtype.kind == "f"}


def quantise(whole: Path, out: Path) -> None:
    """Write an ONNX model with the weights of its matrices and embeddings in 8 bits."""
    silence()
    from onnx import TensorProto  # noqa: PLC0415 - an extra
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 - an extra

    told = logging.root.level
    logging.root.setLevel(logging.ERROR)  # it advises to simplify the graph first, which is written simple
    try:
        quantize_dynamic(
            whole,
            out,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Attention", "Gather"],
            extra_options={"DefaultTensorType": TensorProto.FLOAT},  # shapes are not inferred through fused operators
        )
    finally:
        logging.root.setLevel(told)
