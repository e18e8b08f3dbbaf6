"""Small worlds behind the interfaces of the sites; made up, down to the names."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from sources.web.fault_server import Request, Response, as_json

PERSON = "Blue Pelican/7"
"""Whose list is asked for; must turn up nowhere."""


@dataclass
class FakeMal:
    """MyAnimeList's API v2 over `n` anime. versions: by id, when an anime was last changed."""

    n: int = 9
    versions: dict[int, str] = field(default_factory=dict)

    def version(self, anime_id: int) -> str:
        return self.versions.get(anime_id, f"2026-10-{anime_id:02}T10:00:00+00:00")

    def __call__(self, request: Request) -> Response:
        parts = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if request.headers.get("X-Mal-Client-Id", request.headers.get("X-MAL-CLIENT-ID")) != "the-key":
            return as_json({"message": "bad key"}, 401)
        if found := re.fullmatch(r"/v2/anime/(\d+)", parts.path):
            anime_id = int(found[1])
            return as_json(self.anime(anime_id)) if anime_id <= self.n else as_json({"error": "not_found"}, 404)
        if parts.path.startswith(("/v2/anime/season/", "/v2/anime/ranking")):
            rows = [{"node": {"id": i, "title": f"T{i}", "updated_at": self.version(i)}} for i in range(1, self.n + 1)]
            return self.pages(request, query, rows)
        if found := re.fullmatch(r"/v2/users/([^/]+)/animelist", parts.path):
            assert unquote(found[1]) == PERSON
            rows = [
                {
                    "node": {"id": i, "title": f"T{i}"},
                    "list_status": {
                        "status": "completed" if i % 2 else "plan_to_watch",
                        "score": i % 2 * (11 - i),
                        "updated_at": f"2026-01-{i:02}T00:00:00+00:00",
                    },
                }
                for i in range(1, self.n + 1)
            ]
            return self.pages(request, query, rows)
        return as_json({"error": "not_found"}, 404)

    def pages(self, request: Request, query: dict[str, str], rows: list[dict[str, Any]], size: int = 4) -> Response:
        offset = int(query.get("offset", 0))
        found: dict[str, Any] = {"data": rows[offset : offset + size], "paging": {}}
        if offset + size < len(rows):
            base = request.path.split("&offset=")[0]
            found["paging"]["next"] = f"{request.base}{base}&offset={offset + size}"
        return as_json(found)

    def anime(self, anime_id: int) -> dict[str, Any]:
        return {
            "id": anime_id,
            "title": f"Title {anime_id}",
            "alternative_titles": {"synonyms": [f"Other {anime_id}"], "en": f"English {anime_id}", "ja": "題名"},
            "start_date": f"2026-10-{anime_id:02}",
            "start_season": {"year": 2026, "season": "fall"},
            "synopsis": f"Someone does something, {anime_id} times.",
            "mean": 7.5,
            "num_list_users": 1000 * anime_id,
            "num_scoring_users": 500,
            "updated_at": self.version(anime_id),
            "media_type": "tv",
            "status": "currently_airing",
            "genres": [{"id": 1, "name": "Action"}, {"id": 2, "name": "School"}, {"id": 3, "name": "Shounen"}],
            "num_episodes": 12,
            "source": "light_novel",
            "average_episode_duration": 1420,
            "rating": "rx" if anime_id == 3 else "pg_13",
            "studios": [{"id": 1, "name": "Studio"}],
            "related_anime": [{"node": {"id": 1}, "relation_type": "sequel", "relation_type_formatted": "Sequel"}]
            if anime_id > 1
            else [],
            "recommendations": [{"node": {"id": anime_id % self.n + 1}, "num_recommendations": anime_id}],
        }


@dataclass
class FakeAniList:
    """AniList's API over `n` anime, of which number 5 has no page at MyAnimeList. Their ids are 1000 higher."""

    n: int = 60
    versions: dict[int, int] = field(default_factory=dict)
    score_format: str = "POINT_100"
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, request: Request) -> Response:
        asked = json.loads(request.body)
        variables = asked["variables"]
        if "MediaListCollection" in asked["query"]:
            assert variables["name"] == PERSON
            found: dict[str, Any] = {"MediaListCollection": self.list(variables["chunk"])}
        elif "pageInfo" in asked["query"]:
            start = 50 * (variables["page"] - 1)
            media = [{"id": 1000 + i, "updatedAt": self.version(i)} for i in range(1, self.n + 1)]
            more = start + 50 < len(media)
            found = {"Page": {"pageInfo": {"hasNextPage": more}, "media": media[start : start + 50]}}
        else:
            ids = variables.get("ids") or [1000 + i for i in variables["mal"]]
            found = {"Page": {"media": [self.media(i - 1000) for i in ids]}}
        return Response(json.dumps({"data": found}).encode(), 200, self.headers)

    def version(self, i: int) -> int:
        return self.versions.get(i, 1_790_000_000 + i)

    def node(self, i: int) -> dict[str, Any]:
        return {"id": 1000 + i, "idMal": None if i == 5 else i, "type": "ANIME"}

    def media(self, i: int) -> dict[str, Any]:
        return {
            **self.node(i),
            "updatedAt": self.version(i),
            "format": "TV_SHORT",
            "status": "RELEASING",
            "episodes": 12,
            "duration": 5,
            "season": "FALL",
            "seasonYear": 2026,
            "source": "LIGHT_NOVEL",
            "isAdult": False,
            "genres": ["Action", "Mecha"],
            "synonyms": [f"Other {i}"],
            "averageScore": 75,
            "popularity": 100 * i,
            "favourites": 3,
            "description": "One<br>two &amp; <i>three</i>",
            "title": {"romaji": f"Title {i}", "english": None, "native": "題名"},
            "startDate": {"year": 2026, "month": 10, "day": None},
            "tags": [{"name": "Robots", "rank": 90}, {"name": "Rain", "rank": 10}],
            "studios": {"nodes": [{"name": "Studio"}]},
            "coverImage": {"large": "https://example.org/x.png"},
            "relations": {"edges": [{"relationType": "SEQUEL", "node": self.node(i % self.n + 1)}]},
            "recommendations": {"nodes": [{"rating": 7, "mediaRecommendation": self.node((i + 1) % self.n + 1)}]},
        }

    def list(self, chunk: int) -> dict[str, Any]:
        scores = {"POINT_100": 85, "POINT_10_DECIMAL": 8.5, "POINT_10": 8, "POINT_5": 4, "POINT_3": 3}
        entries: list[dict[str, Any]] = [
            {
                "mediaId": 1000 + i,
                "status": "COMPLETED",
                "score": scores[self.score_format] if i % 2 else 0,
                "updatedAt": 1_780_000_000,
                "media": {"idMal": None if i == 5 else i, "type": "ANIME", "title": {}},
            }
            for i in range(3 * chunk - 2, 3 * chunk + 1)
        ]
        lists = [{"entries": entries}, {"entries": entries[:1]}]
        user = {"mediaListOptions": {"scoreFormat": self.score_format}}
        return {"hasNextChunk": chunk < 2, "user": user, "lists": lists}


