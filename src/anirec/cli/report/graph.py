"""A part of the graph as a picture, drawn by matplotlib: PNG, or SVG in which text stays text.

Titles stand as the ties between them want it (Kamada & Kawai 1989, by networkx, from their places on the map); in large
pictures as on the map. Names are put where they cover least; the best known come first.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from anirec.atlas.drawing import Drawn
from anirec.cli.report.charts import COLOURS, GREY
from anirec.core.errors import InputError, MissingAbility
from anirec.tables import new_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SPRUNG: Final = 250
"""Titles up to which places are worked out anew; beyond, the map's are taken."""
NAMED: Final = 150
"""Names that a picture has at most."""
INCHES: Final = (11.0, 8.0)
DPI: Final = 150
PAPER: Final = "#ffffff"
INK: Final = "#1b1b1f"
WRAP: Final = 20
"""Signs of a line of a name; it has two lines."""
SIDES: Final = {(True, False): "left", (False, True): "right", (False, False): "center"}
"""Where a name begins that stands to the right, to the left, or neither: towards its dot, however wide it comes out."""
UNTIED: Final = 0.6
"""How far apart two titles are that nothing ties, of the longest way between two that are."""
POSTER: Final = 0.5
"""Inches that a poster is high."""
ENDINGS: Final = (".jpg", ".jpeg", ".png", ".webp")


def draw(drawn: Drawn, path: Path, posters: Path | None = None) -> None:
    """Draw a graph into a file, .png or .svg; the same graph gives the same bytes.

    posters: a folder of pictures named by anime id.

    Raises:
        MissingAbility: matplotlib or networkx is not installed.
        InputError: a poster cannot be read as a picture.
    """
    if missing := [name for name in ("matplotlib", "networkx") if find_spec(name) is None]:
        raise MissingAbility(f'a picture needs {" and ".join(missing)}; pip install "anirec[report]"')
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "anirec", "font.family": "sans-serif", "text.color": INK}
    ending = path.suffix.lower()
    with mpl.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # a box stands for it
        figure = Figure(figsize=INCHES, dpi=DPI, facecolor=PAPER)
        axes = figure.add_axes((0.01, 0.01, 0.98, 0.98))
        axes.axis("off")
        places = _spread(places_of(drawn))
        axes.set_xlim(-1.12, 1.12)
        axes.set_ylim(-1.08, 1.08)
        _ties(axes, drawn, places)
        _titles(axes, drawn, places, posters)
        _legend(axes, drawn)
        _names(axes, drawn, places)
        metadata: Any = {"Date": None, "Creator": None} if ending == ".svg" else {"Software": None}
        with new_file(path) as file:
            figure.savefig(file, format=ending[1:], metadata=metadata)


def places_of(drawn: Drawn) -> NDArray[np.float64]:
    """Return float64 [n, 2], -1..1: where the titles of a picture stand."""
    n = len(drawn.nodes)
    start = np.array([(node.x, node.y) for node in drawn.nodes], dtype=np.float64).reshape(n, 2)
    if not 2 < n <= SPRUNG:
        return start
    import networkx

    net = networkx.Graph()
    net.add_nodes_from(range(n))
    net.add_weighted_edges_from((one, other, 1.0 / weight**0.5) for one, other, weight in drawn.edges)
    away = dict(networkx.all_pairs_dijkstra_path_length(net))
    longest = max((length for of_one in away.values() for length in of_one.values()), default=1.0) or 1.0
    apart = {i: {j: away[i].get(j, UNTIED * longest) for j in range(n)} for i in range(n)}
    rim = start - start.mean(axis=0)
    rng = np.random.default_rng(0)
    rim += 1e-3 * max(float(np.abs(rim).max()), 1e-3) * rng.standard_normal(rim.shape)  # none on top of another
    found = networkx.kamada_kawai_layout(net, dist=apart, pos=dict(enumerate(rim)), weight=None)
    return np.array([found[i] for i in range(n)], dtype=np.float64)


