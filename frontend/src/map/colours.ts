/** What colour a point has, by genre, era or community. */
import { hueOf } from "../ui/poster";
import type { Points } from "./points";

export const COLOURINGS = ["genre", "era", "community"] as const;
export type Colouring = (typeof COLOURINGS)[number];

export type Rgb = [number, number, number];

export interface Legend {
  /** The key of a point, by row; points of one key have one colour. */
  keyOf: (row: number) => number;
  entries: { key: number; name: string; colour: Rgb; count: number }[];
}

const UNKNOWN_GENRE = 255;
const UNKNOWN_COMMUNITY = 65535;
const ERAS = [1900, 1980, 1990, 2000, 2005, 2010, 2015, 2020] as const;
const MOST_NAMED = 14; // communities in the legend

/** Colours, names and counts for one way of colouring. names: by code, as the server has them. */
export function legendOf(points: Points, by: Colouring, names: Record<string, string[]>, dark: boolean): Legend {
  const keyOf = keysOf(points, by);
  const counts = new Map<number, number>();
  for (let row = 0; row < points.n; row++) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1);
  const keys = [...counts.keys()].filter((key) => key >= 0);
  keys.sort((a, b) => (by === "era" ? 0 : (counts.get(b) ?? 0) - (counts.get(a) ?? 0)) || a - b);
  const shown = by === "community" ? keys.slice(0, MOST_NAMED) : keys;
  const entries = shown.map((key, at) => ({
    key,
    name: nameOf(by, key, names),
    colour: colourOf(by, key, at, names, dark),
    count: counts.get(key) ?? 0,
  }));
  return { keyOf, entries };
}

/** [n * 4] colours with opacity. lit: rows that stay bright while others step back; null = all. */
export function paint(points: Points, legend: Legend, only: number | null, dark: boolean): Uint8Array {
  const colours = new Map(legend.entries.map((entry) => [entry.key, entry.colour]));
  const rest: Rgb = dark ? [112, 108, 126] : [160, 152, 146];
  const out = new Uint8Array(points.n * 4);
  for (let row = 0; row < points.n; row++) {
    const key = legend.keyOf(row);
    const [r, g, b] = colours.get(key) ?? rest;
    const back = only !== null && key !== only;
    out.set([r, g, b, back ? 26 : 205], row * 4);
  }
  return out;
}

function keysOf(points: Points, by: Colouring): (row: number) => number {
  if (by === "genre") {
    return (row) => (points.genre[row] === UNKNOWN_GENRE ? -1 : (points.genre[row] ?? -1));
  }
  if (by === "community") {
    return (row) => (points.community[row] === UNKNOWN_COMMUNITY ? -1 : (points.community[row] ?? -1));
  }
  return (row) => {
    const year = points.year[row] ?? 0;
    return year < 1900 ? -1 : ERAS.filter((from) => from <= year).length - 1;
  };
}

function nameOf(by: Colouring, key: number, names: Record<string, string[]>): string {
  if (by !== "era") return names[by]?.[key] ?? `#${key + 1}`;
  const [from, next] = [ERAS[key] ?? 1900, ERAS[key + 1]];
  if (key === 0) return `–${(next ?? 1980) - 1}`;
  return next === undefined ? `${from}–` : `${from}–${next - 1}`;
}

function colourOf(by: Colouring, key: number, at: number, names: Record<string, string[]>, dark: boolean): Rgb {
  if (by === "genre") return rgb(hueOf(names["genre"]?.[key]), dark ? 72 : 58, dark ? 66 : 46);
  if (by === "era") return rgb(265 - (key / (ERAS.length - 1)) * 240, dark ? 62 : 55, dark ? 58 + key * 1.6 : 42);
  return rgb((at * 137.508) % 360, dark ? 62 : 52, (dark ? 64 : 45) + (at % 3) * 5); // the golden angle keeps hues apart
}

/** hue: 0..360; saturation, lightness: 0..100. */
export function rgb(hue: number, saturation: number, lightness: number): Rgb {
  const [s, l] = [saturation / 100, lightness / 100];
  const part = (n: number) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [part(0), part(8), part(4)];
}
