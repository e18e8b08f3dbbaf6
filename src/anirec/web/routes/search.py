"""GET /search: a mood in one's own words; and GET /titles, while a title is typed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from anirec.service.search import Result, Results
from anirec.web import schemas
from anirec.web.answers import json_answer, routes_about
from anirec.web.asked import entries_of, filters_of, likes_of, refuse_many_texts
from anirec.web.routes.recommend import next_page
from anirec.web.served import Served

EXAMPLES = (
    "wholesome adventure with lots of travelling",
    "dark fantasy with a clever lead, no romance",
    "slow, quiet and rural",
    "sports anime about teamwork",
    "like Monster but shorter",
    "time travel that hurts",
    "cozy food comedy",
    "space opera with politics",
)


def router(served: Served) -> APIRouter:
    """Return the routes."""
    routes = routes_about("search")

    @routes.get("/search", response_model=schemas.SearchResults)
    def search(asked: Annotated[schemas.SearchQuery, Query()]) -> Response:
        """Find anime by what you are in the mood for."""
        found = served.searching().search(
            asked.q,
            k=asked.k,
            offset=asked.offset,
            franchise=asked.franchise,
            popularity=asked.popularity,
            filters=filters_of(asked),
        )
        return json_answer(results_json(served, found))

    @routes.post("/search", response_model=schemas.SearchResults)
    def search_in_my_taste(asked: schemas.SearchRequest) -> Response:
        """Find anime by what you are in the mood for, what suits your taste before the rest."""
        refuse_many_texts(asked.likes, asked.dislikes, asked.seen)
        found = served.searching().search(
            asked.q,
            k=asked.k,
            offset=asked.offset,
            like=likes_of(asked),
            dislike=asked.dislikes,
            entries=entries_of(asked),
            seen=asked.seen,
            franchise=asked.franchise,
            popularity=asked.popularity,
            filters=filters_of(asked.filters),
        )
        return json_answer(results_json(served, found))

    @routes.get("/examples", response_model=schemas.Examples)
    def examples() -> Response:
        """Return queries to begin with."""
        return json_answer({"queries": list(EXAMPLES)})

    @routes.get("/titles", response_model=schemas.Titles, tags=["titles"])
    def titles(asked: Annotated[schemas.TitlesQuery, Query()]) -> Response:
        """Return the anime that what is typed may become: any title or synonym, beginnings, typos."""
        hits = served.typeahead.complete(asked.q, asked.k, adult=asked.adult) if asked.q.strip() else []
        facts = served.service.facts.of(hit.anime_id for hit in hits)
        items = [
            {
                "anime_id": hit.anime_id,
                "title": hit.title,
                "matched": hit.matched,
                "year": hit.year,
                "type": hit.kind,
                "members": hit.members or None,
                "image_url": served.image_url(facts[hit.anime_id]),
                "similarity": round(hit.similarity, 1),
            }
            for hit in hits
        ]
        return json_answer({"items": items})

    return routes


def results_json(served: Served, found: Results) -> dict[str, Any]:
    """Return a page of `SearchResults`."""
    return {
        "items": [_result_json(served, item) for item in found],
        "like": [served.card_of(anime) for anime in found.like],
        "next_offset": next_page(found.next_offset),
        "without_vectors": found.without_vectors is not None,
    }


def _result_json(served: Served, item: Result) -> dict[str, Any]:
    return {
        "rank": item.rank,
        "anime": served.card_of(item.anime),
        "match": item.match,
        "score": round(item.score, 6),
        "evidence": {"labels": list(item.evidence.labels), "passage": item.evidence.passage},
    }