def _spread(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the places filling -1..1 in both directions."""
    low, high = places.min(axis=0), places.max(axis=0)
    wide = np.where(high > low, high - low, np.inf)
    return np.asarray(2 * (places - (low + high) / 2) / wide)


def _sizes(drawn: Drawn) -> NDArray[np.float64]:
    """Return float64 [n]: areas of the dots, in square points."""
    fame = np.log1p(np.array([node.anime.members or 0 for node in drawn.nodes], dtype=np.float64))
    size = 20 + 150 * (fame / max(float(fame.max(initial=0)), 1.0)) ** 3
    return np.asarray(size * min(1.0, (80 / max(len(drawn.nodes), 1)) ** 0.6))


def _colours(drawn: Drawn) -> dict[int, str]:
    """Return a colour for each of the largest communities of the picture."""
    numbers = [node.community for node in drawn.nodes if node.community >= 0]
    most = sorted(set(numbers), key=lambda number: (-numbers.count(number), number))
    return dict(zip(most, COLOURS[:7], strict=False))


def _ties(axes: Axes, drawn: Drawn, places: NDArray[np.float64]) -> None:
    from matplotlib.collections import LineCollection

    if drawn.edges:
        weights = np.array([weight for _, _, weight in drawn.edges])
        share = weights / weights.max()
        lines = [places[[one, other]] for one, other, _ in drawn.edges]
        alpha = np.clip(0.2 + 0.5 * share**2, 0, 1)
        axes.add_collection(LineCollection(lines, linewidths=0.4 + 2.0 * share**2, colors=GREY, alpha=alpha, zorder=1))


def _titles(axes: Axes, drawn: Drawn, places: NDArray[np.float64], posters: Path | None) -> None:
    colours = _colours(drawn)
    shades = [colours.get(node.community, GREY) for node in drawn.nodes]
    rims = [INK if node.marked else PAPER for node in drawn.nodes]
    widths = [2.0 if node.marked else 0.7 for node in drawn.nodes]
    axes.scatter(places[:, 0], places[:, 1], s=_sizes(drawn), c=shades, edgecolors=rims, linewidths=widths, zorder=2)
    for node, place in zip(drawn.nodes, places, strict=True):
        file = _poster(posters, node.anime.anime_id)
        if file is not None:
            _hang(axes, file, place, colours.get(node.community, GREY))


def _poster(folder: Path | None, anime_id: int) -> Path | None:
    files = (folder / f"{anime_id}{ending}" for ending in ENDINGS) if folder is not None else ()
    return next((file for file in files if file.is_file()), None)


def _hang(axes: Axes, file: Path, place: NDArray[np.float64], colour: str) -> None:
    from matplotlib.image import imread
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    try:
        picture = imread(file)
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{file} cannot be read as a picture: {error}") from error
    zoom = POSTER * 72 / picture.shape[0]
    frame = {"edgecolor": colour, "linewidth": 1.5}
    box = AnnotationBbox(OffsetImage(picture, zoom=zoom), tuple(place), pad=0.08, bboxprops=frame, zorder=3)
    axes.add_artist(box)


def _legend(axes: Axes, drawn: Drawn) -> None:
    from matplotlib.lines import Line2D

    about = {node.community: node.about for node in drawn.nodes}
    shown = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=textwrap.shorten(about[number], 40))
        for number, colour in _colours(drawn).items()
        if about[number]
    ]
    if shown:
        axes.legend(handles=shown, loc="lower left", fontsize=7, frameon=True, framealpha=0.85, edgecolor="none")


@dataclass(frozen=True)
class _Box:
    """What is taken already, in pixels: left, bottom, right, top."""

    left: float
    bottom: float
    right: float
    top: float

    def shared(self, others: Sequence[_Box]) -> float:
        """Return how many square pixels of it others take."""
        if not others:
            return 0.0
        all_of = np.array([(o.left, o.bottom, o.right, o.top) for o in others])
        wide = np.minimum(all_of[:, 2], self.right) - np.maximum(all_of[:, 0], self.left)
        high = np.minimum(all_of[:, 3], self.top) - np.maximum(all_of[:, 1], self.bottom)
        return float((np.maximum(wide, 0) * np.maximum(high, 0)).sum())


def _names(axes: Axes, drawn: Drawn, places: NDArray[np.float64]) -> None:
    """Write names, each where it covers least of what stands there; in crowded pictures only those that cover none."""
    n = len(drawn.nodes)
    pixels = axes.transData.transform(places)
    radii = np.sqrt(_sizes(drawn) / np.pi) * DPI / 72
    taken = [_Box(x - r, y - r, x + r, y + r) for (x, y), r in zip(pixels.tolist(), radii.tolist(), strict=True)]
    order = sorted(range(n), key=lambda i: (not drawn.nodes[i].marked, -(drawn.nodes[i].anime.members or 0), i))
    size = 7.5 if n <= 80 else 6.0
    high, wide = size * DPI / 72 * 1.2, size * DPI / 72 * 0.56
    for i in order[:NAMED]:
        anime = drawn.nodes[i].anime
        lines = textwrap.wrap(anime.title_english or anime.title, WRAP, max_lines=2, placeholder=" …")
        width, height = max(map(len, lines), default=0) * wide, len(lines) * high
        tries = [
            (_at(pixels[i], radii[i] + 2, width, height, angle, reach), angle, reach)
            for reach in (0.0, 10.0)
            for angle in range(0, 360, 45)
        ]
        left, bottom, right, top = axes.bbox.extents
        cost = []
        for box, _, reach in tries:
            out = max(left - box.left, box.right - right, bottom - box.bottom, box.top - top, 0.0)
            cost.append(box.shared(taken) + 50 * out + 3 * reach)
        best = int(np.argmin(cost))
        box, angle, _ = tries[best]
        if n > 80 and cost[best] > 0.2 * width * height and not drawn.nodes[i].marked:
            continue
        taken.append(box)
        side = SIDES[round(np.cos(np.radians(angle)), 3) > 0, round(np.cos(np.radians(angle)), 3) < 0]
        edge = {"left": box.left, "right": box.right, "center": (box.left + box.right) / 2}[side]
        x, y = axes.transData.inverted().transform((edge, (box.bottom + box.top) / 2)).tolist()
        axes.text(
            x,
            y,
            "\n".join(lines),
            fontsize=size,
            fontweight="bold" if drawn.nodes[i].marked else "normal",
            ha=side,
            va="center",
            linespacing=1.0,
            zorder=4,
            parse_math=False,
        )


def _at(pixel: NDArray[np.float64], radius: float, width: float, height: float, angle: int, reach: float) -> _Box:
    """Return where a name of this size stands beside a dot, in the direction of the angle."""
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    x = pixel[0] + (radius + reach) * cosine + width / 2 * np.sign(round(cosine, 3))
    y = pixel[1] + (radius + reach) * sine + height / 2 * np.sign(round(sine, 3))
    return _Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
