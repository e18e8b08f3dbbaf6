/** The map's points as they come: little-endian arrays one after the other, and where each begins. */
export interface Field {
  name: string;
  dtype: "float32" | "int32" | "uint16" | "uint8";
  offset: number;
  length: number;
}

export interface Points {
  n: number;
  /** [n, 2], -1..1, x to the right and y upwards. */
  xy: Float32Array;
  ids: Int32Array;
  community: Uint16Array;
  genre: Uint8Array;
  year: Uint16Array;
  /** 0..1, larger for what is on more lists. */
  size: Float32Array;
  row: Map<number, number>;
}

const BYTES = { float32: 4, int32: 4, uint16: 2, uint8: 1 } as const;

/**
 * Reads the points, those on most lists first: whoever draws some only draws the first. Adult titles are left out.
 *
 * Throws where the bytes are not what `layout` says: half a map would be a wrong one.
 */
export function readPoints(buffer: ArrayBuffer, layout: readonly Field[]): Points {
  const take = (name: string, dtype: Field["dtype"]): ArrayBuffer => {
    const field = layout.find((one) => one.name === name);
    if (!field || field.dtype !== dtype) throw new Error(`the map has no ${name} as ${dtype}`);
    const end = field.offset + field.length * BYTES[dtype];
    if (end > buffer.byteLength) throw new Error(`the map ends within ${name}`);
    return buffer.slice(field.offset, end); // a copy: views want aligned offsets
  };
  const x = new Float32Array(take("x", "float32"));
  const y = new Float32Array(take("y", "float32"));
  const size = scaled(new Float32Array(take("size", "float32")));
  const adult = new Uint8Array(take("adult", "uint8"));
  const order = Uint32Array.from(size, (_, at) => at)
    .filter((at) => adult[at] === 0)
    .sort((a, b) => (size[b] ?? 0) - (size[a] ?? 0) || a - b);
  const sorted = <T extends Float32Array | Int32Array | Uint16Array | Uint8Array>(values: T): T => {
    const out = values.slice(0, order.length) as T;
    order.forEach((from, to) => {
      out[to] = values[from] ?? 0;
    });
    return out;
  };
  const ids = sorted(new Int32Array(take("anime_id", "int32")));
  const xy = new Float32Array(ids.length * 2);
  order.forEach((from, to) => xy.set([x[from] ?? 0, y[from] ?? 0], 2 * to));
  return {
    n: ids.length,
    xy,
    ids,
    community: sorted(new Uint16Array(take("community", "uint16"))),
    genre: sorted(new Uint8Array(take("genre", "uint8"))),
    year: sorted(new Uint16Array(take("year", "uint16"))),
    size: sorted(size),
    row: new Map(Array.from(ids, (id, at) => [id, at])),
  };
}

function scaled(values: Float32Array): Float32Array {
  let most = 0;
  for (const value of values) most = Math.max(most, value);
  return most > 0 ? values.map((value) => Math.max(0, value / most)) : values;
}

/** The place of a point. */
export function placeOf(points: Points, row: number): [number, number] {
  return [points.xy[2 * row] ?? 0, points.xy[2 * row + 1] ?? 0];
}

/** Finds the point that is nearest to a place: points in cells, and only the cells around are looked at. */
export class Grid {
  private readonly cells: Map<number, number[]> = new Map();
  private static readonly SIDE = 128; // cells along -1..1

  constructor(private readonly points: Points) {
    for (let row = 0; row < points.n; row++) {
      const [x, y] = placeOf(points, row);
      const cell = this.cell(x) * 4096 + this.cell(y);
      const held = this.cells.get(cell);
      if (held) held.push(row);
      else this.cells.set(cell, [row]);
    }
  }

  private cell(value: number): number {
    return Math.floor(((value + 1) / 2) * Grid.SIDE) + 1024;
  }

  /** The row of the nearest point within `reach`, or null. */
  nearest(x: number, y: number, reach: number): number | null {
    let best: number | null = null;
    let least = reach * reach;
    for (let i = this.cell(x - reach); i <= this.cell(x + reach); i++) {
      for (let j = this.cell(y - reach); j <= this.cell(y + reach); j++) {
        for (const row of this.cells.get(i * 4096 + j) ?? []) {
          const [px, py] = placeOf(this.points, row);
          const away = (px - x) ** 2 + (py - y) ** 2;
          if (away < least) [best, least] = [row, away];
        }
      }
    }
    return best;
  }
}

/** The rows within a drawn line, those on most lists first. line: corners in map units; it is closed by itself. */
export function within(points: Points, line: readonly (readonly [number, number])[]): number[] {
  if (line.length < 3) return [];
  const rows: number[] = [];
  for (let row = 0; row < points.n; row++) {
    const [x, y] = placeOf(points, row);
    let inside = false;
    line.forEach(([ax, ay], at) => {
      const [bx, by] = line[(at + 1) % line.length] ?? [ax, ay];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
    });
    if (inside) rows.push(row);
  }
  return rows;
}
