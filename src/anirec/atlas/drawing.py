"""A part of the graph as it leaves the process: to GraphML, which any graph program reads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from anirec.core.anime import Anime
from anirec.tables import new_file


@dataclass(frozen=True)
class Node:
    """A title to draw. x, y: on the map. community: its number, -1 = none; about: what that is called.

    marked: it was asked for.
    """

    anime: Anime
    x: float
    y: float
    community: int
    about: str
    marked: bool = False


@dataclass(frozen=True)
class Drawn:
    """A graph without directions. edges: places of two nodes, the lower first, and the weight of their tie, above 0."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int, float], ...]


_COLUMNS: Final = {
    "title": "string",
    "title_english": "string",
    "year": "int",
    "type": "string",
    "genres": "string",
    "members": "int",
    "score": "double",
    "adult": "boolean",
    "community": "int",
    "community_name": "string",
    "x": "double",
    "y": "double",
}
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Signs that XML 1.0 cannot hold."""


def write_graphml(drawn: Drawn, path: Path) -> None:
    """Write a graph as GraphML; a file of this name is replaced only when the new one is complete.

    Nodes have the id `n` and their anime id, and what is known as attributes; genres stand behind one another with
    "; " between. Edges have a weight.
    """
    root = ElementTree.Element("graphml", {"xmlns": "http://graphml.graphdrawing.org/xmlns"})
    for name, kind in _COLUMNS.items():
        ElementTree.SubElement(root, "key", {"id": name, "for": "node", "attr.name": name, "attr.type": kind})
    weight = {"id": "weight", "for": "edge", "attr.name": "weight", "attr.type": "double"}
    ElementTree.SubElement(root, "key", weight)
    graph = ElementTree.SubElement(root, "graph", {"id": "similar", "edgedefault": "undirected"})
    for node in drawn.nodes:
        element = ElementTree.SubElement(graph, "node", {"id": _id(node)})
        for name, value in _values(node):
            _data(element, name, value)
    for one, other, strength in drawn.edges:
        ends = {"source": _id(drawn.nodes[one]), "target": _id(drawn.nodes[other])}
        _data(ElementTree.SubElement(graph, "edge", ends), "weight", round(strength, 4))
    ElementTree.indent(root, " ")
    with new_file(path) as file:
        ElementTree.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)


def _id(node: Node) -> str:
    return f"n{node.anime.anime_id}"


def _values(node: Node) -> Iterable[tuple[str, object]]:
    anime = node.anime
    known: dict[str, object] = {
        **{name: getattr(anime, name) for name in ("title", "title_english", "year", "type", "members", "score")},
        "genres": "; ".join(anime.genres) or None,
        "adult": "true" if anime.adult else "false",
        "community": node.community,
        "community_name": node.about or None,
        "x": round(node.x, 5),
        "y": round(node.y, 5),
    }
    return ((name, known[name]) for name in _COLUMNS if known[name] is not None)


def _data(element: ElementTree.Element, name: str, value: object) -> None:
    ElementTree.SubElement(element, "data", {"key": name}).text = _FORBIDDEN.sub("", str(value))
