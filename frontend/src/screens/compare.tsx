/** The same profile under two models, side by side: what both name, and what only one does. */
import { useState } from "react";
import { Link } from "wouter";
import { useModel, useResults } from "../api/queries";
import { useMessages } from "../i18n";
import { useList } from "../state/mine";
import { hasTaste } from "../state/profile";
import { titleOf, useSettings } from "../state/settings";
import { NO_WISHES } from "../state/wishes";
import { Empty, Facts, Heading, Trouble, Waiting } from "../ui/basics";
import { Poster } from "../ui/poster";

const SHOWN = 24;

export default function Compare() {
  const { t } = useMessages();
  const { profile } = useList();
  const { data: about } = useModel();
  const models = about?.models ?? [];
  const [left, setLeft] = useState<string | null>(null);
  const [right, setRight] = useState<string | null>(null);
  const first = left ?? about?.default_model ?? null;
  const second = right ?? models.find((name) => name !== first && name !== "popularity") ?? null;
  const ready = hasTaste(profile) && first !== null && second !== null;
  const a = useResults(profile, { ...NO_WISHES, model: first }, ready);
  const b = useResults(profile, { ...NO_WISHES, model: second }, ready);
  const [ids, others] = [a, b].map((side) => side.items.slice(0, SHOWN).map((item) => item.anime.anime_id));
  const both = (ids ?? []).filter((id) => others?.includes(id)).length;

  return (
    <main className="screen" id="main">
      <Heading title={t("compare.title")}>{t("compare.title")}</Heading>
      <p className="basis">{t("compare.line")}</p>
      {!hasTaste(profile) ? (
        <Empty title={t("results.nobody")}>
          <Link href="/" className="button primary">
            {t("results.start")}
          </Link>
        </Empty>
      ) : (
        <>
          {a.items.length > 0 && b.items.length > 0 ? (
            <p className="compare-both" role="status">
              {t("compare.both", { n: both, of: SHOWN })}
            </p>
          ) : null}
          <div className="compare">
            <Side label={t("compare.left")} model={first} models={models} onChange={setLeft} result={a} other={others ?? []} />
            <Side label={t("compare.right")} model={second} models={models} onChange={setRight} result={b} other={ids ?? []} />
          </div>
        </>
      )}
    </main>
  );
}

interface SideProps {
  label: string;
  model: string | null;
  models: string[];
  onChange: (name: string) => void;
  result: ReturnType<typeof useResults>;
  other: number[];
}

function Side({ label, model, models, onChange, result, other }: SideProps) {
  const { t } = useMessages();
  const { titles } = useSettings();
  const { query, items } = result;
  return (
    <section className="compare-side" aria-label={label}>
      <label className="field">
        <span>{label}</span>
        <select value={model ?? ""} onChange={(event) => onChange(event.target.value)}>
          {models.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      {query.isError ? <Trouble error={query.error} /> : null}
      {query.isPending ? <Waiting rows={4} /> : null}
      <ol className="compare-list">
        {items.slice(0, SHOWN).map((item, at) => {
          const there = other.indexOf(item.anime.anime_id);
          const moved = there < 0 ? t("compare.only") : there === at ? "=" : there > at ? `↑ ${there - at}` : `↓ ${at - there}`;
          const words =
            there < 0
              ? t("compare.only.long")
              : there === at
                ? t("compare.same")
                : t(there > at ? "compare.higher" : "compare.lower", { n: Math.abs(there - at) });
          return (
            <li key={item.anime.anime_id} className={there < 0 ? "compare-only" : ""}>
              <span className="compare-rank" aria-hidden="true">
                {at + 1}
              </span>
              <span className="compare-poster">
                <Poster anime={item.anime} />
              </span>
              <span className="compare-text">
                <Link href={`/anime/${item.anime.anime_id}`}>{titleOf(item.anime, titles)}</Link>
                <Facts anime={item.anime} />
              </span>
              <span className="compare-moved" title={words}>
                <span aria-hidden="true">{moved}</span>
                <span className="hidden-text">{words}</span>
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
