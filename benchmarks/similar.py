"""Measure `similar` on pairs of titles that people name together, held back from all lenses, and write the figures.

    python benchmarks/similar.py DIR OUT.json [SEED [ENCODER]]

DIR: a canonical folder with a table of recommendations. ENCODER: a text encoder's folder, for the lens of synopses.
A fifth of the pairs is held back for the test; of the rest training holds back its own fifth to choose weights on.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anirec.core.catalogue import Catalogue
from anirec.core.profile import Profile
from anirec.core.protocols import Recommender
from anirec.evaluate.floors import PopularityFloor, RandomFloor
from anirec.evaluate.intervals import Interval, bootstrap
from anirec.evaluate.protocols.item_similarity import Questions, questions
from anirec.evaluate.run import MAIN, case_by_case
from anirec.prepare.pairs import read_pairs
from anirec.rank import align
from anirec.recommenders.similar import Similar
from anirec.service.lenses import fit_similar
from anirec.service.looking import VIEWERS
from anirec.service.progress import silent
from anirec.service.training import PERSONAL, read_material
from anirec.wiring.lenses import WRITTEN, lenses
from anirec.wiring.models import chosen
from filing import git

TESTED = 0.2
ASKED = 1500
"""Questions of the test: a draw, since each is put to every model over the full catalogue."""
BANDS = (0, 5, 50, 300, 1500)
"""Likes from which titles are shown by themselves, to see how those do of which little is known."""
TIMED = 300
FIGURES = ("raw", "unrelated")
MEASURES = (MAIN, "hit@10")


def main(folder: Path, out: Path, seed: int = 0, encoder: Path | None = None) -> None:
    """Fit, measure, print and write."""
    material = read_material(folder, silent)
    data, catalogue = material.dataset, material.catalogue
    learned, tested = read_pairs(folder).parted(TESTED, np.random.default_rng([seed, 8]))
    viewers = chosen(material, PERSONAL).fit(data, np.random.default_rng([seed, 3]))
    started = time.monotonic()
    looking = lenses(material, encoder=encoder)
    fit = partial(fit_similar, data, catalogue, learned, (PERSONAL, viewers), seed=seed, progress=silent)
    found = fit(looking)
    seconds = time.monotonic() - started
    bare = fit({name: lens for name, lens in looking.items() if name not in WRITTEN}).similar  # weighed anew
    likes = data.like_counts()
    whole = found.similar
    rng = np.random.default_rng([seed, 9])
    models: dict[str, Recommender] = {
        "random": RandomFloor(data.anime_ids, rng),
        "popularity": PopularityFloor(data.anime_ids, likes.astype(np.float32)),
        **{name: whole.by(name) for name in whole.lenses},
        "blend": whole,
        "blend, equal weights": replace(whole, weights=dict.fromkeys(whole.lenses, 1.0)),
        **{f"blend without {name}": _without(whole, name) for name in whole.lenses if len(whole.lenses) > 1},
        "blend without texts, weighed anew": bare,
    }
    every = questions(tested, learned, catalogue.anime_ids)
    asked = every.at(np.sort(np.random.default_rng([seed, 11]).permutation(len(every))[:ASKED]))
    report = measure(models, asked, catalogue, rng)
    rows = catalogue.rows_of(data.anime_ids)
    of_row = np.zeros(len(catalogue), dtype=np.int64)
    of_row[rows] = likes
    answer = {
        "commit": _commit(),
        "seed": seed,
        "data": dict(material.facts),
        "pairs": {"learned": len(learned), "tested": len(tested)},
        "weights": dict(whole.weights),
        "weights_without_texts": dict(bare.weights),
        "bytes": {
            name: sum(array.nbytes for array in part.state().arrays.values()) for name, part in found.parts.items()
        },
        "chosen_on": found.questions,
        "chosen_ndcg": found.ndcg,
        "seconds_to_fit_and_choose": round(seconds, 1),
        "questions": dict(report.questions),
        "rows": {
            f: {n: {m: asdict(i) for m, i in of.items()} for n, of in by.items()} for f, by in report.rows.items()
        },
        "blend_minus": _differences(report, rng),
        "raw_ndcg_by_likes": _by_likes(
            report, of_row[catalogue.rows_of(np.array([case.user_id for case in asked.cases]))]
        ),
        "milliseconds": _latency(models, catalogue, np.random.default_rng([seed, 10])),
    }
    out.write_text(json.dumps(answer, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    _print(report, answer)


def _without(whole: Similar, name: str) -> Similar:
    return replace(whole, weights={**whole.weights, name: 0.0})


def scores_of(model: Recommender, catalogue: Catalogue, anime_id: int) -> NDArray[np.float32]:
    """Return float32 [catalogue]: what a model says of the titles beside one; -inf where it has no score."""
    return align(model.score([Profile.of_likes([anime_id])])[0], catalogue.rows_of(model.items), catalogue)


@dataclass(frozen=True)
class NamedReport:
    """By figure and model what was found of the questions that have a target there.

    questions: by figure, how many had one. values: float64 [questions, 2], in the order of `MEASURES`; rows: their
    means.
    """

    questions: Mapping[str, int]
    rows: Mapping[str, Mapping[str, Mapping[str, Interval]]]
    values: Mapping[str, Mapping[str, NDArray[np.float64]]]


def measure(
    models: Mapping[str, Recommender], asked: Questions, catalogue: Catalogue, rng: np.random.Generator
) -> NamedReport:
    """Ask every model every question, as the protocol `item-similarity` does."""
    values: dict[str, dict[str, NDArray[np.float64]]] = {figure: {} for figure in FIGURES}
    for name, model in models.items():
        found = case_by_case(model, asked.cases, catalogue, gains=asked.gains, barred=asked.barred)
        for figure, by_model in values.items():
            if found[figure].counted.any():
                told = np.stack([found[figure].of(measure) for measure in MEASURES], axis=1)
                by_model[name] = told[found[figure].counted]
    rows = {
        figure: {name: dict(zip(MEASURES, bootstrap(told, rng), strict=True)) for name, told in by_model.items()}
        for figure, by_model in values.items()
    }
    counts = {figure: len(next(iter(by_model.values()), ())) for figure, by_model in values.items()}
    return NamedReport(questions=counts, rows=rows, values=values)


def _differences(report: NamedReport, rng: np.random.Generator) -> dict[str, dict[str, object]]:
    """Return by figure and model the paired difference of the blend's NDCG@10 to it, with its interval."""
    return {
        figure: {
            name: asdict(bootstrap(values["blend"][:, :1] - of[:, :1], rng)[0])
            for name, of in values.items()
            if name != "blend"
        }
        for figure, values in report.values.items()
    }


