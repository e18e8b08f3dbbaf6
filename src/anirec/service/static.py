"""What `similar` says of every title, as files for a site without a server.

    index.json           {"anirec", "bundle", "k", "shards", "franchise", "titles": [[id, title, english, type, year]]}
    similar/00.json ...  {"5114": [[id, score], ...], ...}: the lists of the ids that leave this rest by `shards`

An id's file is `similar/` and the rest of the id by `shards` in hexadecimal, two digits. Lists are those of the service
with its own filters: nothing for adults, one title of each franchise. A title of which too little is known has none.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from anirec.core.errors import MissingAbility
from anirec.core.ranking import FranchiseMode, Query
from anirec.service.progress import Progress, silent
from anirec.service.recommend import Service
from anirec.stores.bundle import MANIFEST
from anirec.tables import new_folder, sha256

SHARDS: Final = 256
INDEX: Final = "index.json"


def shard_of(anime_id: int, shards: int = SHARDS) -> str:
    """Return the file of an id."""
    return f"similar/{anime_id % shards:02x}.json"


def to_static(service: Service, out: Path, *, k: int = 20, progress: Progress = silent) -> dict[str, int]:
    """Write the files into a new folder; returns how many titles and lists they have."""
    catalogue = service.catalogue
    shown = [int(i) for i in catalogue.anime_ids[~catalogue.adult]]
    query = Query(k, service.filters(None), FranchiseMode.ENTRY)
    shards: dict[str, dict[str, list[list[float]]]] = {shard_of(rest): {} for rest in range(SHARDS)}
    lists = 0
    for done, anime_id in enumerate(shown, start=1):
        if found := _similar(service, anime_id, query):
            shards[shard_of(anime_id)][str(anime_id)] = found
            lists += 1
        progress("looking for what is similar", done, len(shown))
    facts = service.facts.of(shown)
    titles = [[i, a.title, a.title_english, a.type, a.year] for i, a in facts.items()]
    told: dict[str, Any] = {
        "anirec": version("anirec"),
        "bundle": sha256(service.path / MANIFEST),
        "k": k,
        "shards": SHARDS,
        "franchise": query.franchise.value,
        "titles": titles,
    }
    with new_folder(out) as folder:
        (folder / "similar").mkdir()
        for name, content in {**shards, INDEX: told}.items():
            text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
            (folder / name).write_text(text, encoding="utf-8")
    return {"titles": len(titles), "lists": lists}


def _similar(service: Service, anime_id: int, query: Query) -> list[list[float]]:
    """Return ids and scores, best first; none where too little is known of the title."""
    try:
        ranking = service.rank_similar(anime_id, query)
    except MissingAbility:
        return []
    return [[i, round(s, 4)] for i, s in zip(ranking.anime_ids.tolist(), ranking.scores.tolist(), strict=True)]
