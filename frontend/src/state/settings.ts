/** How the page looks and speaks; kept in the browser. */
import { Store, browserKeeper, useStore } from "./store";

export const LANGUAGES = ["en", "de", "ja"] as const;
export type Language = (typeof LANGUAGES)[number];
export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
export const TITLES = ["romaji", "english", "japanese"] as const;
export type TitleLanguage = (typeof TITLES)[number];

export interface Settings {
  language: Language;
  theme: Theme;
  titles: TitleLanguage;
}

function preferred(): Language {
  const asked = typeof navigator === "undefined" ? "en" : navigator.language.slice(0, 2);
  return LANGUAGES.find((known) => known === asked) ?? "en";
}

function read(kept: unknown): Settings {
  const given = (kept ?? {}) as Partial<Settings>;
  return {
    language: LANGUAGES.find((known) => known === given.language) ?? preferred(),
    theme: THEMES.find((known) => known === given.theme) ?? "system",
    titles: TITLES.find((known) => known === given.titles) ?? "romaji",
  };
}

export const settings = new Store<Settings>("anirec.settings", read, browserKeeper());

export function useSettings(): Settings {
  return useStore(settings);
}

export function change(part: Partial<Settings>): void {
  settings.set({ ...settings.get(), ...part });
}

/** The title in the chosen language, or the main one where it has none. */
export function titleOf(
  anime: { title: string; title_english?: string | null; title_japanese?: string | null },
  language: TitleLanguage,
): string {
  if (language === "english") return anime.title_english || anime.title;
  if (language === "japanese") return anime.title_japanese || anime.title;
  return anime.title;
}
