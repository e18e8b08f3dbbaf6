"""What to look at without saying anything of oneself: chance, trends, seasons."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Path, Query, Response

from anirec.service.understanding import understand
from anirec.web import schemas
from anirec.web.answers import json_answer, routes_about
from anirec.web.asked import entries_of, filters_of, likes_of, refuse_many_texts
from anirec.web.routes.recommend import item_json, next_page
from anirec.web.served import Served

Year = Annotated[int, Path(ge=1900, le=2200, examples=[2020])]
Season = Annotated[schemas.SeasonName, Path(examples=["spring"])]


def router(served: Served) -> APIRouter:
    """Return the routes."""
    routes = routes_about("browse")

    @routes.get("/random", response_model=schemas.AnimeCard)
    def random(asked: Annotated[schemas.RandomQuery, Query()]) -> Response:
        """Return an anime by chance, of those that a newcomer may start with and that pass the filters."""
        return json_answer(served.card_of(served.browse.random(filters=filters_of(asked), seed=asked.seed)))

    @routes.get("/trending", response_model=schemas.Ranked)
    def trending(asked: Annotated[schemas.BrowseQuery, Query()]) -> Response:
        """Return the anime of the last year that gather people fastest: most members for each day since they began."""
        found = served.browse.trending(k=asked.k, offset=asked.offset, filters=filters_of(asked))
        return json_answer(
            {"items": [served.card_of(item.anime) for item in found], "next_offset": next_page(found.next_offset)}
        )

    @routes.get("/seasons/{year}/{season}", response_model=schemas.Ranked)
    def season(year: Year, season: Season, asked: Annotated[schemas.BrowseQuery, Query()]) -> Response:
        """Return the anime that began in a season, those on most lists first."""
        filters = filters_of(asked)
        found = served.browse.season(year, season, k=asked.k, offset=asked.offset, filters=filters, explain=False)
        return json_answer(
            {"items": [served.card_of(item.anime) for item in found], "next_offset": next_page(found.next_offset)}
        )

    @routes.post("/seasons/{year}/{season}", response_model=schemas.Recommendations)
    def season_in_my_taste(year: Year, season: Season, asked: schemas.SeasonRequest) -> Response:
        """Return the anime that began in a season in the order of your taste, what nobody has rated yet among them."""
        refuse_many_texts(asked.likes, asked.dislikes, asked.seen)
        service = served.service
        profile = service.profile(likes_of(asked), dislike=asked.dislikes, entries=entries_of(asked))
        known = [understand(wish, service.titles).anime_id for wish in asked.seen]
        found = served.browse.season(
            year,
            season,
            profile=profile,
            seen=np.unique(np.array(known, dtype=np.int32)),
            k=asked.k,
            offset=asked.offset,
            filters=filters_of(asked.filters),
        )
        return json_answer(
            {
                "items": [item_json(served, found.named, item) for item in found],
                "next_offset": next_page(found.next_offset),
                "model": service.default_model,
                "understood": [],
            }
        )

    return routes
