/** One anime: facts, titles, its franchise in watch order, what is like it and why. */
import { Tab, TabList, TabPanel, TabProvider } from "@ariakit/react";
import { ExternalLink, Map as MapIcon } from "lucide-react";
import { useCallback, useState } from "react";
import { Link, useLocation } from "wouter";
import type { AnimeFull, SimilarItem, WatchItem } from "../api/client";
import { useAnime, useModel, useSimilar, useWatchOrder } from "../api/queries";
import { useMessages } from "../i18n";
import { list, nameOf } from "../state/mine";
import { titleOf, useSettings } from "../state/settings";
import { Endless, Facts, Heading, Trouble, Waiting } from "../ui/basics";
import { CardFrame, Tags } from "../ui/card";
import { MarkBar } from "../ui/marks";
import { Poster } from "../ui/poster";

export function Anime({ id }: { id: number }) {
  const { t } = useMessages();
  const { titles } = useSettings();
  const { data: anime, error, isPending, refetch } = useAnime(id);
  if (isPending) {
    return (
      <main className="screen" id="main">
        <Waiting rows={2} />
      </main>
    );
  }
  if (error || !anime) {
    return (
      <main className="screen narrow" id="main">
        <Heading title={t("anime.unknown")}>{t("anime.unknown")}</Heading>
        <Trouble error={error} onRetry={() => void refetch()} />
      </main>
    );
  }
  const title = titleOf(anime, titles);
  const others = [anime.title, anime.title_english, anime.title_japanese].filter((one) => one && one !== title);
  return (
    <main className="screen" id="main">
      <div className="anime">
        <div className="anime-poster">
          <Poster anime={anime} eager />
        </div>
        <div className="anime-main">
          <Heading title={title}>{title}</Heading>
          {others.length > 0 ? <p className="anime-others">{[...new Set(others)].join(" · ")}</p> : null}
          <Facts anime={anime} />
          <Tags names={[...anime.genres, ...anime.themes, ...anime.demographics]} />
          <MarkBar anime={anime} />
          <MoreLikeThis anime={anime} />
        </div>
        <Details anime={anime} />
      </div>
      <Order id={id} />
      <Similar anime={anime} />
    </main>
  );
}

function MoreLikeThis({ anime }: { anime: AnimeFull }) {
  const { t } = useMessages();
  const [, navigate] = useLocation();
  const { data: model } = useModel();
  return (
    <div className="anime-links">
      <button
        type="button"
        className="button"
        onClick={() => {
          list.learn({ [anime.anime_id]: nameOf(anime) });
          document.getElementById("similar")?.scrollIntoView();
          document.getElementById("similar")?.focus();
        }}
      >
        {t("anime.similar")}
      </button>
      {model?.has.map ? (
        <button type="button" className="button" onClick={() => navigate(`/map?at=${anime.anime_id}`)}>
          <MapIcon size={18} aria-hidden="true" /> {t("anime.map")}
        </button>
      ) : null}
      <a className="button" href={anime.links.myanimelist} rel="noopener noreferrer" target="_blank">
        MyAnimeList <ExternalLink size={15} aria-hidden="true" />
      </a>
      {anime.links.anilist ? (
        <a className="button" href={anime.links.anilist} rel="noopener noreferrer" target="_blank">
          AniList <ExternalLink size={15} aria-hidden="true" />
        </a>
      ) : null}
    </div>
  );
}

