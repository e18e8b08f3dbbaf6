"""What people do on the page, in a real browser on a real server."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

    from page.conftest import Open

FAVOURITES = {1: "Cowboy Bebop", 5114: "Fullmetal Alchemist: Brotherhood", 457: "Mushishi"}
PLACES = ("/", "/list", "/results", "/browse", "/anime/5114", "/map", "/group", "/compare", "/model")

OTHERS_THAN = """before => {
  const now = [...document.querySelectorAll('[data-anime]')].map(card => Number(card.dataset.anime));
  return now.length > 0 && JSON.stringify(now) !== JSON.stringify(before);
}"""


def expect(what: Any) -> Any:
    """Playwright's assertions that wait; imported late, as it is not installed everywhere."""
    from playwright.sync_api import expect as real

    return real(what)


def list_of(*liked: int, **further: str) -> str:
    """Return a script that puts a list into the browser before the page opens."""
    profile = {str(anime_id): {"mark": "like"} for anime_id in liked}
    profile |= {anime_id: {"mark": mark} for anime_id, mark in further.items()}
    kept = json.dumps(json.dumps({"profile": profile, "names": {}, "imported": None}))
    return f"localStorage.getItem('anirec.list') || localStorage.setItem('anirec.list', {kept})"


def with_list(page: Page, *liked: int, path: str) -> None:
    page.add_init_script(list_of(*liked))
    page.goto(path)


def shown(page: Page) -> list[int]:
    """Return the ids of the cards, once they have come and stand still."""
    cards = page.locator(".cards:not(.stale) [data-anime]")
    cards.first.wait_for()
    return [int(card.get_attribute("data-anime") or 0) for card in cards.all()]


def choose(page: Page, title: str) -> None:
    page.get_by_role("combobox", name="A title, a mood").fill(title)
    page.get_by_role("option", name=re.compile(rf"^{re.escape(title)}")).first.click()


def answered(page: Page, path: str) -> Any:
    return page.expect_response(lambda answer: path in answer.url and answer.ok)


def test_three_picks_give_a_list_that_is_filtered_corrected_and_shared(fresh: Open) -> None:
    page = fresh()
    for title in FAVOURITES.values():
        choose(page, title)
    expect(page.locator(".tray-count")).to_have_text("3 favourites")
    page.get_by_role("button", name="Recommend").click()
    first = shown(page)
    assert len(first) >= 20
    assert not set(first) & set(FAVOURITES)

    with answered(page, "/recommendations"):
        page.get_by_role("button", name="Movie", exact=True).click()
    films = shown(page)
    facts = page.locator(".card .facts").all_inner_texts()
    assert len(films) >= 20, "a filter refills"
    assert all(fact.startswith("Movie") for fact in facts)

    with answered(page, "/recommendations"):
        page.get_by_role("button", name="Not interested").first.click()
    page.wait_for_function("id => !document.querySelector(`[data-anime='${id}']`)", arg=films[0])
    without = shown(page)
    assert without[: len(films) - 1] == films[1:], "what is hidden only goes, and the next ones move up"

    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("id => document.querySelector('[data-anime]').dataset.anime === String(id)", arg=films[0])
    assert shown(page)[: len(films)] == films

    page.get_by_role("button", name="Share").click()
    link = page.get_by_role("textbox", name="Link").input_value()
    assert "types=Movie" in link
    assert "#" in link

    other = fresh(link)
    assert shown(other)[: len(films)] == films
    expect(other.get_by_role("heading", level=1)).to_have_text("A shared list")
    assert other.evaluate("localStorage.getItem('anirec.list')") is None, "a link changes nobody's own list"


def test_seen_and_liked_changes_the_list(fresh: Open) -> None:
    page = fresh()
    with_list(page, 1, path="/results")
    first = shown(page)
    with answered(page, "/recommendations"):
        page.get_by_role("button", name="Seen and liked").first.click()
    page.wait_for_function("id => !document.querySelector(`[data-anime='${id}']`)", arg=first[0])
    expect(page.locator(".nav .count")).to_have_text("2")


