"""GET /anime/{id}: facts, what is like it, the order to watch its franchise in; and the facts of many."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from anirec.service.answers import Recommendation
from anirec.web import schemas
from anirec.web.answers import json_answer, routes_about
from anirec.web.asked import filters_of
from anirec.web.routes.recommend import next_page
from anirec.web.served import Served

Id = Annotated[int, Path(ge=1, le=2**31 - 1, description="MyAnimeList's id.", examples=[5114])]


def router(served: Served) -> APIRouter:
    """Return the routes."""
    routes = routes_about("anime")
    service = served.service

    @routes.get("/anime/{anime_id}", response_model=schemas.AnimeFull)
    def anime(anime_id: Id) -> Response:
        """Return all facts of an anime, and its franchise in watch order."""
        served.known(anime_id)
        info = service.info(anime_id)
        franchise = [
            {
                "anime": served.card_of(place.anime),
                "order": place.order,
                "entry": place.entry,
                "here": place.anime.anime_id == anime_id,
            }
            for place in info.franchise
        ]
        lenses = [by for by in (*service.lenses, "blend") if service.can_compare(anime_id, by=by)]
        return json_answer(served.full_of(info.anime) | {"franchise": franchise, "lenses": lenses})

    @routes.get("/anime/{anime_id}/similar", response_model=schemas.SimilarAnime)
    def similar(anime_id: Id, asked: Annotated[schemas.SimilarQuery, Query()]) -> Response:
        """Return the anime most like one, through one lens or all of them, with what makes them alike."""
        served.known(anime_id)
        answer = service.similar(
            anime_id,
            by=asked.by,
            k=asked.k,
            offset=asked.offset,
            franchise=asked.franchise,
            popularity=asked.popularity,
            filters=filters_of(asked),
            opposite=asked.opposite,
        )
        return json_answer(
            {
                "items": [similar_json(served, item) for item in answer],
                "next_offset": next_page(answer.next_offset),
                "by": asked.by,
            }
        )

    @routes.get("/anime/{anime_id}/watch-order", response_model=schemas.WatchOrder)
    def watch_order(anime_id: Id) -> Response:
        """Return the franchise of an anime in the order to watch it in."""
        served.known(anime_id)
        return json_answer(
            {
                "items": [
                    {
                        "anime": served.card_of(place.anime),
                        "order": place.order,
                        "entry": place.entry,
                        "role": place.role,
                        "optional": place.optional,
                    }
                    for place in service.info(anime_id).franchise
                ]
            }
        )

    @routes.post("/titles/cards", response_model=schemas.Cards, tags=["titles"])
    def cards(asked: schemas.CardsRequest) -> Response:
        """Return the facts of up to 1,000 anime, as a list kept in the browser or a shared address needs."""
        return json_answer({"items": served.cards(asked.anime_ids)})

    return routes


def similar_json(served: Served, item: Recommendation) -> dict[str, Any]:
    """Return a `SimilarItem`."""
    likeness = item.likeness
    return {
        "rank": item.rank,
        "anime": served.card_of(item.anime),
        "score": round(item.score, 6),
        "match": item.match,
        "likeness": None
        if likeness is None
        else {
            "lenses": {name: round(share, 4) for name, share in likeness.lenses.items()},
            "shared": list(likeness.shared),
            "votes": likeness.votes,
        },
    }
