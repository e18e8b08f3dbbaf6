/** One box for a title, a mood or a user's name; a file dropped anywhere; or posters to pick from. */
import { ArrowRight, Check, Dices, ListPlus, Search, Sparkles, X } from "lucide-react";
import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import { type AnimeCard, type TitleItem, api, got } from "../api/client";
import { useCards, useExamples, useFamous, useModel } from "../api/queries";
import { useMessages } from "../i18n";
import { list, nameOf, useList } from "../state/mine";
import { idsOf, shownMark } from "../state/profile";
import { titleOf, useSettings } from "../state/settings";
import { NO_WISHES, encodeWishes } from "../state/wishes";
import { Heading, Trouble } from "../ui/basics";
import { FileButton, useDrop } from "../ui/drop";
import { useImport } from "../ui/importing";
import { useMark } from "../ui/marks";
import { Poster } from "../ui/poster";
import { type Meaning, TitleBox, asMarked } from "../ui/title-box";

const ROTATE_MS = 4000;
const SITES = { anilist: "AniList", myanimelist: "MyAnimeList" } as const;
const GENRES = ["Action", "Adventure", "Comedy", "Drama", "Fantasy", "Horror", "Mystery", "Romance", "Sci-Fi", "Slice of Life", "Sports"];

export function Start() {
  const { t } = useMessages();
  const { titles: language } = useSettings();
  const [, navigate] = useLocation();
  const { data: model } = useModel();
  const examples = useExamples().data?.queries ?? [];
  const { profile, names } = useList();
  const mark = useMark();
  const [trouble, setTrouble] = useState<unknown>(null);
  const reading = useImport(() => navigate("/list"));
  const over = useDrop(reading.file);
  const canSearch = model?.has.search ?? false;
  const ask = (q: string) => navigate(`/results?${encodeWishes({ ...NO_WISHES, q })}`);
  const pick = (title: TitleItem) => mark(asMarked(title), "like");

  // a completion lacks the titles in other languages: the facts come after
  const bare = idsOf(profile).filter((id) => names[id]?.genres.length === 0 && !names[id].title_japanese).slice(0, 100);
  const facts = useCards(bare).data;
  useEffect(() => {
    const learned = (facts ?? []).filter((card) => bare.includes(card.anime_id) && card.genres.length > 0);
    if (learned.length > 0) list.learn(Object.fromEntries(learned.map((card) => [card.anime_id, nameOf(card)])));
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `bare` follows from what is learned here
  }, [facts]);

  const meanings = (text: string): Meaning[] => {
    const out: Meaning[] = [];
    if (canSearch) out.push({ key: "mood", icon: Search, text: t("box.mood", { text }), onPick: () => ask(text) });
    if (/^[A-Za-z0-9_-]{2,40}$/.test(text)) {
      for (const site of ["anilist", "myanimelist"] as const) {
        if (!model?.has.lists.includes(site)) continue;
        const words = t("box.user", { text, site: SITES[site] });
        out.push({ key: site, icon: ListPlus, text: words, onPick: () => reading.user(site, text) });
      }
    }
    return out;
  };
  const enter = (text: string, titles: TitleItem[]): boolean => {
    const first = titles[0];
    const same = (one: string) => one.toLowerCase() === text.toLowerCase();
    if (first && (same(first.title) || same(first.matched) || !canSearch)) {
      pick(first);
      return true;
    }
    if (canSearch) ask(text);
    return canSearch;
  };
  const surprise = async () => {
    try {
      const anime = await got(api.GET("/api/v1/random", { params: { query: { min_members: 10_000 } } }));
      navigate(`/anime/${anime.anime_id}`);
    } catch (problem) {
      setTrouble(problem);
    }
  };
  const picked = idsOf(profile).filter((id) => {
    const entry = profile[id];
    const shown = entry ? shownMark(entry) : null;
    return shown === "like" || shown === "love";
  });

  return (
    <main className="start" id="main">
      <section className="hero">
        <Heading title={t("start.title")}>{t("start.title")}</Heading>
        <p className="hero-line">{t("start.line")}</p>
        <TitleBox
          className="hero-box"
          label={t("box.label")}
          placeholder={t("box.placeholder")}
          onPick={pick}
          onEnter={enter}
          meanings={meanings}
        >
          <Search size={22} aria-hidden="true" className="titlebox-icon" />
        </TitleBox>
        {canSearch && examples.length > 0 ? <Rotating examples={examples} onAsk={ask} /> : null}
        <div className="hero-ways">
          <FileButton onFile={reading.file} />
          <button type="button" className="button" onClick={() => void surprise()}>
            <Dices size={18} aria-hidden="true" /> {t("start.surprise")}
          </button>
        </div>
        <p className="hint">{t(reading.busy ? "start.reading" : "start.file.hint")}</p>
        {reading.error ? <Trouble error={reading.error} /> : null}
        {trouble ? <Trouble error={trouble} /> : null}
      </section>
      <Posters />
      {picked.length > 0 ? (
        <div className="tray" role="region" aria-label={t("start.picked", { n: picked.length })}>
          <ul className="tray-picks">
            {picked.slice(-6).map((id) => (
              <li key={id}>
                <button type="button" className="tray-pick" onClick={() => mark({ anime_id: id, ...(names[id] ?? unnamed(id)) }, null)}>
                  <Poster anime={{ anime_id: id, ...(names[id] ?? unnamed(id)) }} />
                  <X size={14} aria-hidden="true" />
                  <span className="hidden-text">{t("start.unpick", { title: titleOf(names[id] ?? unnamed(id), language) })}</span>
                </button>
              </li>
            ))}
          </ul>
          <span className="tray-count">{t("start.picked", { n: picked.length })}</span>
          <button type="button" className="button primary" onClick={() => navigate("/results")}>
            {t("start.go")} <ArrowRight size={18} aria-hidden="true" />
          </button>
        </div>
      ) : null}
      {over ? (
        <div className="drop-over" aria-hidden="true">
          <p>{t("start.drop")}</p>
        </div>
      ) : null}
    </main>
  );
}