def test_an_export_file_becomes_my_list(fresh: Open, tmp_path: Path) -> None:
    rows = "".join(
        f"<anime><series_animedb_id>{anime_id}</series_animedb_id><series_title>{title}</series_title>"
        f"<my_score>{score}</my_score><my_status>Completed</my_status></anime>"
        for anime_id, title, score in [
            (1, "Cowboy Bebop", 10),
            (5114, "FMA", 9),
            (20, "Naruto", 3),
            (99999999, "Nobody's", 5),
        ]
    )
    file = tmp_path / "animelist.xml.gz"
    file.write_bytes(gzip.compress(f"<?xml version='1.0'?><myanimelist>{rows}</myanimelist>".encode()))
    page = fresh()
    page.locator("input[type=file]").first.set_input_files(file)
    expect(page.get_by_role("heading", level=1)).to_have_text("My list")
    summary = page.get_by_role("region", name="What was read")
    expect(summary).to_contain_text("3 titles found")
    expect(summary).to_contain_text("1 not known here")
    expect(page.locator(".chip", has_text="Cowboy Bebop")).to_contain_text("10 · Completed")
    expect(page.locator(".list-group", has_text="Dislike")).to_contain_text("Naruto")
    page.reload()
    expect(page.locator(".chip")).to_have_count(3)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.locator(".tray")).to_have_count(0)
    assert page.evaluate("JSON.parse(localStorage.getItem('anirec.list')).profile") == {}


def test_a_file_that_is_no_list_says_why(fresh: Open, tmp_path: Path) -> None:
    file = tmp_path / "list.xml"
    file.write_text("<myanimelist>", encoding="utf-8")
    page = fresh("/list", refused=True)
    with page.expect_response("**/lists/import") as answer:
        page.locator("input[type=file]").first.set_input_files(file)
    assert 400 <= answer.value.status < 500
    expect(page.get_by_role("alert")).to_contain_text(answer.value.json()["detail"])
    expect(page.locator(".chip")).to_have_count(0)


def test_a_mood_finds_anime(fresh: Open, has: dict[str, Any]) -> None:
    if not has["search"]:
        pytest.skip("this bundle has nothing to search in")
    page = fresh()
    box = page.get_by_role("combobox", name="A title, a mood")
    box.fill("wholesome adventure with lots of travelling")
    page.get_by_role("option", name="Find anime like this").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("wholesome adventure")
    assert len(shown(page)) >= 20
    first = page.locator(".card").first
    expect(first.get_by_role("img", name=re.compile(r"^\d+ % match$"))).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("What will you love next?")


def test_the_map_is_walked_from_title_to_title(fresh: Open, has: dict[str, Any]) -> None:
    if not has["map"]:
        pytest.skip("this bundle has no map")
    page = fresh("/map", viewport={"width": 800, "height": 600})  # it is drawn in software here
    page.get_by_role("combobox", name="Find a title on the map").fill("Cowboy Bebop")
    page.get_by_role("option", name=re.compile("^Cowboy Bebop")).first.click()
    walk_on(page)
    page.get_by_role("button", name="Take the best-known titles in sight").click()
    page.get_by_role("button", name="Recommend from these").click()
    assert len(shown(page)) >= 20


def walk_on(page: Page) -> None:
    """Walk to the nearest neighbour, and back."""
    walk = page.get_by_role("region", name="Walk the graph")
    here = walk.get_by_role("heading", level=2)
    expect(here).not_to_have_text("…")
    start = here.inner_text()
    nearest = walk.locator(".walk-list button").first
    name = nearest.locator(".walk-name").inner_text()
    nearest.click()
    expect(here).to_have_text(name)
    walk.get_by_role("button", name="Back").click()
    expect(here).to_have_text(start)


def test_one_anime_tells_what_it_is_and_what_is_like_it(fresh: Open) -> None:
    page = fresh("/anime/5114")
    expect(page.get_by_role("heading", level=1)).to_have_text("Fullmetal Alchemist: Brotherhood")
    expect(page.get_by_role("link", name="MyAnimeList")).to_have_attribute("href", "https://myanimelist.net/anime/5114")
    steps = page.locator(".step")
    expect(steps.first).to_be_visible()
    expect(page.locator(".step-here")).to_have_count(1)
    blend = shown(page)
    page.get_by_role("tab", name="Genres").click()
    page.wait_for_function(OTHERS_THAN, arg=blend)
    page.get_by_role("button", name="Love").click()
    assert json.loads(page.evaluate("localStorage.getItem('anirec.list')"))["profile"] == {"5114": {"mark": "love"}}
    page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Love")).to_have_attribute("aria-pressed", "false")


