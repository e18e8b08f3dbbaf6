/** Looking around without saying anything of oneself: seasons, trends, the best known of a genre. */
import { Tab, TabList, TabPanel, TabProvider } from "@ariakit/react";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { type View, useBrowse, useGenres, useModel } from "../api/queries";
import { useMessages } from "../i18n";
import { type Browsing, type ViewName, SEASONS, VIEWS, decodeBrowsing, encodeBrowsing, seasonOf, stepped } from "../state/browsing";
import { useList } from "../state/mine";
import { hasTaste, toHide } from "../state/profile";
import { ADULT, NO_WISHES, type Filters, type Wishes, countFilters } from "../state/wishes";
import { Empty, Endless, Heading, Trouble, Waiting } from "../ui/basics";
import { Card } from "../ui/card";
import { FilterPanel, FilterSheet } from "./filters";

const FIRST_YEAR = 1960; // before it seasons hold next to nothing

export default function Browse() {
  const { t } = useMessages();
  const [, navigate] = useLocation();
  const search = useSearch();
  const now = useMemo(() => decodeBrowsing(search), [search]);
  const { profile } = useList();
  const { data: model } = useModel();
  const { data: genres } = useGenres();
  const [today] = useState(() => seasonOf(new Date()));
  const latest = genres?.years[1] ?? today.year;
  const season = now.season ?? today.season;
  const year = Math.min(now.year ?? today.year, latest);
  const tasteful = hasTaste(profile);
  const mine = now.mine && tasteful;

  const change = (part: Partial<Browsing>) => {
    const text = encodeBrowsing({ ...now, ...part });
    navigate(`/browse${text ? `?${text}` : ""}`, { replace: true });
  };
  const view: View =
    now.view === "season" ? { name: "season", year, season, taste: mine ? profile : null } : { name: now.view };
  const { query, items } = useBrowse(view, now.filters, now.view !== "season" || genres !== undefined);
  const { fetchNextPage } = query;
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const away = useMemo(() => new Set(toHide(profile)), [profile]);
  const shown = items.filter(({ anime }) => (now.hide ? !away.has(anime.anime_id) : profile[anime.anime_id]?.mark !== "hidden"));
  const filters = countFilters(now.filters);
  const wishes = { ...NO_WISHES, filters: now.filters };
  const views = VIEWS.filter((name) => name !== "known" || model === undefined || model.models.includes("popularity"));
  const before = stepped(year, season, -1);
  const line = now.view === "season" && mine ? t("browse.taste.line") : t(`browse.${now.view}.line`);
  const asked = { wishes, onChange: (next: Wishes) => change({ filters: next.filters }), plain: true };

  return (
    <main className="screen with-side" id="main">
      <aside className="side" aria-label={t("filter.title")}>
        <FilterPanel {...asked} />
      </aside>
      <div className="column">
        <div className="results-head">
          <Heading title={t("browse.title")}>{t("browse.title")}</Heading>
          <div className="results-tools">
            <FilterSheet {...asked} />
          </div>
        </div>
        <TabProvider selectedId={now.view} setSelectedId={(id) => change({ view: (id ?? "season") as ViewName })}>
          <TabList className="tabs" aria-label={t("browse.view")}>
            {views.map((name) => (
              <Tab key={name} id={name} className="tab">
                {t(`browse.${name}`)}
              </Tab>
            ))}
          </TabList>
          <TabPanel tabId={now.view} className="browse">
            <p className="basis">{line}</p>
            {now.view === "season" ? (
              <div className="browse-season">
                <button
                  type="button"
                  className="icon-button"
                  aria-label={t("browse.before")}
                  disabled={year <= FIRST_YEAR && season === "winter"}
                  onClick={() => change(before)}
                >
                  <ChevronLeft size={20} aria-hidden="true" />
                </button>
                <label className="inline">
                  <span className="hidden-text">{t("browse.year")}</span>
                  <select value={year} onChange={(event) => change({ year: Number(event.target.value), season })}>
                    {Array.from({ length: Math.max(1, latest - FIRST_YEAR + 1) }, (_, at) => latest - at).map((one) => (
                      <option key={one}>{one}</option>
                    ))}
                  </select>
                </label>
                <button
                  type="button"
                  className="icon-button"
                  aria-label={t("browse.after")}
                  disabled={year >= latest && season === "fall"}
                  onClick={() => change(stepped(year, season, 1))}
                >
                  <ChevronRight size={20} aria-hidden="true" />
                </button>
                <div className="toggles" role="group" aria-label={t("browse.which")}>
                  {SEASONS.map((name) => (
                    <button
                      key={name}
                      type="button"
                      className="toggle"
                      aria-pressed={season === name}
                      onClick={() => change({ year, season: name })}
                    >
                      {t(`season.${name}`)}
                    </button>
                  ))}
                </div>
              </div>
            ) : null}
            {now.view === "known" ? <Genres filters={now.filters} onChange={(next) => change({ filters: next })} /> : null}
            <div className="browse-switches">
              {now.view === "season" && tasteful ? (
                <label className="check">
                  <input type="checkbox" checked={mine} onChange={(event) => change({ mine: event.target.checked })} />
                  {t("results.mine")}
                </label>
              ) : null}
              {away.size > 0 ? (
                <label className="check">
                  <input type="checkbox" checked={now.hide} onChange={(event) => change({ hide: event.target.checked })} />
                  {t("browse.hide")}
                </label>
              ) : null}
            </div>
            <p className="hidden-text" role="status">
              {query.isFetching ? t("waiting") : t("results.count", { n: shown.length })}
            </p>
            {query.isError ? <Trouble error={query.error} onRetry={() => void query.refetch()} /> : null}
            {query.isPending && !query.isError ? <Waiting /> : null}
            {query.isSuccess && shown.length === 0 && !query.hasNextPage ? (
              <Empty title={t("browse.none")}>
                {filters > 0 ? (
                  <button type="button" className="button" onClick={() => change({ filters: {} })}>
                    {t("results.loosen")}
                  </button>
                ) : now.view === "season" ? (
                  <button type="button" className="button" onClick={() => change(before)}>
                    {t("browse.older")}
                  </button>
                ) : null}
              </Empty>
            ) : null}
            <div className={`cards ${query.isPlaceholderData ? "stale" : ""}`}>
              {shown.map((item) => (
                <Card key={item.anime.anime_id} item={item} />
              ))}
            </div>
            <Endless more={query.hasNextPage} busy={query.isFetching} onMore={more} />
          </TabPanel>
        </TabProvider>
      </div>
    </main>
  );
}

/** One genre at a time; it is a filter as any other, so that a link holds it. */
function Genres({ filters, onChange }: { filters: Filters; onChange: (filters: Filters) => void }) {
  const { t, label } = useMessages();
  const { data } = useGenres();
  const chosen = filters.genres?.length === 1 ? filters.genres[0] : null;
  return (
    <div className="toggles scroll-row" role="group" aria-label={t("filter.genres")}>
      {[null, ...(data?.genres ?? []).filter((name) => filters.adult || !ADULT.has(name))].map((name) => (
        <button
          key={name ?? "all"}
          type="button"
          className="toggle"
          aria-pressed={name === null ? !filters.genres?.length : chosen === name}
          onClick={() => onChange({ ...filters, genres: name === null ? [] : [name] })}
        >
          {name === null ? t("start.all") : label(name)}
        </button>
      ))}
    </div>
  );
}
