/** What is drawn: points and edges by deck.gl, names by the page over it. It knows pixels and map units, and no titles. */
import { Deck, LinearInterpolator, OrthographicView, type OrthographicViewState } from "@deck.gl/core";
import { LineLayer } from "@deck.gl/layers";
import type { Rgb } from "./colours";
import { type Label, type Placed, thinned } from "./labels";
import { PointLayer } from "./point-layer";
import { Grid, type Points, placeOf } from "./points";

export interface Drawn {
  colours: Uint8Array;
  labels: readonly Label[];
  /** Names of single titles, once one is near enough. */
  names: readonly Label[];
  /** Rows that are lit up: my list, what the lasso caught. */
  lit: readonly number[];
  selected: number | null;
  neighbours: readonly { row: number; weight: number }[];
  trail: readonly number[];
  dark: boolean;
}

interface State extends OrthographicViewState {
  target: [number, number, number];
  zoom: number;
}

const VIEW = "map";
const MS = 650;
const SLOW = 34; // ms a frame, above which fewer points are drawn while the map moves
const FAST = 20;
const FEWEST = 2500;
const REST = 180; // ms without a move, after which all are drawn
const ACCENT: Record<"dark" | "light", Rgb> = { dark: [255, 143, 107], light: [184, 56, 28] };