function unnamed(id: number) {
  return { title: `#${id}`, title_english: null, title_japanese: null, image_url: null, year: null, type: null, genres: [] };
}

/** Example queries that come and go; they stand still for whoever wants less motion, or points at them. */
function Rotating({ examples, onAsk }: { examples: string[]; onAsk: (q: string) => void }) {
  const { t } = useMessages();
  const [at, setAt] = useState(0);
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held || window.matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const timer = setInterval(() => setAt((now) => now + 1), ROTATE_MS);
    return () => clearInterval(timer);
  }, [held]);
  const shown = [0, 1, 2].flatMap((step) => examples[(at * 3 + step) % examples.length] ?? []);
  return (
    // the listeners only hold the examples still
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      className="examples"
      role="group"
      aria-label={t("start.examples")}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <Sparkles size={16} aria-hidden="true" />
      {shown.map((query) => (
        <button key={query} type="button" className="example" onClick={() => onAsk(query)}>
          {query}
        </button>
      ))}
    </div>
  );
}

/** Famous titles to say something about, by genre. */
function Posters() {
  const { t, label } = useMessages();
  const [genre, setGenre] = useState<string | null>(null);
  const { data, error, isPending } = useFamous(genre);
  return (
    <section className="posters" aria-labelledby="posters">
      <h2 id="posters">{t("start.posters")}</h2>
      <div className="toggles scroll-row" role="group" aria-label={t("filter.genres")}>
        {[null, ...GENRES].map((name) => (
          <button key={name ?? "all"} type="button" className="toggle" aria-pressed={genre === name} onClick={() => setGenre(name)}>
            {name === null ? t("start.all") : label(name)}
          </button>
        ))}
      </div>
      {error ? <Trouble error={error} /> : null}
      <ul className="poster-grid" aria-busy={isPending}>
        {isPending
          ? Array.from({ length: 18 }, (_, at) => <li key={at} className="pick skeleton" aria-hidden="true" />)
          : data?.map((anime) => <Pick key={anime.anime_id} anime={anime} />)}
      </ul>
    </section>
  );
}

function Pick({ anime }: { anime: AnimeCard }) {
  const { titles } = useSettings();
  const { profile } = useList();
  const mark = useMark();
  const picked = anime.anime_id in profile;
  return (
    <li className="pick">
      <button type="button" aria-pressed={picked} onClick={() => mark(anime, picked ? null : "like")}>
        <span className="pick-frame">
          <Poster anime={anime} />
          {picked ? (
            <span className="pick-mark">
              <Check size={22} aria-hidden="true" />
            </span>
          ) : null}
        </span>
        <span className="pick-title">{titleOf(anime, titles)}</span>
      </button>
    </li>
  );
}
