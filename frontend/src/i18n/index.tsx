/** Messages by language. A message is a text, or one for each plural form; `{name}` is filled in. */
import { Fragment, type ReactNode } from "react";
import { type Language, useSettings } from "../state/settings";
import de from "./de.json";
import en from "./en.json";
import ja from "./ja.json";
import deLabels from "./labels.de.json";
import jaLabels from "./labels.ja.json";

export type Message = string | { one?: string; other: string };
export type Key = keyof typeof en;
export const MESSAGES: Record<Language, Record<Key, Message>> = { en, de, ja };

/** Genres, themes and demographics by their English name, which the API asks by; it stands where there is no other. */
export const LABELS: Record<Exclude<Language, "en">, Readonly<Record<string, string>>> = { de: deLabels, ja: jaLabels };

export function labelOf(language: Language, name: string): string {
  return language === "en" ? name : (LABELS[language][name] ?? name);
}

type Values = Record<string, string | number>;

export function message(language: Language, key: Key, values: Values = {}): string {
  return chosen(language, key, values).replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? value.toLocaleString(language) : value;
  });
}

function chosen(language: Language, key: Key, values: Values): string {
  const found = MESSAGES[language][key];
  if (typeof found === "string") return found;
  const form = new Intl.PluralRules(language).select(Number(values["n"] ?? 0));
  return form === "one" && found.one !== undefined ? found.one : found.other;
}

/** A message with parts of the page in it; texts of titles stay text. */
export function rich(language: Language, key: Key, parts: Record<string, ReactNode>): ReactNode {
  return chosen(language, key, {})
    .split(/(\{\w+\})/)
    .map((piece, at) => <Fragment key={at}>{/^\{\w+\}$/.test(piece) ? parts[piece.slice(1, -1)] : piece}</Fragment>);
}

export function useMessages() {
  const { language } = useSettings();
  return {
    language,
    t: (key: Key, values?: Values) => message(language, key, values),
    rich: (key: Key, parts: Record<string, ReactNode>) => rich(language, key, parts),
    label: (name: string) => labelOf(language, name),
    number: (value: number) => value.toLocaleString(language),
    /** 3300000 -> "3.3M" */
    short: (value: number) => value.toLocaleString(language, { notation: "compact", maximumFractionDigits: 1 }),
    /** A name that data may hold beside those that are known: a season, a role; shown as it is where unknown. */
    known: (prefix: string, name: string) => {
      const key = `${prefix}.${name.toLowerCase().replaceAll(" ", "_")}`;
      return key in MESSAGES.en ? message(language, key as Key) : name;
    },
  };
}
