/** What a list should be like: filters, franchise rule, slider, model. They stand in the URL behind the `?`. */
export const FRANCHISES = ["entry", "next", "mixed", "unrelated", "anything"] as const;
export type Franchise = (typeof FRANCHISES)[number];

/** Labels that only adult titles carry. */
export const ADULT: ReadonlySet<string> = new Set(["Hentai", "Erotica"]);

export interface Filters {
  types?: string[];
  year_from?: number;
  year_to?: number;
  genres?: string[];
  not_genres?: string[];
  min_members?: number;
  max_members?: number;
  min_episodes?: number;
  max_episodes?: number;
  max_minutes?: number;
  airing?: string[];
  adult?: boolean;
}

export interface Wishes {
  /** A mood in one's own words; without it the list is a recommendation. */
  q: string | null;
  /** Whether what answers a mood is ranked in one's own taste, too. */
  mine: boolean;
  franchise: Franchise;
  /** -1 = hidden gems .. 1 = crowd-pleasers. */
  popularity: number;
  dislikes: boolean;
  model: string | null;
  /** How much parts of the blend say, times what they have learned to say: 0 = nothing, 1 = as learned; only the others. */
  weights: Weights;
  /** Whether what answers a mood leaves out what is on the list. */
  hide: boolean;
  filters: Filters;
}

export type Weights = Readonly<Record<string, number>>;
export const MOST_WEIGHT = 3;

export const NO_WISHES: Wishes = {
  q: null,
  mine: false,
  franchise: "entry",
  popularity: 0,
  dislikes: true,
  model: null,
  weights: {},
  hide: true,
  filters: {},
};

const LISTS = ["types", "genres", "not_genres", "airing"] as const;
const NUMBERS = [
  "year_from",
  "year_to",
  "min_members",
  "max_members",
  "min_episodes",
  "max_episodes",
  "max_minutes",
] as const;

/** What of the wishes differs from none, as a query string without `?`. */
export function encodeWishes(wishes: Wishes): string {
  const out = new URLSearchParams();
  if (wishes.q !== null) out.set("q", wishes.q);
  if (wishes.mine) out.set("mine", "1");
  if (wishes.franchise !== NO_WISHES.franchise) out.set("franchise", wishes.franchise);
  if (wishes.popularity !== 0) out.set("popularity", String(wishes.popularity));
  if (!wishes.dislikes) out.set("dislikes", "0");
  if (wishes.model !== null) out.set("model", wishes.model);
  for (const [part, value] of Object.entries(wishes.weights)) out.append("weight", `${part}:${value}`);
  if (!wishes.hide) out.set("hide", "0");
  for (const name of LISTS) for (const value of wishes.filters[name] ?? []) out.append(name, value);
  for (const name of NUMBERS) {
    const value = wishes.filters[name];
    if (value !== undefined) out.set(name, String(value));
  }
  if (wishes.filters.adult) out.set("adult", "1");
  return out.toString();
}

/** The wishes of a query string. What cannot be meant is passed over: a URL is typed by people. */
export function decodeWishes(text: string): Wishes {
  const given = new URLSearchParams(text);
  const filters: Filters = {};
  for (const name of LISTS) {
    const values = given.getAll(name).filter((value) => value !== "");
    if (values.length > 0) filters[name] = values;
  }
  for (const name of NUMBERS) {
    const value = Number(given.get(name) ?? Number.NaN);
    if (Number.isInteger(value) && value >= 1) filters[name] = value;
  }
  if (given.get("adult") === "1") filters.adult = true;
  const popularity = Number(given.get("popularity") ?? 0);
  const franchise = given.get("franchise");
  return {
    q: given.get("q")?.trim() || null,
    mine: given.get("mine") === "1",
    franchise: FRANCHISES.find((known) => known === franchise) ?? NO_WISHES.franchise,
    popularity: popularity >= -1 && popularity <= 1 ? popularity : 0,
    dislikes: given.get("dislikes") !== "0",
    model: given.get("model") || null,
    weights: weightsOf(given.getAll("weight")),
    hide: given.get("hide") !== "0",
    filters,
  };
}

/** "ease:0.5" -> {ease: 0.5}; what is as learned needs no word. */
function weightsOf(texts: string[]): Weights {
  const found: Record<string, number> = {};
  for (const text of texts) {
    const [, part, value] = /^([\w-]{1,60}):(\d(?:\.\d{1,2})?)$/.exec(text) ?? [];
    const number = Number(value);
    if (part !== undefined && number <= MOST_WEIGHT && number !== 1) found[part] = number;
  }
  return found;
}

/** The weights with one of them changed; 1 takes it out. */
export function withWeight(weights: Weights, part: string, value: number): Weights {
  const rest = Object.fromEntries(Object.entries(weights).filter(([name]) => name !== part));
  return value === 1 ? rest : { ...rest, [part]: value };
}

/** How many filters are set; a list counts once. */
export function countFilters(filters: Filters): number {
  return Object.values(filters).filter((value) => (Array.isArray(value) ? value.length > 0 : Boolean(value))).length;
}

/** The filters without those that are empty; the API wants a value or nothing. */
export function cleanFilters(filters: Filters): Filters {
  return Object.fromEntries(
    Object.entries(filters).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value !== undefined)),
  );
}
