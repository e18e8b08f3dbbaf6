/** Walking the similarity graph: one title, its neighbours, the way so far. */
import { ArrowLeft, X } from "lucide-react";
import { Link } from "wouter";
import { useCards } from "../api/queries";
import type { AnimeCard } from "../api/client";
import { useMessages } from "../i18n";
import { titleOf, useSettings } from "../state/settings";
import { Facts } from "../ui/basics";
import { MarkBar } from "../ui/marks";
import { Poster } from "../ui/poster";

interface Props {
  id: number;
  /** Ids of the way here, this one last. */
  trail: readonly number[];
  neighbours: readonly { anime: AnimeCard; weight: number }[];
  onGo: (id: number) => void;
  onClose: () => void;
}

export function Walk({ id, trail, neighbours, onGo, onClose }: Props) {
  const { t } = useMessages();
  const { titles } = useSettings();
  const anime = useCards([id]).data?.find((card) => card.anime_id === id);
  const before = trail.at(-2);
  return (
    <section className="map-panel walk" aria-label={t("walk.title")}>
      <div className="walk-head">
        {before === undefined ? null : (
          <button type="button" className="icon-button" onClick={() => onGo(before)} aria-label={t("walk.back")}>
            <ArrowLeft size={18} aria-hidden="true" />
          </button>
        )}
        <h2 className="walk-title" aria-live="polite">
          {anime ? <Link href={`/anime/${id}`}>{titleOf(anime, titles)}</Link> : "…"}
        </h2>
        <button type="button" className="icon-button" onClick={onClose} aria-label={t("close")}>
          <X size={18} aria-hidden="true" />
        </button>
      </div>
      {anime ? (
        <>
          <Facts anime={anime} />
          <MarkBar anime={anime} marks={["love", "like", "dislike"]} />
        </>
      ) : null}
      <h3>{t("walk.neighbours")}</h3>
      <ol className="walk-list">
        {neighbours.map(({ anime: near, weight }) => (
          <li key={near.anime_id}>
            <button type="button" onClick={() => onGo(near.anime_id)}>
              <span className="walk-poster">
                <Poster anime={near} />
              </span>
              <span className="walk-name">{titleOf(near, titles)}</span>
              <meter min={0} max={1} value={weight} aria-label={t("walk.near")} />
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}
