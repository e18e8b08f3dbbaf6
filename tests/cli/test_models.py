"""Every model that `--model` knows, from files to a bundle that recommends."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from anirec.wiring.models import MODELS
from anirec.wiring.train import PARTS
from cli.test_commands import anirec
from cli.test_journey import csv_folder

__all__ = ["csv_folder"]

QUICK: dict[str, list[str]] = {
    "item2vec": ["passes=2", "dimensions=8", "min_likes=2"],
    "co-rating": ["dimensions=4"],
    "cold-start": ["dimensions=8"],
    "ials": ["d=8"],
    "user-knn": ["min_list=2"],
    "mult-dae": ["hidden=16", "min_list=3", "loop.epochs=20", "batch=50"],
    "mult-vae": ["hidden=16", "latent=8", "min_list=3", "loop.epochs=20", "batch=50"],
    "recvae": ["hidden=16", "latent=8", "min_list=3", "loop.epochs=10", "batch=50"],
    "two-heads": ["hidden=16", "min_list=3", "loop.epochs=20", "batch=50"],
    "ncf": ["dim=8", "min_list=3", "loop.epochs=10", "batch=256"],
    "hybrid": ["ncf.dim=8", "ncf.min_list=3", "ncf.loop.epochs=10", "ncf.batch=256", "near.min_list=3"],
    "masked-set": ["hidden=16", "heads=2", "loop.epochs=10", "batch=50"],
}
NEEDS = {"item2vec": "gensim"} | dict.fromkeys(
    ("mult-dae", "mult-vae", "recvae", "two-heads", "ncf", "hybrid", "masked-set"), "torch"
)

UNDERFED = {"popularity", "recent", "co-rating", "item2vec"}
"""Models that know no tastes, or learn none from so few lists; their own tests have worlds that are rich enough."""


@pytest.fixture(scope="module")
def tables(csv_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two tastes as canonical tables, with dates and with pairs that people named."""
    from anirec.sources.importer import import_folder

    out = tmp_path_factory.mktemp("tables") / "canonical"
    import_folder(csv_folder, out, progress=lambda _stage, _done, _total: None)
    with duckdb.connect() as con:
        con.execute(
            f"CREATE TABLE r AS SELECT * REPLACE (1000000 * anime_id AS updated_at) FROM '{out}/ratings.parquet'"
        )
        con.execute(f"COPY r TO '{out}/ratings.parquet' (FORMAT parquet)")
        con.execute(
            f"COPY (SELECT i::INTEGER AS anime_a, (i + 1)::INTEGER AS anime_b, 3 AS votes FROM range(1, 20) t(i) "
            f"WHERE i <> 10) TO '{out}/recommendations.parquet' (FORMAT parquet)"
        )
    return out


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_trained_served_and_found_again(
    name: str, tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{NEEDS[name]} is not installed")
    bundle = str(tmp_path / "bundle")
    settings = [word for setting in QUICK.get(name, []) for word in ("--set", setting)]
    asked = ("train", "--quick", "--data", str(tables), "--out", bundle, "--model", name, *settings, "--json")
    code, _, err = anirec(capsys, monkeypatch, *asked)
    assert code == 0, err
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    assert manifest["default_model"] == ("blend" if name in PARTS else name)
    words = ("recommend", "--like", "3", "--like", "5", "-k", "4", "--franchise", "anything", "--model", name)
    code, out, err = anirec(capsys, monkeypatch, *words, "--bundle", bundle, "--json")
    assert code == 0, err
    found = [item["anime_id"] for item in json.loads(out)["items"]]
    if name == "sequels":
        assert not found, "nothing in these tables is of one franchise"
        return
    assert len(found) == 4
    if name not in UNDERFED:
        assert sum(1 <= i <= 10 for i in found) >= 3, "of the taste that was named"
