/** What is looked through, as it stands in the URL: a view, a season, whose order. Pure. */
import { type Filters, NO_WISHES, decodeWishes, encodeWishes } from "./wishes";

export const SEASONS = ["winter", "spring", "summer", "fall"] as const;
export type Season = (typeof SEASONS)[number];

export const VIEWS = ["season", "trending", "known"] as const;
export type ViewName = (typeof VIEWS)[number];

export interface Browsing {
  view: ViewName;
  /** null = that of today. */
  year: number | null;
  season: Season | null;
  /** Whether a season comes in the order of one's taste. */
  mine: boolean;
  /** Whether what is on the list is left out. */
  hide: boolean;
  filters: Filters;
}

export function decodeBrowsing(text: string): Browsing {
  const given = new URLSearchParams(text);
  const { mine, hide, filters } = decodeWishes(text);
  const year = Number(given.get("year") ?? Number.NaN);
  return {
    view: VIEWS.find((name) => name === given.get("view")) ?? "season",
    year: Number.isInteger(year) && year >= 1900 && year <= 2200 ? year : null,
    season: SEASONS.find((name) => name === given.get("season")) ?? null,
    mine,
    hide,
    filters,
  };
}

export function encodeBrowsing({ view, year, season, mine, hide, filters }: Browsing): string {
  const out = new URLSearchParams(encodeWishes({ ...NO_WISHES, mine, hide, filters }));
  if (view !== "season") out.set("view", view);
  if (year !== null) out.set("year", String(year));
  if (season !== null) out.set("season", season);
  return out.toString();
}

/** The season of a day: winter begins in January. */
export function seasonOf(day: Date): { year: number; season: Season } {
  return { year: day.getFullYear(), season: SEASONS[Math.floor(day.getMonth() / 3)] ?? "winter" };
}

/** The season so many steps later, or earlier. */
export function stepped(year: number, season: Season, steps: number): { year: number; season: Season } {
  const at = year * SEASONS.length + SEASONS.indexOf(season) + steps;
  return { year: Math.floor(at / SEASONS.length), season: SEASONS[at % SEASONS.length] ?? "winter" };
}
