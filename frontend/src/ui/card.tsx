/** One result: what it is, how well it fits, why, and what one thinks of it. */
import { ChevronDown, EyeOff, ThumbsUp } from "lucide-react";
import { memo, type ReactNode } from "react";
import { Link } from "wouter";
import type { AnimeCard, RecommendationItem } from "../api/client";
import { useMessages } from "../i18n";
import { useList } from "../state/mine";
import { titleOf, useSettings } from "../state/settings";
import { Facts } from "./basics";
import { useMark } from "./marks";
import { Poster } from "./poster";

const WORTH_NAMING = -0.05; // a title that pushed down by less stands in the bars only

type Reasons = RecommendationItem["reasons"];

interface Member {
  name: string;
  match: number | null;
  place: number | null;
}

export interface Shown {
  rank: number;
  anime: AnimeCard;
  match: number | null;
  predicted_score?: number | null;
  reasons?: Reasons | null;
  evidence?: { labels: string[]; passage: string | null } | null;
  members?: Member[];
}

export const Card = memo(function Card({ item, actions = true }: { item: Shown; actions?: boolean }) {
  const { t } = useMessages();
  const { titles } = useSettings();
  const mark = useMark();
  const { anime } = item;
  const title = titleOf(anime, titles);
  return (
    <CardFrame anime={anime} match={item.match}>
      {item.predicted_score ? (
        <p className="card-predicted">{t("card.predicted", { score: item.predicted_score.toFixed(1) })}</p>
      ) : null}
      {item.reasons ? <Why reasons={item.reasons} /> : null}
      {item.evidence ? <Evidence evidence={item.evidence} /> : null}
      {item.reasons || item.evidence ? null : <Tags names={[...anime.genres, ...anime.themes].slice(0, 4)} />}
      {item.members ? <Members members={item.members} /> : null}
      {actions ? (
        <div className="card-actions">
          <button type="button" className="quiet" onClick={() => mark(anime, "like")}>
            <ThumbsUp size={16} aria-hidden="true" /> {t("card.liked")}
            <span className="hidden-text">: {title}</span>
          </button>
          <button type="button" className="quiet" onClick={() => mark(anime, "hidden")}>
            <EyeOff size={16} aria-hidden="true" /> {t("card.hide")}
            <span className="hidden-text">: {title}</span>
          </button>
        </div>
      ) : null}
    </CardFrame>
  );
});

/** What every card begins with. heading: by where the cards stand on their page. */
export function CardFrame({
  anime,
  match,
  heading: Title = "h2",
  children,
}: {
  anime: AnimeCard;
  match: number | null;
  heading?: "h2" | "h3";
  children: ReactNode;
}) {
  const { titles } = useSettings();
  return (
    <article className="card" data-anime={anime.anime_id}>
      <Link href={`/anime/${anime.anime_id}`} className="card-poster" tabIndex={-1} aria-hidden="true">
        <Poster anime={anime} />
      </Link>
      <div className="card-body">
        <div className="card-head">
          <Title className="card-title">
            <Link href={`/anime/${anime.anime_id}`}>{titleOf(anime, titles)}</Link>
          </Title>
          <Match value={match} />
        </div>
        <Facts anime={anime} />
        {children}
      </div>
    </article>
  );
}

/** match: 0..100, as a ring and a number; null where the bundle knows no chances. */
function Match({ value }: { value: number | null }) {
  const { t } = useMessages();
  if (value === null) return null;
  const around = 2 * Math.PI * 17;
  return (
    <span className="match" role="img" aria-label={t("card.match", { match: value })} title={t("card.match", { match: value })}>
      <svg viewBox="0 0 40 40" aria-hidden="true">
        <circle cx="20" cy="20" r="17" className="match-track" />
        <circle
          cx="20"
          cy="20"
          r="17"
          className="match-value"
          strokeDasharray={`${(around * value) / 100} ${around}`}
          transform="rotate(-90 20 20)"
        />
        <text x="20" y="20" textAnchor="middle" dominantBaseline="central">
          {value}
        </text>
      </svg>
    </span>
  );
}

function Why({ reasons }: { reasons: Reasons }) {
  const { t, rich } = useMessages();
  const up = reasons.because.filter((one) => one.share > 0).sort((a, b) => b.share - a.share);
  const down = reasons.because.filter((one) => one.share < 0).sort((a, b) => a.share - b.share);
  const largest = Math.max(0.01, ...reasons.because.map((one) => Math.abs(one.share)));
  return (
    <div className="why">
      {up.length > 0 ? (
        <details className="why-details">
          <summary>
            <span>
              {rich((down[0]?.share ?? 0) <= WORTH_NAMING ? "why.despite" : "why.because", {
                titles: <Names of={up.slice(0, 2)} />,
                minus: <Names of={down.slice(0, 1)} />,
              })}
            </span>
            <ChevronDown size={16} className="why-more" aria-hidden="true" />
          </summary>
          <ul className="why-bars" aria-label={t("why.bars")}>
            {[...up, ...down].map((one) => (
              <li key={one.anime_id} className={one.share > 0 ? "why-plus" : "why-minus"}>
                <span className="why-name">
                  <Name id={one.anime_id} title={one.title} />
                </span>
                <meter
                  className="why-bar"
                  min={0}
                  max={largest}
                  value={Math.abs(one.share)}
                  aria-label={one.title}
                />
                <span className="why-share">
                  {one.share > 0 ? "+" : "−"}
                  {Math.round(Math.abs(one.share) * 100)} %
                </span>
              </li>
            ))}
          </ul>
        </details>
      ) : null}
      {reasons.shared.length > 0 ? <Tags names={reasons.shared.slice(0, 4)} /> : null}
      {reasons.quote ? <blockquote className="quote">{reasons.quote.text}</blockquote> : null}
    </div>
  );
}

function Evidence({ evidence }: { evidence: { labels: string[]; passage: string | null } }) {
  return (
    <div className="why">
      {evidence.passage ? <blockquote className="quote">{evidence.passage}</blockquote> : null}
      {evidence.labels.length > 0 ? <Tags names={evidence.labels.slice(0, 5)} /> : null}
    </div>
  );
}

function Members({ members }: { members: Member[] }) {
  const { t } = useMessages();
  return (
    <ul className="members">
      {members.map((member, at) => (
        <li key={`${at}-${member.name}`}>
          <span className="members-name">{member.name}</span>
          {member.match === null ? <span /> : <meter min={0} max={100} value={member.match} aria-label={member.name} />}
          <span title={member.place === null ? undefined : t("group.place", { name: member.name, place: member.place })}>
            {member.match === null ? (member.place === null ? "" : `#${member.place}`) : `${member.match} %`}
          </span>
        </li>
      ))}
    </ul>
  );
}

export function Tags({ names }: { names: readonly string[] }) {
  const { label } = useMessages();
  return (
    <ul className="tags">
      {names.map((name) => (
        <li key={name} className="tag">
          {label(name)}
        </li>
      ))}
    </ul>
  );
}

function Names({ of }: { of: { anime_id: number; title: string }[] }) {
  return of.map((one, at) => (
    <span key={one.anime_id}>
      {at > 0 ? ", " : ""}
      <b>
        <Name id={one.anime_id} title={one.title} />
      </b>
    </span>
  ));
}

function Name({ id, title }: { id: number; title: string }) {
  const { names } = useList();
  const { titles } = useSettings();
  return titleOf(names[id] ?? { title }, titles);
}
