/** The map: every title a point, near to what it is like. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Lasso, Minus, Plus, RotateCcw, ScanSearch, Search, Sparkles, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { type AnimeCard, ApiError, type MapAbout, api, got } from "../api/client";
import { useCards, useNeighbours } from "../api/queries";
import { useMessages } from "../i18n";
import { ADULT } from "../state/wishes";
import { COLOURINGS, type Colouring, legendOf, paint } from "../map/colours";
import { LassoLine } from "../map/lasso";
import { type Points, placeOf, readPoints, within } from "../map/points";
import { Scene } from "../map/scene";
import { encodeProfile } from "../state/codec";
import { useList } from "../state/mine";
import { type Entry, idsOf } from "../state/profile";
import { titleOf, useSettings } from "../state/settings";
import { Heading, Trouble, Waiting } from "../ui/basics";
import { TitleBox } from "../ui/title-box";
import { Walk } from "./walk";

const NAMED_FROM = 3.2; // zoom steps above the whole map from which titles are named
const NAMED = 60;
const IN_SIGHT = 30; // titles that are taken where no line is drawn
const MOST_LASSO = 100; // titles that a lasso speaks for, those on most lists first

interface Loaded {
  about: MapAbout;
  points: Points;
}

function useMap() {
  return useQuery({
    queryKey: ["map"],
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
    queryFn: async (): Promise<Loaded> => {
      const about = await got(api.GET("/api/v1/map"));
      const answer = await fetch(about.url);
      if (!answer.ok) throw new ApiError(null, answer.status);
      return { about, points: readPoints(await answer.arrayBuffer(), about.layout) };
    },
  });
}

export default function AnimeMap() {
  const { t } = useMessages();
  const { data, error, isPending, refetch } = useMap();
  if (data) return <Chart {...data} />;
  return (
    <main className="screen narrow" id="main">
      <Heading title={t("map.title")}>{t("map.title")}</Heading>
      {isPending ? <Waiting rows={2} /> : <Trouble error={error} onRetry={() => void refetch()} />}
    </main>
  );
}

function useDark(): boolean {
  const { theme } = useSettings();
  const [system, setSystem] = useState(() => window.matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const asked = window.matchMedia("(prefers-color-scheme: dark)");
    const listen = () => setSystem(asked.matches);
    asked.addEventListener("change", listen);
    return () => asked.removeEventListener("change", listen);
  }, []);
  return theme === "system" ? system : theme === "dark";
}

function Chart({ about, points }: Loaded) {
  const { t, number, label } = useMessages();
  const { titles } = useSettings();
  const [, navigate] = useLocation();
  const search = useSearch();
  const queries = useQueryClient();
  const dark = useDark();
  const mine = useList().profile;
  const canvas = useRef<HTMLCanvasElement>(null);
  const labels = useRef<HTMLDivElement>(null);
  const [scene, setScene] = useState<Scene | null>(null);
  const [by, setBy] = useState<Colouring>("genre");
  const [only, setOnly] = useState<number | null>(null);
  const [selected, setSelected] = useState<number | null>(null);
  const [trail, setTrail] = useState<number[]>([]);
  const [lassoing, setLassoing] = useState(false);
  const [caught, setCaught] = useState<number[]>([]);
  const [hover, setHover] = useState<{ row: number; x: number; y: number } | null>(null);
  const [sight, setSight] = useState<number[]>([]);
  const wanted = useRef(0);

  const legend = useMemo(() => legendOf(points, by, about.colours, dark), [points, by, about.colours, dark]);
  const colours = useMemo(() => paint(points, legend, only, dark), [points, legend, only, dark]);
  const lit = useMemo(() => {
    const ids = caught.length > 0 ? caught : idsOf(mine).filter((id) => mine[id]?.mark !== "hidden");
    return ids.flatMap((id) => points.row.get(id) ?? []);
  }, [caught, mine, points]);
  const named = useCards(sight.map((row) => points.ids[row] ?? 0)).data;
  const around = useNeighbours(selected).data;

  const select = (id: number | null) => {
    setSelected(id);
    const row = id === null ? undefined : points.row.get(id);
    if (id === null || row === undefined) return setTrail([]);
    setTrail((before) => (before.at(-1) === row ? before : [...before, row].slice(-12)));
    scene?.flyTo(row, 10.2);
  };
  const choose = useRef(select);
  useEffect(() => {
    choose.current = select;
  });

  useEffect(() => {
    if (!canvas.current || !labels.current) return;
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    let timer = 0;
    const made = new Scene(canvas.current, labels.current, points, calm, {
      hover: (row, x, y) => setHover(row === null ? null : { row, x, y }),
      pick: (row) => row !== null && choose.current(points.ids[row] ?? null),
      move: () => {
        setHover(null);
        window.clearTimeout(timer);
        timer = window.setTimeout(() => setSight(made.pixels > 2 ** (8.4 + NAMED_FROM - 3) ? made.inSight(NAMED) : []), 250);
      },
    });
    setScene(made);
    return () => {
      window.clearTimeout(timer);
      made.destroy();
    };
  }, [points]);

  useEffect(() => {
    const names = (named ?? []).flatMap((card) => {
      const row = points.row.get(card.anime_id);
      if (row === undefined) return [];
      const [x, y] = placeOf(points, row);
      return [{ x, y, text: shortened(titleOf(card, titles)), weight: 0.02 + 0.2 * (points.size[row] ?? 0) }];
    });
    const neighbours = (around?.items ?? []).flatMap(({ anime, weight }) => {
      const row = points.row.get(anime.anime_id);
      return row === undefined ? [] : [{ row, weight }];
    });
    const row = selected === null ? null : (points.row.get(selected) ?? null);
    scene?.draw({ colours, labels: about.labels, names: sight.length > 0 ? names : [], lit, selected: row, neighbours, trail, dark });
  }, [scene, colours, about.labels, named, sight, lit, selected, around, trail, dark, points, titles]);

  // `/map?at=5114` shows one title
  useEffect(() => {
    const at = Number(new URLSearchParams(search).get("at"));
    if (!scene || !at || wanted.current === at) return;
    wanted.current = at;
    choose.current(at);
  }, [scene, search]);

  const onKey = (event: KeyboardEvent) => {
    const acts: Record<string, () => void> = {
      ArrowLeft: () => scene?.pan(-90, 0),
      ArrowRight: () => scene?.pan(90, 0),
      ArrowUp: () => scene?.pan(0, 90),
      ArrowDown: () => scene?.pan(0, -90),
      "+": () => scene?.zoom(0.75),
      "=": () => scene?.zoom(0.75),
      "-": () => scene?.zoom(-0.75),
      "0": () => scene?.reset(),
      Enter: () => {
        const middle = scene?.inSight(1)[0];
        if (middle !== undefined) select(points.ids[middle] ?? null);
      },
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };

  const recommend = () => {
    const profile: Record<number, Entry> = {};
    for (const id of caught.slice(0, MOST_LASSO)) profile[id] = { mark: "like" };
    navigate(`/results#${encodeProfile(profile)}`);
  };
  const hovered = useCards(hover ? [points.ids[hover.row] ?? 0] : [], hover !== null).data?.[0];
  const trust = Object.entries(about.trustworthiness)[0];

  return (
    <main className="map" id="main">
      <Heading title={t("map.title")}>
        <span className="hidden-text">{t("map.title")}</span>
      </Heading>
      {/* the canvas is moved by keys; what it shows is in the panel beside it, as a list */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/no-noninteractive-tabindex */}
      <div className="map-stage" role="application" aria-label={t("map.label", { n: points.n })} tabIndex={0} onKeyDown={onKey}>
        <canvas ref={canvas} className="map-canvas" />
        <div ref={labels} className="map-names" aria-hidden="true" />
        {lassoing ? (
          <LassoLine
            onDone={(line) => {
              setLassoing(false);
              if (!scene) return;
              setCaught(within(points, line.map(([x, y]) => scene.toMap(x, y))).map((row) => points.ids[row] ?? 0));
            }}
          />
        ) : null}
        {hover && hovered && hovered.anime_id === points.ids[hover.row] ? (
          <p className="map-tip" style={{ left: hover.x, top: hover.y }}>
            {titleOf(hovered, titles)}
          </p>
        ) : null}
      </div>
      <div className="map-panel map-search">
        <TitleBox
          label={t("map.search")}
          placeholder={t("map.search")}
          onPick={(title) => {
            queries.removeQueries({ queryKey: ["neighbours", null] });
            select(title.anime_id);
          }}
        >
          <Search size={18} aria-hidden="true" className="titlebox-icon" />
        </TitleBox>
      </div>
      <div className="map-tools" role="toolbar" aria-label={t("map.tools")}>
        <button type="button" className="icon-button" onClick={() => scene?.zoom(1)} aria-label={t("map.in")}>
          <Plus size={20} aria-hidden="true" />
        </button>
        <button type="button" className="icon-button" onClick={() => scene?.zoom(-1)} aria-label={t("map.out")}>
          <Minus size={20} aria-hidden="true" />
        </button>
        <button type="button" className="icon-button" onClick={() => scene?.reset()} aria-label={t("map.reset")}>
          <RotateCcw size={18} aria-hidden="true" />
        </button>
        <button
          type="button"
          className="icon-button"
          aria-pressed={lassoing}
          onClick={() => {
            setCaught([]);
            setLassoing(!lassoing);
          }}
          aria-label={t("map.lasso")}
          title={t("map.lasso")}
        >
          <Lasso size={20} aria-hidden="true" />
        </button>
        <button
          type="button"
          className="icon-button"
          onClick={() => setCaught((scene?.inSight(IN_SIGHT) ?? []).map((row) => points.ids[row] ?? 0))}
          aria-label={t("map.sight")}
          title={t("map.sight")}
        >
          <ScanSearch size={20} aria-hidden="true" />
        </button>
      </div>
      {caught.length > 0 ? (
        <div className="map-panel map-caught" role="status">
          <p>{t("map.caught", { n: caught.length })}</p>
          <button type="button" className="button primary" onClick={recommend}>
            <Sparkles size={18} aria-hidden="true" /> {t("map.recommend")}
          </button>
          <button type="button" className="icon-button" onClick={() => setCaught([])} aria-label={t("close")}>
            <X size={18} aria-hidden="true" />
          </button>
        </div>
      ) : null}
      <details className="map-panel map-legend" open={window.innerWidth > 900}>
        <summary>{t("map.colours")}</summary>
        <label className="field">
          <span className="hidden-text">{t("map.colours")}</span>
          <select
            value={by}
            onChange={(event) => {
              setOnly(null);
              setBy(COLOURINGS.find((name) => name === event.target.value) ?? "genre");
            }}
          >
            {COLOURINGS.map((name) => (
              <option key={name} value={name}>
                {t(`map.by.${name}`)}
              </option>
            ))}
          </select>
        </label>
        <ul>
          {legend.entries.filter(({ name }) => !ADULT.has(name)).map(({ key, name, colour, count }) => (
            <li key={key}>
              <button type="button" aria-pressed={only === key} onClick={() => setOnly(only === key ? null : key)}>
                <span className="swatch" style={{ background: `rgb(${colour.join(" ")})` }} aria-hidden="true" />
                <span className="map-legend-name">{label(name)}</span>
                <span className="soft">{number(count)}</span>
              </button>
            </li>
          ))}
        </ul>
        <p className="hint">
          {about.method}
          {trust ? ` · ${t("map.trust", { k: trust[0], value: trust[1].toFixed(3) })}` : ""}
        </p>
      </details>
      {selected === null ? null : (
        <Walk
          id={selected}
          trail={trail.map((row) => points.ids[row] ?? 0)}
          neighbours={around?.items ?? []}
          onGo={select}
          onClose={() => select(null)}
        />
      )}
    </main>
  );
}

function shortened(title: string): string {
  return title.length > 30 ? `${title.slice(0, 28).trimEnd()}…` : title;
}

export type Near = { anime: AnimeCard; weight: number };
