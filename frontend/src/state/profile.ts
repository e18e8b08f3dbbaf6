/**
 * What somebody said about titles, and how it becomes a request. Pure: no storage, no network.
 *
 * A mark is what a person says; an import has scores and statuses instead, until a mark goes over them.
 */
export const MARKS = ["love", "like", "dislike", "seen", "hidden"] as const;
export type Mark = (typeof MARKS)[number];

export const STATUSES = ["watching", "completed", "on_hold", "dropped", "planned"] as const;
export type Status = (typeof STATUSES)[number];

/** One title of a list: a mark, or what a list said of it. score: 1..10. */
export type Entry =
  | { readonly mark: Mark }
  | { readonly mark?: undefined; readonly score: number | null; readonly status: Status | null };

/** By anime id. */
export type Profile = Readonly<Record<number, Entry>>;

/** What the API calls a taste, and what is to be left out. */
export interface Taste {
  likes: (number | { anime_id: number; score: number })[];
  dislikes: number[];
  entries: { anime_id: number; score: number | null; status: Status | null }[];
  seen: number[];
}

/** A loved title is a ten; a hidden one only stays away, since nobody knows yet whether it would please. */
export function tasteOf(profile: Profile): Taste {
  const taste: Taste = { likes: [], dislikes: [], entries: [], seen: [] };
  for (const id of idsOf(profile)) {
    const entry = profile[id];
    if (!entry) continue;
    if (entry.mark === undefined) taste.entries.push({ anime_id: id, score: entry.score, status: entry.status });
    else if (entry.mark === "love") taste.likes.push({ anime_id: id, score: 10 });
    else if (entry.mark === "like") taste.likes.push(id);
    else if (entry.mark === "dislike") taste.dislikes.push(id);
    else taste.seen.push(id);
  }
  return taste;
}

/** What is to stay away where no taste is asked for: all that was seen, picked or hidden; what is planned may come. */
export function toHide(profile: Profile): number[] {
  return idsOf(profile).filter((id) => {
    const entry = profile[id];
    return entry !== undefined && shownMark(entry) !== null;
  });
}

/** Ids in order; the same profile always makes the same request. */
export function idsOf(profile: Profile): number[] {
  return Object.keys(profile)
    .map(Number)
    .sort((a, b) => a - b);
}

/** How an imported entry is shown: the mark that it comes nearest to, or null for what is only planned. */
export function shownMark(entry: Entry): Mark | null {
  if (entry.mark !== undefined) return entry.mark;
  if (entry.score !== null) {
    if (entry.score >= 9) return "love";
    if (entry.score >= 7) return "like";
    return entry.score <= 4 ? "dislike" : "seen";
  }
  if (entry.status === "dropped") return "dislike";
  return entry.status === "planned" ? null : "seen";
}

/** Whether there is anything that a taste can be read from. */
export function hasTaste(profile: Profile): boolean {
  return Object.values(profile).some((entry) => {
    const mark = shownMark(entry);
    return mark === "love" || mark === "like" || (entry.mark === undefined && entry.status !== "planned");
  });
}
