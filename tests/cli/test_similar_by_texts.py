"""Titles that are similar by what is written of them: a bundle trained on planted reviews and synopses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.columns import REVIEWS, SYNOPSES
from anirec.core.errors import MissingAbility
from anirec.core.ranking import NO_FILTERS, FranchiseMode
from anirec.prepare.pairs import read_pairs
from anirec.recommenders.review_vectors import ReviewsConfig
from anirec.service.progress import silent
from anirec.service.recommend import Service
from anirec.service.training import Material, train
from anirec.wiring import texts
from anirec.wiring.lenses import WRITTEN, lenses
from anirec.wiring.serve import load
from anirec.wiring.texts import synopsis_vectors
from anirec.wiring.train import open_data, recipe
from cli.test_commands import anirec
from recommenders.written import SUBJECTS, reviewed, subject_of
from worlds import two_tastes

N = 25
UNREVIEWED, UNDESCRIBED = 24, 23
"""Nothing is reviewed of one; of the other, the synopsis is boilerplate."""


@dataclass(frozen=True)
class CountingEncoder:
    """Says how often a text uses the words of each subject, and how much it is like boilerplate."""

    size: int = 4
    max_tokens: int = 126
    unit: bool = False

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        words = [text.lower().replace(".", "").split() for text in texts]
        counted = [[sum(word in told for word in of) for told in SUBJECTS.values()] for of in words]
        boiled = [[5 * ("rewrite" in text.lower() or "source" in text.lower())] for text in texts]
        return np.hstack([counted, boiled]).astype(np.float32) + 0.1

    def lengths(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


def synopsis_of(anime_id: int) -> str:
    if anime_id == UNDESCRIBED:
        return "[Written by MAL Rewrite]"
    told = list(SUBJECTS.values())[(anime_id // 2) % 3]  # another subject than that of the reviews, for most
    credit = ("(Source: ANN)", "[Written by MAL Rewrite]", "")[anime_id % 3]
    return f"There is a {told[anime_id % 7]} and a {told[(anime_id + 3) % 7]}. They meet the {told[2]}. {credit}"


def canonical(folder: Path) -> Material:
    data = two_tastes(users=600)
    source = folder / "source"
    source.mkdir()
    anime = [f"{i},Show {i},Drama,TV,12,7.5,1000" for i in range(1, N + 1)]
    ratings = [
        f"{data.user_ids[user]},{data.anime_ids[item]},{score}"
        for user, item, score in zip(data.users, data.items, data.scores, strict=True)
    ]
    (source / "anime.csv").write_text("\n".join(["anime_id,name,genre,type,episodes,rating,members", *anime, ""]))
    (source / "rating.csv").write_text("\n".join(["user_id,anime_id,rating", *ratings, ""]))
    open_data(source, folder / "canonical", silent)
    written = reviewed(N)
    rows = [
        (int(anime_id), number, text)
        for anime_id, of_title in zip(written.anime_ids, written.texts, strict=True)
        for number, text in enumerate(of_title)
        if anime_id != UNREVIEWED
    ]
    described = [(i, synopsis_of(i)) for i in range(1, N + 1)]
    with duckdb.connect() as con:
        for name, columns, filled in (("reviews", REVIEWS, rows), ("synopses", SYNOPSES, described)):
            con.execute(f"CREATE TABLE {name} ({', '.join(f'{c} {kind}' for c, kind in columns.items())})")
            known = ("anime_id", "review_id", "text") if name == "reviews" else ("anime_id", "text")
            places = ", ".join("?" * len(known))
            con.executemany(f"INSERT INTO {name} ({', '.join(known)}) VALUES ({places})", filled)
            con.execute(f"COPY {name} TO '{folder}/canonical/{name}.parquet' (FORMAT parquet)")
    return open_data(folder / "canonical", folder, silent)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    facts = {"size": 4, "max_tokens": 126, "pooling": "mean", "normalise": False, "before": [], "after": []}
    (folder / "encoder.json").write_text(json.dumps({**facts, "name": "counting"}))
    (folder / "model.onnx").write_bytes(b"a fake stands for it")
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    pytest.importorskip("gensim", reason="training vectors of reviews needs gensim")
    folder = tmp_path_factory.mktemp("texts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "REVIEWS", ReviewsConfig(24, passes=20, sample=0, min_franchises=6, smoothing=0.02))
        patch.setattr(texts, "open_encoder", lambda _folder: CountingEncoder())
        material = canonical(folder)
        asked = replace(recipe(material, quick=True), lenses=lenses(material, encoder=encoder))
        train(material, folder / "bundle", asked, silent)
    return folder / "bundle"


@pytest.fixture(scope="module")
def service(bundle: Path) -> Service:
    return load(bundle)


def ids(service: Service, title: int, by: str, k: int) -> list[int]:
    found = service.similar(title, by=by, k=k, franchise=FranchiseMode.ANYTHING, filters=NO_FILTERS)
    return [r.anime.anime_id for r in found]


def test_a_trained_bundle_has_the_lenses_of_texts_and_each_finds_what_was_planted(service: Service) -> None:
    assert set(service.lenses) >= {"viewers", "reviews", "synopsis"}
    assert {subject_of(i) for i in ids(service, 4, "reviews", 5)} == {subject_of(4)}
    assert {(i // 2) % 3 for i in ids(service, 4, "synopsis", 5)} == {2}


def test_a_title_without_reviews_has_no_place_among_them_and_says_so(service: Service) -> None:
    with pytest.raises(MissingAbility, match=r'too little is known of the anime 24 .* by "reviews"'):
        service.similar(UNREVIEWED, by="reviews")
    assert service.models["similar-reviews"].items.tolist() == [i for i in range(1, N + 1) if i != UNREVIEWED]
    assert service.similar(UNREVIEWED, by="synopsis", franchise="anything").items


def test_a_synopsis_of_nothing_but_boilerplate_is_none(service: Service) -> None:
    with pytest.raises(MissingAbility, match=r'too little is known of the anime 23 .* by "synopsis"'):
        service.similar(UNDESCRIBED, by="synopsis")


def test_who_wrote_a_synopsis_makes_no_two_titles_alike() -> None:
    written = (("A planet.",), ("A planet. [Written by MAL Rewrite]",), ("A duel. [Written by MAL Rewrite]",), ("",))
    one, same, other, none = synopsis_vectors(written, CountingEncoder(), silent)
    assert one.tolist() == same.tolist()
    assert one.tolist() != other.tolist()
    assert not none.any()


def test_no_text_is_in_the_bundle(bundle: Path) -> None:
    words = [word.encode() for word in (*SUBJECTS["space"], "They meet")]
    for file in bundle.rglob("*"):
        if file.is_file():
            assert not any(word in file.read_bytes() for word in words), file


def test_the_manifest_says_what_was_read_and_with_which_encoder(service: Service, encoder: Path) -> None:
    assert set(service.manifest["data"]["texts"]) == {"reviews", "synopses"}
    assert texts.config(encoder)["similar-synopsis"]["encoder"]["name"] == "counting"


def test_the_command_looks_through_the_lenses_of_texts(
    bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for lens in ("reviews", "synopsis"):
        words = ("similar", "Show 4", "--by", lens, "-k", "2", "--json", "--bundle", str(bundle))
        code, out, _ = anirec(capsys, monkeypatch, *words)
        answer: dict[str, Any] = json.loads(out)
        assert code == 0
        assert all(item["likeness"]["lenses"] == {lens: 1.0} for item in answer["items"])


def test_texts_are_read_once_however_often_their_lens_is_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: Path
) -> None:
    pytest.importorskip("gensim", reason="training vectors of reviews needs gensim")
    monkeypatch.setattr(texts, "REVIEWS", ReviewsConfig(8, passes=1, min_franchises=6))
    monkeypatch.setattr(texts, "open_encoder", lambda _folder: CountingEncoder())
    material = canonical(tmp_path)
    pairs = read_pairs(tmp_path)
    for name in WRITTEN:
        lens = lenses(material, encoder=encoder)[name]
        one, other = (lens.fit(material.dataset, pairs, np.random.default_rng(seed)) for seed in (3, 3))
        assert one is other is not None
    assert not set(WRITTEN) & set(lenses(material, encoder=encoder, quick=True))


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: Path) -> None:
    material = canonical(tmp_path)
    monkeypatch.setattr(texts, "can_read_reviews", lambda: False)
    assert texts.reviews(material, 0) is None
    assert texts.synopses(material, None, silent) is None
    said = texts.left_out(material, None)
    assert len(said) == 2
    assert "gensim" in said[0]
    assert "--encoder" in said[1]
    monkeypatch.setattr(texts, "can_read_reviews", lambda: True)
    assert texts.left_out(material, encoder) == ()
