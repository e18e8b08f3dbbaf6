/** Which names there is room for: the weightiest first, and none over another. */
export interface Label {
  x: number;
  y: number;
  text: string;
  weight: number;
}

export interface Placed extends Label {
  /** Pixels. */
  fontSize: number;
}

const LARGEST = 21;
const SMALLEST = 12;

/** pixels: of one map unit. Labels are taken by weight, then by text, so that the same zoom shows the same names. */
export function thinned(labels: readonly Label[], pixels: number, most = 60): Placed[] {
  const placed: (Placed & { w: number; h: number })[] = [];
  const sorted = [...labels].sort((a, b) => b.weight - a.weight || (a.text < b.text ? -1 : 1));
  const top = sorted[0]?.weight ?? 1;
  for (const label of sorted) {
    if (placed.length >= most) break;
    const fontSize = Math.round(SMALLEST + (LARGEST - SMALLEST) * Math.sqrt(Math.max(0, label.weight / top)));
    const w = widthOf(label.text) * fontSize + 14;
    const h = fontSize + 10;
    const free = placed.every(
      (other) =>
        Math.abs(other.x - label.x) * pixels > (other.w + w) / 2 || Math.abs(other.y - label.y) * pixels > (other.h + h) / 2,
    );
    if (free) placed.push({ ...label, fontSize, w, h });
  }
  return placed.map(({ x, y, text, weight, fontSize }) => ({ x, y, text, weight, fontSize }));
}

/** About how wide a text is, in font sizes: Japanese signs are as wide as high. */
function widthOf(text: string): number {
  let width = 0;
  for (const sign of text) width += (sign.codePointAt(0) ?? 0) > 0x2e80 ? 1 : 0.56;
  return width;
}
