"""POST /recommendations: from what somebody likes to what they may like."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from anirec.core.anime import Anime
from anirec.explain import Reason
from anirec.service.answers import Recommendation, Recommendations
from anirec.web import schemas
from anirec.web.answers import json_answer, routes_about
from anirec.web.asked import entries_of, filters_of, is_short, likes_of, refuse_many_texts
from anirec.web.problems import match_json
from anirec.web.served import Served


def router(served: Served) -> APIRouter:
    """Return the routes."""
    routes = routes_about("recommendations")
    turn = asyncio.Lock()

    @routes.post("/recommendations", response_model=schemas.Recommendations)
    async def recommendations(asked: schemas.RecommendationRequest) -> Response:
        """Recommend anime to somebody who likes these.

        `likes` may be ids, ids with scores, or titles as text; `entries` a whole list. Nothing of it is kept or logged.
        """
        if not is_short(asked):
            return await run_in_threadpool(answered, asked)
        async with turn:  # in the loop's own thread: handing an answer of some 3 ms to another costs a fifth more
            await asyncio.sleep(0)  # the loop looks at everybody else between two answers
            return answered(asked)

    def answered(asked: schemas.RecommendationRequest) -> Response:
        refuse_many_texts(asked.likes, asked.dislikes, asked.seen)
        service = served.service
        answer = service.recommend(
            likes_of(asked),
            dislike=asked.dislikes,
            seen=asked.seen,
            entries=entries_of(asked),
            k=asked.k,
            offset=asked.offset,
            franchise=asked.franchise,
            popularity=asked.popularity,
            filters=filters_of(asked.filters),
            use_dislikes=asked.use_dislikes,
            model=asked.model,
            weights=asked.weights,
        )
        return json_answer(
            {
                "items": [item_json(served, answer.named, item) for item in answer],
                "next_offset": next_page(answer.next_offset),
                "model": asked.model or service.default_model,
                "understood": understood_json(asked, answer),
            }
        )

    return routes


def item_json(served: Served, named: Mapping[int, Anime], item: Recommendation) -> dict[str, Any]:
    """Return a `RecommendationItem`. named: facts of the titles that reasons name."""
    return {
        "rank": item.rank,
        "anime": served.card_of(item.anime),
        "score": round(item.score, 6),
        "match": item.match,
        "predicted_score": item.predicted_score,
        "reasons": {
            "because": because_json(named, item.because),
            "shared": list(item.shared),
            "quote": quote_json(served, named, item),
        },
    }


def quote_json(served: Served, named: Mapping[int, Anime], item: Recommendation) -> dict[str, Any] | None:
    """Return a `Quote`, None where the bundle has no texts or nobody wrote one."""
    quote = served.quotes.of(item, named) if served.quotes is not None else None
    return None if quote is None else quote.to_json()


def because_json(named: Mapping[int, Anime], because: Sequence[Reason]) -> list[dict[str, Any]]:
    """Return reasons with their titles."""
    return [
        {"anime_id": why.anime_id, "title": named[why.anime_id].title, "share": round(why.share, 4)}
        for why in because
        if why.anime_id in named
    ]


def next_page(offset: int | None) -> int | None:
    """Return where the next page begins, None where this is the last that is given."""
    return offset if offset is not None and offset <= schemas.MOST_OFFSET else None


def understood_json(asked: schemas.RecommendationRequest, answer: Recommendations) -> list[dict[str, Any]]:
    """Return how the titles that were given as text were read."""
    texts = {wish for wishes in (asked.likes, asked.dislikes, asked.seen) for wish in wishes if isinstance(wish, str)}
    return [
        {
            "text": read.text,
            "anime_id": read.anime_id,
            "title": answer.named[read.anime_id].title,
            "others": [match_json(match) for match in read.others],
        }
        for read in answer.understood
        if texts and read.anime_id in answer.named and not read.text.startswith("#")
    ]
