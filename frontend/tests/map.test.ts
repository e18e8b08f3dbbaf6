import { describe, expect, it } from "vitest";
import { legendOf, paint } from "../src/map/colours";
import { thinned } from "../src/map/labels";
import { type Field, Grid, placeOf, readPoints, within } from "../src/map/points";

/** Four points and one that nobody knows, as the server sends them, and an adult one; a byte array before float ones shifts offsets. */
function planted(): { buffer: ArrayBuffer; layout: Field[] } {
  const arrays: [string, Field["dtype"], Float32Array | Int32Array | Uint16Array | Uint8Array][] = [
    ["genre", "uint8", Uint8Array.from([0, 1, 1, 255, 0, 0])],
    ["x", "float32", Float32Array.from([0, 0.5, -0.5, 0.9, 0.01, 0.02])],
    ["y", "float32", Float32Array.from([0, 0.5, -0.5, -0.9, 0.01, 0.02])],
    ["anime_id", "int32", Int32Array.from([10, 20, 30, 40, 50, 60])],
    ["community", "uint16", Uint16Array.from([0, 0, 1, 65535, 1, 1])],
    ["year", "uint16", Uint16Array.from([1979, 2012, 2021, 0, 1995, 2001])],
    ["adult", "uint8", Uint8Array.from([0, 0, 0, 0, 0, 1])],
    ["size", "float32", Float32Array.from([4, 8, 2, 0, 1, 5])],
  ];
  const layout: Field[] = [];
  const bytes: number[] = [];
  for (const [name, dtype, values] of arrays) {
    layout.push({ name, dtype, offset: bytes.length, length: values.length });
    bytes.push(...new Uint8Array(values.buffer));
  }
  return { buffer: Uint8Array.from(bytes).buffer, layout };
}

const { buffer, layout } = planted();
const points = readPoints(buffer, layout);
const idsOf = (rows: number[]) => rows.map((row) => points.ids[row]);

describe("the points of the map", () => {
  it("are read from any offset, the best known first, without adult ones", () => {
    expect([...points.ids]).toEqual([20, 10, 30, 50, 40]);
    expect(placeOf(points, points.row.get(30) ?? -1)).toEqual([-0.5, -0.5]);
    expect([...points.size].map((size) => Math.round(size * 1000))).toEqual([1000, 500, 250, 125, 0]);
    expect(points.year[points.row.get(30) ?? -1]).toBe(2021);
  });

  it("are refused where bytes are missing or of another kind", () => {
    expect(() => readPoints(buffer.slice(0, -1), layout)).toThrow("ends within size");
    expect(() => readPoints(buffer, layout.filter((field) => field.name !== "year"))).toThrow("no year");
  });

  it("are found by the nearest place, as a look at all of them finds them", () => {
    const grid = new Grid(points);
    for (const [x, y] of [[0, 0.001], [0.011, 0.009], [0.52, 0.5], [-0.9, 0.9], [0.9, -0.88]] as const) {
      const all = [...points.ids.keys()].map((row) => ({ row, away: Math.hypot(placeOf(points, row)[0] - x, placeOf(points, row)[1] - y) }));
      const slow = all.filter(({ away }) => away < 0.1).sort((a, b) => a.away - b.away)[0]?.row ?? null;
      expect(grid.nearest(x, y, 0.1)).toBe(slow);
    }
  });

  it("are caught by a line that goes around them, open or closed", () => {
    expect(idsOf(within(points, [[-0.1, -0.1], [0.1, -0.1], [0.1, 0.1], [-0.1, 0.1]]))).toEqual([10, 50]);
    expect(within(points, [[-1, -1], [1, 1]])).toEqual([]);
    // a corner that goes in: what lies in the notch is not caught
    expect(idsOf(within(points, [[-0.6, -0.6], [0.6, -0.6], [0.6, 0.6], [0, -0.1], [-0.6, 0.6]]))).toEqual([30]);
  });
});

describe("the colours of the map", () => {
  it("count every title that has a key, and grey the rest", () => {
    const legend = legendOf(points, "genre", { genre: ["Action", "Drama"] }, false);
    expect(legend.entries.map(({ name, count }) => [name, count])).toEqual([["Action", 2], ["Drama", 2]]);
    const painted = paint(points, legend, null, false);
    const colourOf = (id: number) => [...painted.slice(4 * (points.row.get(id) ?? 0), 4 * (points.row.get(id) ?? 0) + 3)];
    expect(colourOf(20)).toEqual(colourOf(30));
    expect(colourOf(10)).not.toEqual(colourOf(20));
    expect(colourOf(40)).toEqual([160, 152, 146]);
  });

  it("follow the years from old to new, with no gap and no overlap", () => {
    const legend = legendOf(points, "era", {}, true);
    expect(legend.entries.map(({ name, count }) => [name, count])).toEqual([["–1979", 1], ["1990–1999", 1], ["2010–2014", 1], ["2020–", 1]]);
  });

  it("step back but for the one that is asked for", () => {
    const legend = legendOf(points, "genre", { genre: ["Action", "Drama"] }, true);
    const painted = paint(points, legend, 0, true);
    expect([10, 20].map((id) => painted[4 * (points.row.get(id) ?? 0) + 3])).toEqual([205, 26]);
  });
});

describe("names on the map", () => {
  const labels = [
    { x: 0, y: 0, text: "Mecha", weight: 1 },
    { x: 0.05, y: 0, text: "Robots", weight: 0.5 },
    { x: 0.5, y: 0.5, text: "鋼の錬金術師", weight: 0.4 },
  ];

  it("give way to weightier ones until there is room", () => {
    expect(thinned(labels, 200).map(({ text }) => text)).toEqual(["Mecha", "鋼の錬金術師"]);
    expect(thinned(labels, 4000).map(({ text }) => text)).toEqual(["Mecha", "Robots", "鋼の錬金術師"]);
  });

  it("are at most as many as asked for, the weightiest", () => {
    expect(thinned(labels, 4000, 1).map(({ text }) => text)).toEqual(["Mecha"]);
  });
});
