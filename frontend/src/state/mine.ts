/** The one list of this browser. */
import type { AnimeCard, ImportedList } from "../api/client";
import { type ListState, MyList, type Name } from "./list";
import type { Entry } from "./profile";
import { browserKeeper, useStore } from "./store";

export const list = new MyList(browserKeeper());

export function useList(): ListState {
  return useStore(list.store);
}

/** What is kept of an anime's facts to show it without a network. */
export function nameOf(anime: Pick<AnimeCard, keyof Name>): Name {
  const { title, title_english, title_japanese, image_url, year, type, genres } = anime;
  return { title, title_english, title_japanese, image_url, year, type, genres };
}

/** Puts what the server read of a list into mine. */
export function takeImport(read: ImportedList, label: string): void {
  const profile: Record<number, Entry> = {};
  for (const entry of read.entries) profile[entry.anime_id] = { score: entry.score ?? null, status: entry.status ?? null };
  const names = Object.fromEntries(Object.values(read.titles).map((card) => [card.anime_id, nameOf(card)]));
  const { source, found, unknown_count, adult_hidden } = read;
  const unknown = read.unknown.map(({ title, reason }) => ({ title, reason }));
  list.take(profile, names, { source, found, unknown, unknown_count, adult_hidden }, label);
}