def test_two_people_get_picks_for_tonight(fresh: Open) -> None:
    page = fresh()
    with_list(page, 1, 6, path="/group")
    page.get_by_role("combobox", name="What Person 2 likes").fill("Mushishi")
    with answered(page, "/groups/recommendations"):
        page.get_by_role("option", name=re.compile("^Mushishi")).first.click()
    picks = shown(page)
    assert not {1, 6, 457} & set(picks)
    with answered(page, "/groups/recommendations") as answer:
        page.get_by_role("radio", name=re.compile("^Nobody suffers")).check()
    asked = answer.value.request.post_data_json
    assert asked["strategy"] == "least-misery"
    assert [member["likes"] for member in asked["members"]] == [[1, 6], [457]]


def test_two_models_stand_side_by_side(fresh: Open) -> None:
    page = fresh()
    with_list(page, *FAVOURITES, path="/compare")
    expect(page.get_by_text(re.compile(r"^\d+ of 24 are on both$"))).to_be_visible()
    sides = page.locator(".compare-list")
    both = ids(sides.nth(0)) & ids(sides.nth(1))
    expect(page.get_by_text(f"{len(both)} of 24 are on both")).to_be_visible()


def ids(side: Locator) -> set[str]:
    return {link.get_attribute("href") or "" for link in side.get_by_role("link").all()}


def test_the_model_card_is_read_without_becoming_markup(fresh: Open) -> None:
    page = fresh("/model")
    expect(page.get_by_role("heading", level=1)).to_have_text("Model card")
    expect(page.locator(".markdown table").first).to_be_visible()


@pytest.mark.parametrize(
    ("language", "heading"), [("de", "Was wirst du als Nächstes lieben?"), ("ja", "次に好きになるアニメは？")]
)
def test_it_speaks_the_language_that_is_chosen(fresh: Open, language: str, heading: str) -> None:
    page = fresh()
    page.get_by_role("button", name="Settings").click()
    page.locator(".settings select").first.select_option(language)
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    assert page.evaluate("document.documentElement.lang") == language
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def test_a_phone_has_room_for_everything(fresh: Open) -> None:
    page = fresh(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, refused=True)
    page.add_init_script(list_of(*FAVOURITES))
    for place in PLACES:
        page.goto(place)
        page.locator("h1").first.wait_for(state="attached")  # that of the map is for screen readers alone
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{place} is {wide} px too wide"
    page.goto("/results")
    before = len(shown(page))
    page.get_by_role("button", name="Filters").click()
    with answered(page, "/recommendations"):
        page.get_by_role("dialog").get_by_role("button", name="Movie", exact=True).click()
    page.get_by_role("button", name="Show results").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert len(shown(page)) >= min(before, 20)


def test_all_can_be_done_by_keyboard(fresh: Open) -> None:
    page = fresh()
    page.get_by_role("combobox", name="A title, a mood").wait_for()  # before that Tab has nowhere to go
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    box = page.get_by_role("combobox", name="A title, a mood")
    tab_to(page, box)
    for title in ("Cowboy Bebop", "Mushishi"):
        page.keyboard.type(title)
        page.get_by_role("option", name=re.compile(f"^{title}")).first.wait_for()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(box).to_have_value("")
    go = page.get_by_role("button", name="Recommend")
    tab_to(page, go, back=True)
    page.keyboard.press("Enter")
    first = shown(page)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    tab_to(page, page.get_by_role("button", name="Not interested").first)
    page.keyboard.press("Enter")
    page.wait_for_function("id => !document.querySelector(`[data-anime='${id}']`)", arg=first[0])
    page.keyboard.press("Control+z")
    page.wait_for_function("id => document.querySelector(`[data-anime='${id}']`)", arg=first[0])


def tab_to(page: Page, wanted: Locator, *, back: bool = False) -> None:
    """Press Tab until the element has the focus, as somebody without a mouse would."""
    for _ in range(140):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError("it cannot be reached by Tab")