@dataclass
class FakeJikan:
    """A server of Jikan's API v4 that tags its answers."""

    n: int = 6
    members: dict[int, int] = field(default_factory=dict)

    def __call__(self, request: Request) -> Response:
        parts = urlsplit(request.path)
        page = int(parse_qs(parts.query).get("page", ["1"])[0])
        routes: dict[str, Callable[[int, int], dict[str, Any]]] = {
            r"/v4/anime/(\d+)/full": lambda i, _p: {"data": self.anime(i)},
            r"/v4/anime/(\d+)/reviews": self.reviews,
            r"/v4/anime/(\d+)/recommendations": lambda i, _p: {
                "data": [{"entry": {"mal_id": i % self.n + 1}, "votes": i}]
            },
            r"/v4/anime()": lambda _i, p: {
                "data": [self.anime(i) for i in range(3 * p - 2, 3 * p + 1)],
                "pagination": {"has_next_page": p < 2},
            },
            r"/v4/recommendations/anime()": lambda _i, p: self.texts(p),
        }
        for pattern, answer in routes.items():
            if found := re.fullmatch(pattern, parts.path):
                number = int(found[1] or 0)
                if number > self.n:
                    return as_json({"status": 404}, 404)
                return self.tagged(request, answer(number, page))
        return as_json({"status": 404}, 404)

    def tagged(self, request: Request, found: dict[str, Any]) -> Response:
        body = json.dumps(found).encode()
        tag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        if request.headers.get("If-None-Match") == tag:
            return Response(b"", 304, {"ETag": tag})
        return Response(body, 200, {"ETag": tag})

    def anime(self, i: int) -> dict[str, Any]:
        return {
            "mal_id": i,
            "title": f"Title {i}",
            "title_english": f"English {i}",
            "title_japanese": "題名",
            "title_synonyms": [],
            "type": "TV",
            "source": "Manga",
            "episodes": 12,
            "status": "Finished Airing",
            "aired": {"from": "2014-04-06T00:00:00+00:00"},
            "duration": "1 hr 5 min per ep",
            "rating": "PG-13 - Teens 13 or older",
            "score": 7.7,
            "scored_by": 100,
            "members": self.members.get(i, 1000),
            "favorites": 5,
            "synopsis": "Someone does something.",
            "season": "spring",
            "year": 2014,
            "studios": [{"name": "Studio"}],
            "genres": [{"name": "Comedy"}],
            "themes": [{"name": "School"}],
            "demographics": [{"name": "Seinen"}],
            "relations": [{"relation": "Sequel", "entry": [{"mal_id": i % self.n + 1, "type": "anime"}]}],
            "images": {"jpg": {"image_url": "https://example.org/x.jpg"}},
        }

    def reviews(self, i: int, page: int) -> dict[str, Any]:
        rows = [
            {
                "mal_id": 100 * i + 10 * page + nth,
                "date": "2020-01-02T03:04:05+00:00",
                "review": f"I liked it, {nth}.",
                "score": 8,
                "user": {"username": PERSON if nth else "other"},
                "reactions": {"overall": nth},
            }
            for nth in range(2)
        ]
        return {"data": rows, "pagination": {"has_next_page": page < 3}}

    def texts(self, page: int) -> dict[str, Any]:
        rows = [
            {
                "mal_id": f"{page}-{page + 1}",
                "entry": [{"mal_id": page}, {"mal_id": page + 1}],
                "content": "Both are quiet.",
                "user": {"username": PERSON},
            }
        ]
        return {"data": rows, "pagination": {"has_next_page": page < 2}}


def people_page(request: Request) -> Response:
    """A page of who is online, and a robots.txt."""
    if request.path == "/robots.txt":
        return Response(b"User-agent: *\nDisallow: /private\n")
    names = ["Red Heron", "Blue_Pelican", "anon-42"]
    links = "".join(f'<a href="/profile/{name.replace(" ", "%20")}">x</a>' for name in names)
    return Response(f"<html><a href='/about'>about</a>{links}</HTML>".encode())


def id_map_file(_request: Request) -> Response:
    """Fribb's map, of three anime."""
    return as_json([{"mal_id": i, "anilist_id": 1000 + i, "anidb_id": 7} for i in (1, 2, 3)])
