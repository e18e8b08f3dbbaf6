/** Recommendations, or what answers a mood. The wishes stand in the URL; a shared link brings its profile, too. */
import { Share2, Sparkles } from "lucide-react";
import { useCallback, useMemo, useState, useSyncExternalStore } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { useModel, useResults } from "../api/queries";
import { useMessages } from "../i18n";
import { decodeProfile } from "../state/codec";
import { list, useList } from "../state/mine";
import { type Profile, hasTaste, idsOf, shownMark, toHide } from "../state/profile";
import { titleOf, useSettings } from "../state/settings";
import { type Wishes, countFilters, decodeWishes, encodeWishes } from "../state/wishes";
import { Empty, Endless, Heading, Trouble, Waiting } from "../ui/basics";
import { Card } from "../ui/card";
import { FilterPanel, FilterSheet, Gems } from "./filters";
import { WaysOn } from "../ui/ways-on";
import { Share } from "./share";

function subscribeHash(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

/** The profile of the URL: of a shared link, not of this browser. */
function useShared(): Profile | null {
  const hash = useSyncExternalStore(subscribeHash, () => window.location.hash.slice(1));
  return useMemo(() => (hash ? decodeProfile(hash) : null), [hash]);
}

export function Results() {
  const { t } = useMessages();
  const [, navigate] = useLocation();
  const search = useSearch();
  const wishes = useMemo(() => decodeWishes(search), [search]);
  const shared = useShared();
  const mine = useList().profile;
  const profile = shared ?? mine;
  const { data: model } = useModel();
  const ready = wishes.q !== null || hasTaste(profile);
  const { query, items, like, wordsAlone } = useResults(profile, wishes, ready);
  const [sharing, setSharing] = useState(false);
  const shown = items.filter((item) => profile[item.anime.anime_id]?.mark !== "hidden");
  const change = (next: Wishes) => {
    const text = encodeWishes(next);
    navigate(`/results${text ? `?${text}` : ""}${window.location.hash}`, { replace: true });
  };
  const { fetchNextPage } = query;
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const filters = countFilters(wishes.filters);
  const title = wishes.q === null ? t(shared ? "results.shared" : "results.title") : t("results.mood", { q: wishes.q });

  if (!ready) {
    return (
      <main className="screen narrow" id="main">
        <Heading title={t("results.title")}>{t("results.title")}</Heading>
        <Empty title={t("results.nobody")}>
          <Link href="/" className="button primary">
            {t("results.start")}
          </Link>
        </Empty>
      </main>
    );
  }

  return (
    <main className="screen with-side" id="main">
      <aside className="side" aria-label={t("filter.title")}>
        <FilterPanel wishes={wishes} onChange={change} />
      </aside>
      <div className="column">
        <div className="results-head">
          <div>
            <Heading title={title}>{title}</Heading>
            <Basis profile={profile} wishes={wishes} like={like} />
          </div>
          <div className="results-tools">
            <FilterSheet wishes={wishes} onChange={change} />
            <button type="button" className="button" onClick={() => setSharing(true)} disabled={items.length === 0}>
              <Share2 size={18} aria-hidden="true" /> {t("share.button")}
            </button>
          </div>
        </div>
        <div className="results-bar">
          <Gems value={wishes.popularity} onChange={(popularity) => change({ ...wishes, popularity })} />
          {wishes.q !== null && hasTaste(profile) ? (
            <label className="check">
              <input
                type="checkbox"
                checked={wishes.mine}
                onChange={(event) => change({ ...wishes, mine: event.target.checked })}
              />
              {t("results.mine")}
            </label>
          ) : null}
          {wishes.q !== null && toHide(profile).length > 0 ? (
            <label className="check">
              <input
                type="checkbox"
                checked={wishes.hide || wishes.mine}
                disabled={wishes.mine /* a taste never brings back what it is made of */}
                onChange={(event) => change({ ...wishes, hide: event.target.checked })}
              />
              {t("results.hide")}
            </label>
          ) : null}
          {wishes.q === null && (model?.models.length ?? 0) > 1 ? (
            <label className="inline">
              <span>{t("results.model")}</span>
              <select
                value={wishes.model ?? ""}
                onChange={(event) => change({ ...wishes, model: event.target.value || null })}
              >
                <option value="">{t("results.model.default")}</option>
                {model?.models
                  .filter((name) => name !== model.default_model)
                  .map((name) => (
                    <option key={name}>{name}</option>
                  ))}
              </select>
            </label>
          ) : null}
        </div>
        {shared ? (
          <div className="note shared">
            <p>{t("results.shared.explain")}</p>
            <button
              type="button"
              className="button"
              onClick={() => {
                list.replace(shared, t("results.shared.taken"));
                const text = encodeWishes(wishes);
                navigate(`/results${text ? `?${text}` : ""}`);
              }}
            >
              {t("results.shared.take")}
            </button>
          </div>
        ) : null}
        {wordsAlone ? <p className="note">{t("results.words_alone")}</p> : null}
        <p className="hidden-text" role="status">
          {query.isFetching ? t("waiting") : t("results.count", { n: shown.length })}
        </p>
        {query.isError ? <Trouble error={query.error} onRetry={() => void query.refetch()} /> : null}
        {query.isPending ? <Waiting /> : null}
        {!query.isPending && !query.isError && shown.length === 0 ? (
          <Empty title={t(wishes.q === null || filters > 0 ? "results.none" : "ways.none")}>
            {wishes.q === null || filters > 0 ? (
              <button type="button" className="button" onClick={() => change({ ...wishes, filters: {}, franchise: "anything" })}>
                {t("results.loosen")}
              </button>
            ) : null}
          </Empty>
        ) : null}
        {wishes.q !== null && !query.isPending && (query.isError || shown.length === 0) ? (
          <WaysOn q={wishes.q} canSearch={model?.has.search ?? false} onAsk={(q) => change({ ...wishes, q })} />
        ) : null}
        <div className={`cards ${query.isPlaceholderData ? "stale" : ""}`}>
          {shown.map((item) => (
            <Card key={item.anime.anime_id} item={item} actions={!shared} />
          ))}
        </div>
        <Endless more={query.hasNextPage} busy={query.isFetching} onMore={more} />
      </div>
      <Share open={sharing} onClose={() => setSharing(false)} profile={profile} wishes={wishes} items={shown} />
    </main>
  );
}

/** What the list was made from, in a line. */
function Basis({ profile, wishes, like }: { profile: Profile; wishes: Wishes; like: { anime_id: number; title: string }[] }) {
  const { t } = useMessages();
  const { names } = useList();
  const { titles } = useSettings();
  if (wishes.q !== null) {
    if (like.length === 0) return null;
    return <p className="basis">{t("results.like", { titles: like.map((one) => titleOf(one, titles)).join(", ") })}</p>;
  }
  const liked = idsOf(profile).filter((id) => {
    const entry = profile[id];
    const mark = entry ? shownMark(entry) : null;
    return mark === "love" || mark === "like";
  });
  const known = liked.flatMap((id) => (names[id] ? [titleOf(names[id], titles)] : [])).slice(0, 3);
  const rest = liked.length - known.length;
  const parts = rest > 0 && known.length > 0 ? [...known, t("results.more_titles", { n: rest })] : known;
  return (
    <p className="basis">
      <Sparkles size={16} aria-hidden="true" />{" "}
      {parts.length > 0 ? t("results.basis", { titles: parts.join(", ") }) : t("results.basis_count", { n: idsOf(profile).length })}
    </p>
  );
}
