/**
 * A profile as a short text for a URL. It stands behind the `#`, which browsers send to nobody.
 *
 * Bytes: version, then for each code that occurs: code, count, ids as differences; numbers are LEB128.
 * A code is a mark (0..4), or 5 + status * 11 + score with 0 for none.
 */
import { MARKS, STATUSES, type Entry, type Profile, idsOf } from "./profile";

const VERSION = 1;
const MOST = 20_000; // entries that a request may have

export function encodeProfile(profile: Profile): string {
  const byCode = new Map<number, number[]>();
  for (const id of idsOf(profile)) {
    const entry = profile[id];
    if (!entry) continue;
    const code = codeOf(entry);
    byCode.set(code, [...(byCode.get(code) ?? []), id]);
  }
  const bytes: number[] = [VERSION];
  for (const [code, ids] of [...byCode].sort(([a], [b]) => a - b)) {
    pushNumber(bytes, code);
    pushNumber(bytes, ids.length);
    let before = 0;
    for (const id of ids) {
      pushNumber(bytes, id - before);
      before = id;
    }
  }
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

/** The profile of a text, or null where the text is none of ours: cut off, mistyped, of a later version. */
export function decodeProfile(text: string): Profile | null {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const reader = new Reader(bytes);
    if (reader.next() !== VERSION) return null;
    const profile: Record<number, Entry> = {};
    let found = 0;
    while (!reader.done) {
      const entry = entryOf(reader.next());
      const count = reader.next();
      found += count;
      if (found > MOST) return null;
      let id = 0;
      for (let i = 0; i < count; i++) {
        id += reader.next();
        if (id < 1 || id > 2 ** 31 - 1) return null;
        profile[id] = entry;
      }
    }
    return profile;
  } catch {
    return null; // not base64, or it ends too early
  }
}

function codeOf(entry: Entry): number {
  if (entry.mark !== undefined) return MARKS.indexOf(entry.mark);
  const status = entry.status === null ? 0 : STATUSES.indexOf(entry.status) + 1;
  const score = entry.score === null ? 0 : Math.round(entry.score);
  return MARKS.length + status * 11 + score;
}

function entryOf(code: number): Entry {
  const mark = MARKS[code];
  if (mark) return { mark };
  const rest = code - MARKS.length;
  const status = Math.floor(rest / 11);
  if (status > STATUSES.length) throw new RangeError("unknown code");
  const score = rest % 11;
  return { score: score === 0 ? null : score, status: STATUSES[status - 1] ?? null };
}

function pushNumber(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

class Reader {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  next(): number {
    let value = 0;
    for (let shift = 1; shift <= 2 ** 35; shift *= 128) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError("ends too early");
      value += (byte % 128) * shift;
      if (byte < 128) return value;
    }
    throw new RangeError("number too large");
  }
}