export class Scene {
  private readonly deck: Deck<OrthographicView>;
  private readonly grid: Grid;
  private state: State;
  private drawn: Drawn | null = null;
  private shownAt = Number.NaN; // the zoom, in steps, for which names were chosen
  private pace = { most: Number.POSITIVE_INFINITY, last: 0, timer: 0, moving: false };
  private shownMost = 0;
  private named: { label: Placed; element: HTMLElement }[] = [];

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly names: HTMLElement,
    private readonly points: Points,
    private readonly calm: boolean,
    private readonly on: { hover: (row: number | null, x: number, y: number) => void; pick: (row: number | null) => void; move: () => void },
  ) {
    this.grid = new Grid(points);
    this.state = { target: [0, 0, 0], zoom: this.whole(), minZoom: this.whole() - 1, maxZoom: 16 };
    this.deck = new Deck({
      canvas,
      width: "100%",
      height: "100%",
      views: new OrthographicView({ id: VIEW, flipY: false }),
      controller: { inertia: calm ? 0 : 240, keyboard: false, doubleClickZoom: true },
      viewState: this.state,
      deviceProps: { webgl: { antialias: false } }, // points are smooth by themselves
      useDevicePixels: Math.min(2, window.devicePixelRatio),
      getCursor: ({ isDragging }) => (isDragging ? "grabbing" : "crosshair"),
      onViewStateChange: ({ viewState }) => this.setState(viewState as State),
      onHover: ({ x, y }) => on.hover(this.at(x, y), x, y),
      onClick: ({ x, y }) => on.pick(this.at(x, y)),
      layers: [],
    });
  }

  /** The zoom at which all is in sight. */
  private whole(): number {
    return Math.log2(Math.max(120, Math.min(this.canvas.clientWidth, this.canvas.clientHeight)) / 2.1);
  }

  destroy(): void {
    window.clearTimeout(this.pace.timer);
    this.deck.finalize();
  }

  draw(drawn: Drawn): void {
    this.drawn = drawn;
    this.shownAt = Number.NaN;
    this.update();
  }

  /** The row under a place on the screen, or null. */
  at(x: number, y: number): number | null {
    const [px, py] = this.toMap(x, y);
    return this.grid.nearest(px, py, 12 / this.pixels);
  }

  toMap(x: number, y: number): [number, number] {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    return [this.state.target[0] + (x - width / 2) / this.pixels, this.state.target[1] - (y - height / 2) / this.pixels];
  }

  /** The place on the screen of a place on the map. */
  private toScreen(x: number, y: number): [number, number] {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    return [width / 2 + (x - this.state.target[0]) * this.pixels, height / 2 - (y - this.state.target[1]) * this.pixels];
  }

  /** Pixels of one map unit. */
  get pixels(): number {
    return 2 ** this.state.zoom;
  }

  /** The largest points in sight, largest first. */
  inSight(most: number): number[] {
    const [left, top] = this.toMap(0, 0);
    const [right, bottom] = this.toMap(this.canvas.clientWidth, this.canvas.clientHeight);
    const rows: number[] = [];
    for (let row = 0; row < this.points.n && rows.length < most; row++) {
      const [x, y] = placeOf(this.points, row);
      if (x > left && x < right && y > bottom && y < top) rows.push(row);
    }
    return rows;
  }

  pan(dx: number, dy: number): void {
    const [x, y] = this.state.target;
    this.go([x + dx / this.pixels, y + dy / this.pixels, 0], this.state.zoom, 120);
  }

  zoom(by: number): void {
    this.go(this.state.target, this.state.zoom + by, 200);
  }

  reset(): void {
    this.go([0, 0, 0], this.whole(), MS);
  }

  flyTo(row: number, zoom: number): void {
    const [x, y] = placeOf(this.points, row);
    this.go([x, y, 0], Math.max(this.state.zoom, zoom), MS);
  }

  private go(target: [number, number, number], zoom: number, ms: number): void {
    const bounded = Math.min(Number(this.state.maxZoom), Math.max(Number(this.state.minZoom), zoom));
    const next = { ...this.state, target, zoom: bounded };
    if (this.calm) return this.setState(next);
    this.deck.setProps({
      viewState: { ...next, transitionDuration: ms, transitionInterpolator: new LinearInterpolator(["target", "zoom"]) },
    });
  }

  private setState(state: State): void {
    const clamp = (value: number) => Math.min(1.2, Math.max(-1.2, value));
    this.state = { ...state, target: [clamp(state.target[0]), clamp(state.target[1]), 0] };
    this.deck.setProps({ viewState: this.state });
    this.keepPace();
    this.update();
    this.on.move();
  }

  /** While the map moves, a slow machine draws the best-known titles only, as many as it manages; at rest it draws all. */
  private keepPace(): void {
    const { pace, points } = this;
    const now = performance.now();
    const took = now - pace.last;
    if (pace.moving && took > 2) {
      const most = Math.min(points.n, pace.most);
      if (took > SLOW) pace.most = Math.max(FEWEST, Math.round(most * 0.7));
      else if (took < FAST && most < points.n) pace.most = Math.round(most * 1.1);
    }
    pace.last = now;
    pace.moving = true;
    window.clearTimeout(pace.timer);
    pace.timer = window.setTimeout(() => {
      pace.moving = false;
      this.redraw();
    }, REST);
    if (Math.min(points.n, pace.most) !== this.shownMost) this.redraw();
  }

  private redraw(): void {
    if (this.drawn) this.deck.setProps({ layers: this.layers(this.drawn, this.shownAt) });
  }

  private update(): void {
    if (!this.drawn) return;
    // sizes are uniforms and names are chosen anew only at every quarter of a zoom step: moving costs one draw
    const step = Math.round(this.state.zoom * 4) / 4;
    if (step !== this.shownAt) {
      this.shownAt = step;
      this.deck.setProps({ layers: this.layers(this.drawn, step) });
      this.choose(this.drawn, step);
    }
    for (const { label, element } of this.named) {
      const [x, y] = this.toScreen(label.x, label.y);
      element.style.transform = `translate(${x}px, ${y}px) translate(-50%, -50%)`;
    }
  }

  private choose(drawn: Drawn, zoom: number): void {
    this.named = thinned([...drawn.labels, ...drawn.names], 2 ** zoom).map((label) => {
      const element = document.createElement("span");
      element.textContent = label.text;
      element.style.fontSize = `${label.fontSize}px`;
      return { label, element };
    });
    this.names.replaceChildren(...this.named.map(({ element }) => element));
  }

  private layers(drawn: Drawn, zoom: number) {
    const { points } = this;
    this.shownMost = this.pace.moving ? Math.min(points.n, this.pace.most) : points.n;
    const near = Math.max(0, zoom - 8.4);
    const accent = ACCENT[drawn.dark ? "dark" : "light"];
    const ink: Rgb = drawn.dark ? [241, 236, 228] : [30, 27, 38];
    const paper: Rgb = drawn.dark ? [20, 19, 26] : [250, 246, 239];
    const place = (row: number) => placeOf(points, row);
    const edges = drawn.selected === null ? [] : drawn.neighbours.map((to) => ({ from: drawn.selected ?? 0, ...to }));
    const walked = drawn.trail.slice(1).map((to, at) => ({ from: drawn.trail[at] ?? to, to }));
    return [
      new PointLayer({
        id: "points",
        positions: points.xy,
        colours: drawn.colours,
        sizes: points.size,
        most: this.shownMost,
        scale: 9 + near * 4.4,
        least: 2 + near * 1.5,
      }),
      new LineLayer<{ from: number; to: number }>({
        id: "trail",
        data: walked,
        getSourcePosition: (edge) => place(edge.from),
        getTargetPosition: (edge) => place(edge.to),
        getColor: [...accent, 120],
        getWidth: 3,
        widthUnits: "pixels",
      }),
      new LineLayer<{ from: number; row: number; weight: number }>({
        id: "edges",
        data: edges,
        getSourcePosition: (edge) => place(edge.from),
        getTargetPosition: (edge) => place(edge.row),
        getColor: (edge) => [...ink, 90 + Math.round(120 * edge.weight)],
        getWidth: (edge) => 1 + 2.5 * edge.weight,
        widthUnits: "pixels",
      }),
      new PointLayer({
        id: "lit",
        ...this.some(drawn.lit, accent),
        scale: 13 + near * 4.4,
        least: 6.5 + near * 1.5,
        edge: 1.5,
        edgeColour: paper,
      }),
      new PointLayer({ id: "selected", ...this.some(drawn.selected === null ? [] : [drawn.selected], ink), scale: 30, least: 30, ring: true }),
    ];
  }

  /** Some of the points, in one colour. */
  private some(rows: readonly number[], [r, g, b]: Rgb) {
    return {
      positions: Float32Array.from(rows.flatMap((row) => placeOf(this.points, row))),
      colours: Uint8Array.from(rows.flatMap(() => [r, g, b, 255])),
      sizes: Float32Array.from(rows, (row) => this.points.size[row] ?? 0),
    };
  }
}
