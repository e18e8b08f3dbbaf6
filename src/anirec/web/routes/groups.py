"""POST /groups/recommendations: one list for several people."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from anirec.core.anime import Anime
from anirec.service.groups import GroupRecommendation, Member, recommend_to_group
from anirec.service.understanding import understand
from anirec.web import schemas
from anirec.web.answers import json_answer, routes_about
from anirec.web.asked import entries_of, filters_of, likes_of, refuse_many_texts
from anirec.web.routes.recommend import because_json, item_json, next_page
from anirec.web.served import Served


def router(served: Served) -> APIRouter:
    """Return the routes."""
    routes = routes_about("recommendations")

    @routes.post("/groups/recommendations", response_model=schemas.GroupRecommendations)
    def group(asked: schemas.GroupRequest) -> Response:
        """Recommend anime to several people at once; what any of them has seen does not come back."""
        refuse_many_texts(*(wishes for one in asked.members for wishes in (one.likes, one.dislikes, one.seen)))
        members = [_member(served, one, number) for number, one in enumerate(asked.members, start=1)]
        answer = recommend_to_group(
            served.service,
            members,
            strategy=asked.strategy,
            k=asked.k,
            offset=asked.offset,
            franchise=asked.franchise,
            popularity=asked.popularity,
            filters=filters_of(asked.filters),
        )
        named = served.service.facts.of(
            {why.anime_id for one in answer for whys in (one.item.because, *_whys(one)) for why in whys}
        )
        return json_answer(
            {
                "items": [_group_json(served, named, one) for one in answer],
                "next_offset": next_page(answer.next_offset),
                "strategy": answer.strategy.value,
            }
        )

    return routes


def _member(served: Served, one: schemas.GroupMember, number: int) -> Member:
    profile = served.service.profile(likes_of(one), dislike=one.dislikes, entries=entries_of(one))
    seen = tuple(understand(wish, served.service.titles).anime_id for wish in one.seen)
    return Member(one.name or f"{number}", profile, seen)


def _whys(one: GroupRecommendation) -> list[tuple[Any, ...]]:
    return [view.because for view in one.members]


def _group_json(served: Served, named: dict[int, Anime], one: GroupRecommendation) -> dict[str, Any]:
    members = [
        {
            "name": view.name,
            "match": view.match,
            "place": view.place,
            "because": because_json(named, view.because),
        }
        for view in one.members
    ]
    return item_json(served, named, one.item) | {"members": members}
