/** A value that the page shows and the browser keeps. Other tabs follow. */
import { useSyncExternalStore } from "react";

export interface Keeper {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export class Store<T> {
  private value: T;
  private readonly listeners = new Set<() => void>();

  /** read: what was kept may be of an older page, or anything at all; it returns a whole value. */
  constructor(
    private readonly key: string,
    private readonly read: (kept: unknown) => T,
    private readonly keeper: Keeper,
  ) {
    this.value = this.load();
  }

  get = (): T => this.value;

  set(value: T): void {
    this.value = value;
    try {
      this.keeper.setItem(this.key, JSON.stringify(value));
    } catch {
      // storage is full or closed: it lives as long as the page does
    }
    this.tell();
  }

  /** Takes what another tab wrote. */
  reload(key: string | null): void {
    if (key !== null && key !== this.key) return;
    this.value = this.load();
    this.tell();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private tell(): void {
    for (const listener of this.listeners) listener();
  }

  private load(): T {
    try {
      return this.read(JSON.parse(this.keeper.getItem(this.key) ?? "null"));
    } catch {
      return this.read(null);
    }
  }
}

export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}

/** Where there is no storage (a private window, a test) things last as long as the page. */
export function memory(): Keeper {
  const kept = new Map<string, string>();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

export function browserKeeper(): Keeper {
  try {
    localStorage.getItem("anirec");
    return localStorage;
  } catch {
    return memory();
  }
}
