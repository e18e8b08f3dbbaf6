/** My list: what I said about titles, with a way back, and the few facts that are needed to show it offline. */
import { type Entry, MARKS, type Mark, type Profile, STATUSES, type Status } from "./profile";
import { type Keeper, Store } from "./store";

/** What an import found; the list's titles stay in the browser. */
export interface ImportSummary {
  source: string;
  found: number;
  unknown: { title: string; reason: string }[];
  unknown_count: number;
  adult_hidden: number;
}

export interface ListState {
  profile: Profile;
  /** Titles by id, as far as they were seen. */
  names: Readonly<Record<number, Name>>;
  imported: ImportSummary | null;
}

/** What an anime is called and what its poster is; enough for a chip. */
export interface Name {
  title: string;
  title_english: string | null;
  title_japanese: string | null;
  image_url: string | null;
  year: number | null;
  type: string | null;
  genres: string[];
}

type Change = Readonly<Record<number, Entry | null>>;
const MOST_UNDO = 50;

export class MyList {
  readonly store: Store<ListState>;
  private readonly undone: { label: string; before: Change }[] = [];
  private readonly watchers = new Set<(label: string | null) => void>();

  constructor(keeper: Keeper) {
    this.store = new Store("anirec.list", readState, keeper);
  }

  /** Says something about one title; null takes it off the list. label: what the undo strip says. */
  mark(id: number, mark: Mark | null, label: string, name?: Name): void {
    this.change({ [id]: mark === null ? null : { mark } }, label, name ? { [id]: name } : {});
  }

  /** Puts an imported list in; what I said myself stays. */
  take(profile: Profile, names: Record<number, Name>, imported: ImportSummary, label: string): void {
    const mine = this.store.get().profile;
    const fresh = Object.fromEntries(Object.entries(profile).filter(([id]) => mine[Number(id)]?.mark === undefined));
    this.change(fresh, label, names, imported);
  }

  /** Makes another profile mine, of a shared link or a file. */
  replace(profile: Profile, label: string): void {
    const gone = Object.fromEntries(Object.keys(this.store.get().profile).map((id) => [id, null]));
    this.change({ ...gone, ...profile }, label, {});
  }

  /** Remembers what titles are called. */
  learn(names: Record<number, Name>): void {
    const state = this.store.get();
    this.store.set({ ...state, names: { ...state.names, ...names } });
  }

  /** Takes back the last change. Returns false where there is none. */
  undo(): boolean {
    const last = this.undone.pop();
    if (!last) return false;
    const state = this.store.get();
    this.store.set({ ...state, profile: applied(state.profile, last.before) });
    this.tell(null);
    return true;
  }

  /** Forgets everything, the way back too. */
  clear(): void {
    this.undone.length = 0;
    this.store.set(readState(null));
    this.tell(null);
  }

  /** Calls back with what was just done, or null once it is taken back. */
  watch(watcher: (label: string | null) => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  private change(change: Change, label: string, names: Record<number, Name>, imported?: ImportSummary): void {
    const state = this.store.get();
    const before = Object.fromEntries(Object.keys(change).map((id) => [id, state.profile[Number(id)] ?? null]));
    this.undone.push({ label, before });
    if (this.undone.length > MOST_UNDO) this.undone.shift();
    this.store.set({
      profile: applied(state.profile, change),
      names: { ...state.names, ...names },
      imported: imported ?? state.imported,
    });
    this.tell(label);
  }

  private tell(label: string | null): void {
    for (const watcher of this.watchers) watcher(label);
  }
}

function applied(profile: Profile, change: Change): Profile {
  const both: Readonly<Record<number, Entry | null>> = { ...profile, ...change };
  return Object.fromEntries(Object.entries(both).filter((one): one is [string, Entry] => one[1] !== null));
}

/** What was kept, as far as it is whole: an id that is none or a mark that is none is left out. */
export function readState(kept: unknown): ListState {
  const given = isRecord(kept) ? kept : {};
  const profile: Record<number, Entry> = {};
  for (const [id, value] of Object.entries(isRecord(given["profile"]) ? given["profile"] : {})) {
    const entry = readEntry(value);
    if (entry && /^[1-9]\d{0,9}$/.test(id)) profile[Number(id)] = entry;
  }
  const names = isRecord(given["names"]) ? given["names"] : {};
  return {
    profile,
    names: Object.fromEntries(Object.entries(names).filter(([, name]) => isName(name))) as Record<number, Name>,
    imported: isRecord(given["imported"]) ? (given["imported"] as unknown as ImportSummary) : null,
  };
}

function readEntry(value: unknown): Entry | null {
  if (!isRecord(value)) return null;
  const mark = MARKS.find((known) => known === value["mark"]);
  if (mark) return { mark };
  const score = typeof value["score"] === "number" && value["score"] >= 1 && value["score"] <= 10 ? value["score"] : null;
  const status: Status | null = STATUSES.find((known) => known === value["status"]) ?? null;
  return "score" in value || "status" in value ? { score, status } : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isName(value: unknown): boolean {
  return isRecord(value) && typeof value["title"] === "string" && Array.isArray(value["genres"]);
}
