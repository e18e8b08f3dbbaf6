import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import de from "../src/i18n/de.json";
import en from "../src/i18n/en.json";
import ja from "../src/i18n/ja.json";
import { LABELS, labelOf, message } from "../src/i18n";

type Message = string | { one?: string; other: string };
const ALL: Record<string, Record<string, Message>> = { en, de, ja };

function blanks(found: Message | undefined): string[] {
  const text = typeof found === "string" ? found : (found?.other ?? "");
  return [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").sort();
}

describe("messages", () => {
  it("are there in every language, with the same blanks", () => {
    for (const [language, messages] of Object.entries(ALL)) {
      expect(Object.keys(messages), language).toEqual(Object.keys(en));
      for (const [key, found] of Object.entries(messages)) expect(blanks(found), `${language} ${key}`).toEqual(blanks(en[key as keyof typeof en]));
    }
  });

  it("are used somewhere: what nobody says is thrown out", () => {
    const sources = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));
    const text = sources.map((name) => readFileSync(`src/${name}`, "utf8")).join("\n");
    const unused = Object.keys(en).filter((key) => {
      if (text.includes(`"${key}"`)) return false;
      const stem = key.slice(0, key.lastIndexOf("."));
      return !text.includes(`\`${stem}.\${`) && !text.includes(`known("${stem}"`) && !text.includes(`\`${stem.split(".")[0]}.\${`);
    });
    expect(unused).toEqual([]);
  });

  it("fill in numbers in the way of the language, and choose the plural", () => {
    expect(message("en", "results.count", { n: 1 })).toBe("1 result shown");
    expect(message("en", "results.count", { n: 1200 })).toBe("1,200 results shown");
    expect(message("de", "results.count", { n: 1200 })).toBe("1.200 Ergebnisse angezeigt");
    expect(message("ja", "results.count", { n: 1 })).toBe("1 件を表示");
  });

  it("name genres in each language, and in English where there is no other name", () => {
    expect(Object.keys(LABELS.ja).filter((name) => !(name in LABELS.de))).toEqual(
      // spelled the same in German
      expect.arrayContaining(["Action", "Drama", "Fantasy", "Horror", "Isekai"]),
    );
    expect(labelOf("de", "Slice of Life")).toBe("Alltag");
    expect(labelOf("ja", "Slice of Life")).toBe("日常");
    expect(labelOf("en", "Slice of Life")).toBe("Slice of Life");
    expect(labelOf("ja", "Not A Genre")).toBe("Not A Genre");
    for (const [language, labels] of Object.entries(LABELS)) {
      const names = Object.values(labels);
      expect(new Set(names).size, `${language}: two labels of one name`).toBe(names.length);
    }
  });

  it("leave what is filled in as it is", () => {
    expect(message("en", "undo.removed", { title: "{mark} <b>$&</b>" })).toBe("{mark} <b>$&</b>: taken off");
  });
});