def test_what_was_opened_works_without_a_network(fresh: Open) -> None:
    page = fresh(workers=True, refused=True)
    with_list(page, *FAVOURITES, path="/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    for place in ("/results", "/anime/5114"):
        page.goto(place)
        shown(page)
    page.goto("/results")
    before = shown(page)
    page.context.set_offline(True)
    page.reload()
    assert shown(page)[: len(before)] == before
    page.goto("/anime/5114")
    expect(page.get_by_role("heading", level=1)).to_have_text("Fullmetal Alchemist: Brotherhood")
    page.goto("/list")
    expect(page.locator(".chip")).to_have_count(3)
    page.goto("/anime/21")
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached now")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(fresh: Open, axe: str, scheme: str) -> None:
    page = fresh(color_scheme=scheme)
    page.add_init_script(list_of(*FAVOURITES, **{"11757": "dislike"}))
    found: list[str] = []
    for place in (*[place for place in PLACES if place != "/map"], "/results?genres=Action&not_genres=Horror"):
        page.goto(place)
        page.locator("h1").first.wait_for()
        page.wait_for_load_state("networkidle")
        page.evaluate(axe)  # through the debugger: the page's own policy would not let it in
        report = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found += [
            f"{place}: {one['id']} {[node['target'] for node in one['nodes'][:3]]}"
            for one in report["violations"]
            if one["impact"] in {"serious", "critical"}
        ]
    assert found == []


HOSTILE = """"><img src=x onerror=alert(1)><script>alert(2)</script> 'quoted' & "double" {title} </title>"""


def test_titles_with_quotes_and_markup_are_text(fresh: Open) -> None:
    page = fresh()

    def poisoned(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        for item in told["items"]:
            anime = item.get("anime", item)
            anime["title"] = HOSTILE
            for one in item.get("reasons", {}).get("because", []):
                one["title"] = HOSTILE
        route.fulfill(response=answer, json=told)

    for asked in ("titles**", "recommendations", "titles/cards"):
        page.route(f"**/api/v1/{asked}", poisoned)
    page.on("dialog", lambda opened: pytest.fail(f"a script ran: {opened.message}"))
    box = page.get_by_role("combobox", name="A title, a mood")
    box.fill("cowboy")
    option = page.get_by_role("option").first
    expect(option).to_contain_text(HOSTILE)
    option.click()
    expect(page.get_by_text(f"{HOSTILE}: Like")).to_be_visible()
    page.get_by_role("button", name="Recommend").click()
    expect(page.locator(".card-title").first).to_have_text(HOSTILE)
    page.get_by_role("link", name="My list").click()
    expect(page.locator(".chip-title").first).to_have_text(HOSTILE)
    assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0


def test_more_than_128_favourites_count_all_and_fit_into_a_link(fresh: Open) -> None:
    page = fresh()
    liked: list[int] = []
    for offset in (0, 100):
        body = {"model": "popularity", "k": 100, "offset": offset, "franchise": "entry"}
        found = page.request.post("/api/v1/recommendations", data=body).json()
        liked += [item["anime"]["anime_id"] for item in found["items"]]
    assert len(liked) == 200
    page.add_init_script(list_of(*liked))
    with page.expect_request("**/recommendations") as asked:
        page.goto("/results")
    assert sorted((asked.value.post_data_json or {})["likes"]) == sorted(liked)
    first = shown(page)
    assert not set(first) & set(liked)
    page.get_by_role("button", name="Share").click()
    link = page.get_by_role("textbox", name="Link").input_value()
    assert len(link) < 1000
    assert shown(fresh(link))[: len(first)] == first


def test_the_list_goes_on_without_end_and_without_repeats(fresh: Open) -> None:
    page = fresh()
    with_list(page, *FAVOURITES, path="/results")
    first = shown(page)
    with answered(page, "/recommendations"):
        page.mouse.wheel(0, 20_000)
    page.wait_for_function("n => document.querySelectorAll('[data-anime]').length > n", arg=len(first))
    longer = shown(page)
    assert longer[: len(first)] == first
    assert len(set(longer)) == len(longer)
