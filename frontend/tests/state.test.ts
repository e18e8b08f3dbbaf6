import { describe, expect, it } from "vitest";
import { decodeProfile, encodeProfile } from "../src/state/codec";
import { MyList, type Name, readState } from "../src/state/list";
import { type Browsing, decodeBrowsing, encodeBrowsing, seasonOf, stepped } from "../src/state/browsing";
import { type Entry, MARKS, type Profile, STATUSES, hasTaste, shownMark, tasteOf, toHide } from "../src/state/profile";
import { Store, memory } from "../src/state/store";
import { NO_WISHES, cleanFilters, countFilters, decodeWishes, encodeWishes, withWeight } from "../src/state/wishes";

/** The same numbers at every run. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

function someProfile(next: () => number, size: number): Profile {
  const profile: Record<number, Entry> = {};
  for (let i = 0; i < size; i++) {
    const id = 1 + Math.floor(next() ** 3 * 60_000);
    const mark = MARKS[Math.floor(next() * MARKS.length)];
    const score = next() < 0.3 ? null : 1 + Math.floor(next() * 10);
    const status = next() < 0.3 ? null : (STATUSES[Math.floor(next() * STATUSES.length)] ?? null);
    profile[id] = mark && next() < 0.5 ? { mark } : { score, status };
  }
  return profile;
}

const NAME: Name = { title: "A", title_english: null, title_japanese: null, image_url: null, year: null, type: null, genres: [] };

describe("a profile in a URL", () => {
  it("comes back as it was, whatever is in it", () => {
    const next = chance(7);
    for (let round = 0; round < 200; round++) {
      const profile = someProfile(next, Math.floor(next() * 60));
      expect(decodeProfile(encodeProfile(profile))).toEqual(profile);
    }
  });

  it("is the same text in whatever order things were said", () => {
    expect(encodeProfile({ 9: { mark: "like" }, 2: { mark: "love" } })).toBe(encodeProfile({ 2: { mark: "love" }, 9: { mark: "like" } }));
  });

  it("needs only letters that a URL may have, and stays short", () => {
    const text = encodeProfile(someProfile(chance(3), 500));
    expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(text.length).toBeLessThan(1800);
  });

  it("holds the largest id", () => {
    const profile: Profile = { [2 ** 31 - 1]: { mark: "seen" } };
    expect(decodeProfile(encodeProfile(profile))).toEqual(profile);
  });

  it("is nothing where the text was cut off, mistyped or made up", () => {
    const text = encodeProfile(someProfile(chance(5), 40));
    expect(decodeProfile(text.slice(0, -3))).toBeNull();
    for (const wrong of ["", "!", "AA", "____________", "<script>"]) expect(decodeProfile(wrong)).toBeNull();
  });

  it("does not become as large as a stranger's link says", () => {
    const bytes = [1, 1, 0xff, 0xff, 0xff, 0x7f];
    expect(decodeProfile(btoa(String.fromCharCode(...bytes)))).toBeNull();
  });
});

describe("wishes in a URL", () => {
  it("come back as they were", () => {
    const wishes = {
      ...NO_WISHES,
      q: "slow & rural?",
      mine: true,
      franchise: "mixed" as const,
      popularity: -0.75,
      dislikes: false,
      model: "ease",
      weights: { ease: 0.5, "similar-genres": 0 },
      hide: false,
      filters: { types: ["TV", "Movie"], genres: ["Sci-Fi"], not_genres: ["Horror"], year_from: 1990, max_minutes: 30, adult: true },
    };
    expect(decodeWishes(encodeWishes(wishes))).toEqual(wishes);
  });

  it("are left out where nothing is wished for", () => {
    expect(encodeWishes(NO_WISHES)).toBe("");
    expect(decodeWishes("")).toEqual(NO_WISHES);
  });

  it("pass over what cannot be meant", () => {
    const read = decodeWishes("franchise=none&popularity=7&year_from=-3&year_to=1e9&min_members=abc&adult=yes&types=");
    expect(read).toEqual({ ...NO_WISHES, filters: { year_to: 1e9 } });
  });

  it("hold weights only where they are not as learned", () => {
    expect(withWeight(withWeight({}, "ease", 0), "recvae", 2)).toEqual({ ease: 0, recvae: 2 });
    expect(withWeight({ ease: 0, recvae: 2 }, "ease", 1)).toEqual({ recvae: 2 });
    expect(decodeWishes("weight=ease:1&weight=a:4&weight=b:-1&weight=c&weight=d:x&weight=ok:2.25").weights).toEqual({ ok: 2.25 });
  });

  it("are counted once a filter, and cleaned of empty ones", () => {
    const filters = { types: [], genres: ["Drama", "Comedy"], year_from: 2000, adult: false };
    expect(countFilters(filters)).toBe(2);
    expect(cleanFilters(filters)).toEqual({ genres: ["Drama", "Comedy"], year_from: 2000, adult: false });
  });
});

describe("what is looked through, in a URL", () => {
  it("comes back as it was", () => {
    const found: Browsing = { view: "known", year: 1998, season: "spring", mine: true, hide: false, filters: { genres: ["Drama"], adult: true } };
    expect(decodeBrowsing(encodeBrowsing(found))).toEqual(found);
  });

  it("is today's season where nothing is said, or nothing that can be meant", () => {
    const nothing = { view: "season", year: null, season: null, mine: false, hide: true, filters: {} };
    expect(decodeBrowsing("")).toEqual(nothing);
    expect(decodeBrowsing("view=x&year=2020.5&season=autumn&types=")).toEqual(nothing);
    expect(encodeBrowsing(nothing as Browsing)).toBe("");
  });

  it("begins its year in January, and goes from fall to winter", () => {
    expect(seasonOf(new Date(2024, 0, 1))).toEqual({ year: 2024, season: "winter" });
    expect(seasonOf(new Date(2024, 11, 31))).toEqual({ year: 2024, season: "fall" });
    expect(stepped(2024, "fall", 1)).toEqual({ year: 2025, season: "winter" });
    expect(stepped(2024, "winter", -1)).toEqual({ year: 2023, season: "fall" });
  });
});

describe("a profile as a request", () => {
  it("puts every mark where the API looks for it, in order of ids", () => {
    const profile: Profile = {
      5: { mark: "hidden" },
      4: { mark: "seen" },
      3: { mark: "dislike" },
      2: { mark: "like" },
      1: { mark: "love" },
      6: { score: 8, status: "completed" },
    };
    expect(tasteOf(profile)).toEqual({
      likes: [{ anime_id: 1, score: 10 }, 2],
      dislikes: [3],
      seen: [4, 5],
      entries: [{ anime_id: 6, score: 8, status: "completed" }],
    });
  });

  it("hides what was seen, picked or refused, and not what is planned", () => {
    const profile: Profile = { 1: { mark: "like" }, 2: { mark: "hidden" }, 3: { mark: "seen" }, 4: { score: null, status: "planned" }, 5: { score: null, status: "watching" } };
    expect(toHide(profile)).toEqual([1, 2, 3, 5]);
  });

  it("has no taste where things were only seen, hidden or planned", () => {
    expect(hasTaste({ 1: { mark: "seen" }, 2: { mark: "hidden" }, 3: { score: null, status: "planned" } })).toBe(false);
    expect(hasTaste({ 1: { mark: "like" } })).toBe(true);
  });

  it("shows an imported score as the nearest mark", () => {
    const marks = [10, 9, 8, 7, 6, 5, 4, 1].map((score) => shownMark({ score, status: "completed" }));
    expect(marks).toEqual(["love", "love", "like", "like", "seen", "seen", "dislike", "dislike"]);
  });
});

describe("my list", () => {
  it("takes back one thing after the other", () => {
    const mine = new MyList(memory());
    mine.mark(1, "like", "1", NAME);
    mine.mark(2, "love", "2", NAME);
    mine.mark(1, "hidden", "3");
    expect(mine.undo()).toBe(true);
    expect(mine.store.get().profile).toEqual({ 1: { mark: "like" }, 2: { mark: "love" } });
    mine.undo();
    mine.undo();
    expect(mine.store.get().profile).toEqual({});
    expect(mine.undo()).toBe(false);
  });

  it("is there again when the page is opened anew", () => {
    const keeper = memory();
    new MyList(keeper).mark(7, "love", "", NAME);
    const again = new MyList(keeper).store.get();
    expect(again.profile).toEqual({ 7: { mark: "love" } });
    expect(again.names[7]).toEqual(NAME);
  });

  it("keeps what I said myself over what an import says", () => {
    const mine = new MyList(memory());
    mine.mark(1, "dislike", "");
    const summary = { source: "x", found: 2, unknown: [], unknown_count: 0, adult_hidden: 0 };
    mine.take({ 1: { score: 9, status: null }, 2: { score: 6, status: "dropped" } }, {}, summary, "");
    expect(mine.store.get().profile).toEqual({ 1: { mark: "dislike" }, 2: { score: 6, status: "dropped" } });
    mine.undo();
    expect(mine.store.get().profile).toEqual({ 1: { mark: "dislike" } });
  });

  it("forgets all when it is cleared, the way back too", () => {
    const mine = new MyList(memory());
    mine.mark(1, "like", "", NAME);
    mine.clear();
    expect(mine.store.get()).toEqual({ profile: {}, names: {}, imported: null });
    expect(mine.undo()).toBe(false);
  });

  it("reads of what was kept only what is whole", () => {
    const kept = {
      profile: { 1: { mark: "like" }, 2: { mark: "adore" }, x: { mark: "like" }, "-3": { mark: "like" }, 4: { score: 99, status: "completed" } },
      names: { 1: { title: 3 } },
      imported: [],
    };
    expect(readState(kept)).toEqual({ profile: { 1: { mark: "like" }, 4: { score: null, status: "completed" } }, names: {}, imported: null });
    for (const broken of [null, 3, "x", [], { profile: [] }]) expect(readState(broken).profile).toEqual({});
  });
});

describe("a store", () => {
  it("goes on without storage", () => {
    const full = { ...memory(), setItem: () => { throw new Error("full"); } };
    const store = new Store("k", (kept) => (typeof kept === "number" ? kept : 0), full);
    store.set(3);
    expect(store.get()).toBe(3);
  });

  it("takes over what another tab wrote", () => {
    const keeper = memory();
    const [one, other] = [0, 1].map(() => new Store("k", (kept) => Number(kept ?? 0), keeper));
    one?.set(5);
    other?.reload("k");
    expect(other?.get()).toBe(5);
  });
});