function Details({ anime }: { anime: AnimeFull }) {
  const { t, known, short } = useMessages();
  const season = [anime.season ? known("season", anime.season) : null, anime.year].filter(Boolean).join(" ");
  const rows: [string, string | null][] = [
    [t("anime.season"), season || null],
    [t("anime.airing"), anime.airing ? known("airing", anime.airing) : null],
    [t("anime.studios"), anime.studios.join(", ") || null],
    [t("anime.source"), anime.source],
    [t("anime.age"), anime.age_rating],
    [t("anime.members"), anime.members ? `${short(anime.members)} (#${anime.popularity_rank})` : null],
    [t("anime.score"), anime.score ? `${anime.score.toFixed(2)}${anime.scored_by ? ` (${short(anime.scored_by)})` : ""}` : null],
    [t("anime.synonyms"), anime.synonyms.slice(0, 4).join(" · ") || null],
  ];
  return (
    <dl className="anime-facts">
      {rows.map(([name, value]) =>
        value ? (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}

function Order({ id }: { id: number }) {
  const { t } = useMessages();
  const { data } = useWatchOrder(id);
  const [all, setAll] = useState(false);
  const items = data?.items ?? [];
  if (items.length < 2) return null;
  const story = items.filter((item) => !item.optional || item.anime.anime_id === id);
  const shown = all ? items : story;
  return (
    <section className="section" aria-labelledby="order">
      <div className="section-head">
        <h2 id="order">{t("order.title")}</h2>
        {story.length < items.length ? (
          <label className="check">
            <input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} />
            {t("order.all", { n: items.length - story.length })}
          </label>
        ) : null}
      </div>
      <ol className="order">
        {shown.map((item, at) => (
          <Step key={item.anime.anime_id} item={item} number={at + 1} here={item.anime.anime_id === id} />
        ))}
      </ol>
    </section>
  );
}

function Step({ item, number, here }: { item: WatchItem; number: number; here: boolean }) {
  const { t, known } = useMessages();
  const { titles } = useSettings();
  const notes = [
    item.entry ? t("order.entry") : null,
    item.role && item.role !== "story" ? known("role", item.role) : null,
    item.optional ? t("order.optional") : null,
  ].filter(Boolean);
  return (
    <li className={`step ${here ? "step-here" : ""} ${item.optional ? "step-optional" : ""}`}>
      <Link href={`/anime/${item.anime.anime_id}`} aria-current={here ? "page" : undefined}>
        <span className="step-poster">
          <Poster anime={item.anime} />
          <span className="step-number" aria-hidden="true">
            {number}
          </span>
        </span>
        <span className="step-title">{titleOf(item.anime, titles)}</span>
        <span className="step-note">{[item.anime.year, ...notes].filter(Boolean).join(" · ")}</span>
      </Link>
    </li>
  );
}

function Similar({ anime }: { anime: AnimeFull }) {
  const { t, known } = useMessages();
  const [by, setBy] = useState("blend");
  const [opposite, setOpposite] = useState(false);
  const lenses = ["blend", ...anime.lenses.filter((name) => name !== "blend")];
  const query = useSimilar(anime.anime_id, by, opposite, true);
  const { fetchNextPage } = query;
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className="section" aria-labelledby="similar">
      <TabProvider selectedId={by} setSelectedId={(id) => setBy(id ?? "blend")}>
        <div className="section-head">
          <h2 id="similar" tabIndex={-1}>
            {t(opposite ? "similar.opposite" : "similar.title")}
          </h2>
          <label className="check">
            <input type="checkbox" checked={opposite} onChange={(event) => setOpposite(event.target.checked)} />
            {t("similar.turn")}
          </label>
        </div>
        <TabList className="tabs scroll-row" aria-label={t("similar.by")}>
          {lenses.map((name) => (
            <Tab key={name} id={name} className="tab">
              {known("lens", name)}
            </Tab>
          ))}
        </TabList>
        <TabPanel tabId={by} className="tab-panel">
          {query.isError ? <Trouble error={query.error} onRetry={() => void query.refetch()} /> : null}
          {query.isPending ? <Waiting /> : null}
          <div className="cards">
            {items.map((item) => (
              <SimilarCard key={item.anime.anime_id} item={item} />
            ))}
          </div>
          <Endless more={query.hasNextPage && items.length < 48} busy={query.isFetching} onMore={more} />
        </TabPanel>
      </TabProvider>
    </section>
  );
}

function SimilarCard({ item }: { item: SimilarItem }) {
  const { t, known } = useMessages();
  const { anime, likeness } = item;
  const lenses = Object.entries(likeness?.lenses ?? {})
    .filter(([, share]) => share > 0)
    .sort(([, a], [, b]) => b - a);
  return (
    <CardFrame anime={anime} match={item.match} heading="h3">
      {lenses.length > 0 ? (
        <p className="shares">
          <span className="shares-bar" aria-hidden="true">
            {lenses.map(([name, share]) => (
              <span key={name} className={`share share-${name}`} style={{ flexGrow: share }} />
            ))}
          </span>
          {lenses.slice(0, 3).map(([name, share]) => (
            <span key={name} className="shares-name">
              {known("lens", name)} {Math.round(share * 100)} %
            </span>
          ))}
        </p>
      ) : null}
      {likeness && likeness.votes > 0 ? <p className="votes">{t("similar.votes", { n: likeness.votes })}</p> : null}
      {likeness && likeness.shared.length > 0 ? <Tags names={likeness.shared.slice(0, 5)} /> : null}
    </CardFrame>
  );
}
