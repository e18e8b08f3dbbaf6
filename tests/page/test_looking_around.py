"""What the page offers to who looks around, weighs the blend anew, or finds nothing; in a real browser."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from page.test_walkthrough import FAVOURITES, OTHERS_THAN, answered, expect, list_of, shown, with_list

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from page.conftest import Open


def test_seasons_are_paged_through_and_put_into_the_order_of_my_taste(fresh: Open) -> None:
    page = fresh()
    with_list(page, *FAVOURITES, path="/browse?year=2019&season=spring")
    first = shown(page)
    facts = page.locator(".card .facts").all_inner_texts()
    assert all("2019" in fact for fact in facts)
    with answered(page, "/seasons/2019/winter"):
        page.get_by_role("button", name="Season before").click()
    page.wait_for_function(OTHERS_THAN, arg=first)
    assert "season=winter" in page.url
    before = shown(page)
    with page.expect_response(lambda answer: "/seasons/2019/winter" in answer.url and answer.request.method == "POST"):
        page.get_by_role("checkbox", name="In my taste").check()
    page.wait_for_function(OTHERS_THAN, arg=before)
    assert page.locator(".card .why").count() > 0, "in one's taste there are reasons"
    page.reload()
    expect(page.get_by_role("checkbox", name="In my taste")).to_be_checked()


def test_trends_and_the_best_known_of_a_genre_are_filtered_and_leave_out_my_list(fresh: Open) -> None:
    page = fresh()
    with_list(page, *FAVOURITES, path="/browse?view=trending")
    trending = shown(page)
    with answered(page, "/trending"):
        page.get_by_role("button", name="Movie", exact=True).click()
    page.wait_for_function(OTHERS_THAN, arg=trending)
    assert all(fact.startswith("Movie") for fact in page.locator(".card .facts").all_inner_texts())

    page.goto("/browse")
    page.get_by_role("tab", name="Best known").click()
    known = shown(page)
    assert not set(known) & set(FAVOURITES)
    page.get_by_role("checkbox", name="Without what is on my list").uncheck()
    page.wait_for_function("id => document.querySelector(`[data-anime='${id}']`)", arg=5114)
    every = shown(page)
    with answered(page, "/recommendations"):
        page.locator(".browse").get_by_role("button", name="Slice of Life").click()
    page.wait_for_function(OTHERS_THAN, arg=every)
    assert "genres=Slice+of+Life" in page.url


def test_tabs_and_seasons_are_reached_by_keyboard(fresh: Open) -> None:
    page = fresh("/browse?year=2019&season=spring")
    first = shown(page)
    page.get_by_role("tab", name="Seasons").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="Trending")).to_have_attribute("aria-selected", "true")
    page.wait_for_function(OTHERS_THAN, arg=first)


def test_parts_of_the_blend_are_weighed_and_put_back(fresh: Open) -> None:
    page = fresh()
    with_list(page, *FAVOURITES, path="/results")
    learned = shown(page)
    side = page.locator(".side")
    side.get_by_text("Advanced: what the blend listens to").click()
    sliders = side.locator(".part input")
    assert sliders.count() >= 2
    expect(sliders.first).to_have_attribute("aria-valuetext", "as learned")
    with page.expect_request("**/recommendations") as asked:
        sliders.first.focus()
        page.keyboard.press("Home")
    weights = (asked.value.post_data_json or {})["weights"]
    assert list(weights.values()) == [0]
    page.wait_for_function(OTHERS_THAN, arg=learned)
    expect(sliders.first).to_have_attribute("aria-valuetext", "silent")
    assert "weight=" in page.url
    side.get_by_role("button", name="All as learned").click()
    expect(sliders.first).to_have_attribute("aria-valuetext", "as learned")
    assert "weight=" not in page.url, "what was learned is at hand, so nobody is asked again"
    page.wait_for_function("before => document.querySelector('[data-anime]').dataset.anime == before", arg=learned[0])


def test_a_mood_leaves_out_what_i_know_unless_i_want_it(fresh: Open, has: dict[str, Any]) -> None:
    if not has["search"]:
        pytest.skip("this bundle has nothing to search in")
    page = fresh("/results?q=space+bounty+hunters")
    liked = shown(page)[:2]
    page.evaluate(list_of(*liked).replace("localStorage.getItem('anirec.list') ||", ""))
    with page.expect_request("**/search") as asked:
        page.goto("/results?q=space+bounty+hunters")
    assert (asked.value.post_data_json or {})["seen"] == sorted(liked)
    assert not set(shown(page)) & set(liked)
    switch = page.get_by_role("checkbox", name="Without what is on my list")
    with page.expect_request("**/search") as asked:
        switch.uncheck()
    assert (asked.value.post_data_json or {})["seen"] == []
    page.wait_for_function("id => document.querySelector(`[data-anime='${id}']`)", arg=liked[0])


def answering(status: int, body: dict[str, Any]) -> Any:
    def answer(route: Route) -> None:
        kind = "application/json" if status == 200 else "application/problem+json"
        route.fulfill(status=status, content_type=kind, body=json.dumps(body))

    return answer


def test_a_search_that_finds_nothing_names_near_titles_and_other_queries(fresh: Open) -> None:
    page = fresh()
    page.route("**/api/v1/search", answering(200, {"items": [], "like": [], "next_offset": None}))
    page.goto("/results?q=Cowboi+Bebop")
    ways = page.get_by_role("region", name="Ways on")
    expect(page.get_by_text("Nothing answers that.")).to_be_visible()
    near = ways.get_by_role("link", name=re.compile("Cowboy Bebop")).first
    expect(near).to_have_attribute("href", "/anime/1")
    page.unroute("**/api/v1/search")
    ways.get_by_role("button").first.click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("Cowboi")


def test_a_search_that_fails_says_why_and_what_else_to_do(fresh: Open) -> None:
    page = fresh(refused=True)
    said = {"type": "/problems/not-in-this-bundle", "title": "", "status": 404, "detail": "nothing to search in"}
    page.route("**/api/v1/search", answering(404, said))
    page.goto("/results?q=Cowboi+Bebop")
    expect(page.get_by_role("alert")).to_contain_text("nothing to search in")
    expect(page.get_by_role("region", name="Ways on").get_by_role("link").first).to_be_visible()


@pytest.mark.parametrize(("language", "genre"), [("de", "Alltag"), ("ja", "日常")])
def test_genres_are_named_in_the_language_and_asked_for_by_their_own_name(
    fresh: Open, language: str, genre: str
) -> None:
    page = fresh()
    page.add_init_script(f"""localStorage.setItem('anirec.settings', '{{"language": "{language}"}}')""")
    page.add_init_script(list_of(*FAVOURITES))
    page.goto("/results")
    shown(page)
    with page.expect_request("**/recommendations") as asked:
        page.locator(".side").get_by_role("button", name=genre, exact=True).click()
    assert (asked.value.post_data_json or {})["filters"]["genres"] == ["Slice of Life"]