def _by_likes(report: NamedReport, likes: NDArray[np.int64]) -> dict[str, dict[str, object]]:
    bands = np.digitize(likes, BANDS[1:])
    return {
        f"{least}+": {"questions": int((bands == i).sum())}
        | {name: round(float(of[bands == i, 0].mean()), 4) for name, of in report.values["raw"].items()}
        for i, least in enumerate(BANDS)
        if (bands == i).any()
    }


def _latency(models: Mapping[str, Recommender], catalogue: Catalogue, rng: np.random.Generator) -> dict[str, float]:
    """Return the median time to score one title, for the lenses and the blend."""
    ids = rng.choice(models[VIEWERS].items, TIMED)  # those that the blend asks itself about, too
    medians = {}
    for name in (VIEWERS, "genres", "crowd", *WRITTEN, "blend"):
        if name in models:
            times = []
            for anime_id in [ids[0], *ids]:  # the first pays for what is kept
                started = time.perf_counter()
                scores_of(models[name], catalogue, int(anime_id))
                times.append(time.perf_counter() - started)
            medians[name] = round(float(np.median(times[1:])) * 1000, 3)
    return medians


def _commit() -> str:
    changed = git("status", "--porcelain", "--", "src", "benchmarks")
    return git("rev-parse", "--short=10", "HEAD") + ("+changes" if changed else "")


def _print(report: NamedReport, answer: Mapping[str, object]) -> None:
    for name in report.rows[FIGURES[0]]:
        cells = [f"{report.rows[f][name][m]}" for f in FIGURES if report.rows[f] for m in MEASURES]
        print(f"{name:34} {'  '.join(cells)}")
    for key in (
        "questions",
        "weights",
        "bytes",
        "chosen_on",
        "raw_ndcg_by_likes",
        "milliseconds",
        "seconds_to_fit_and_choose",
    ):
        print(key, json.dumps(answer[key]))


if __name__ == "__main__":
    words = sys.argv[1:]
    of_texts = Path(words[3]) if len(words) > 3 else None
    main(Path(words[0]), Path(words[1]), int(words[2]) if len(words) > 2 else 0, of_texts)
