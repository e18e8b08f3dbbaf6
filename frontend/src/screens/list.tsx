/** My list: what I said, what an import brought; to change, take with me, or throw away. It never leaves the browser. */
import { Dialog, DialogDismiss, DialogHeading } from "@ariakit/react";
import { Download, Trash2 } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { useCards } from "../api/queries";
import { type Key, useMessages } from "../i18n";
import type { ImportSummary, Name } from "../state/list";
import { list, nameOf, useList } from "../state/mine";
import { MARKS, type Mark, idsOf, shownMark } from "../state/profile";
import { titleOf, useSettings } from "../state/settings";
import { Empty, Heading, Trouble, download } from "../ui/basics";
import { FileButton, useDrop } from "../ui/drop";
import { useImport } from "../ui/importing";
import { Chip, useMark } from "../ui/marks";
import { TitleBox, asMarked } from "../ui/title-box";

const GROUPS = [...MARKS, "planned"] as const;
const SHOWN = 60; // chips of a group before "all"

export function List() {
  const { t } = useMessages();
  const [, navigate] = useLocation();
  const { profile, names, imported } = useList();
  const mark = useMark();
  const reading = useImport(() => undefined);
  useDrop(reading.file);
  const [asking, setAsking] = useState(false);
  const ids = useMemo(() => idsOf(profile), [profile]);
  const unnamed = useMemo(() => ids.filter((id) => !names[id]), [ids, names]);
  const cards = useCards(unnamed).data;
  useEffect(() => {
    const fresh = (cards ?? []).filter((card) => !list.store.get().names[card.anime_id]);
    if (fresh.length > 0) list.learn(Object.fromEntries(fresh.map((card) => [card.anime_id, nameOf(card)])));
  }, [cards]);

  const groups = new Map<Mark | "planned", number[]>(GROUPS.map((name) => [name, []]));
  for (const id of ids) {
    const entry = profile[id];
    if (entry) groups.get(shownMark(entry) ?? "planned")?.push(id);
  }

  return (
    <main className="screen narrow" id="main">
      <div className="results-head">
        <div>
          <Heading title={t("list.title")}>{t("list.title")}</Heading>
          <p className="basis">{t("list.line", { n: ids.length })}</p>
        </div>
        <div className="results-tools">
          {ids.length > 0 ? (
            <>
              <button
                type="button"
                className="button"
                onClick={() => download("anirec-list.json", JSON.stringify(exported(ids, profile, names), null, 1))}
              >
                <Download size={18} aria-hidden="true" /> {t("list.export")}
              </button>
              <button type="button" className="button" onClick={() => setAsking(true)}>
                <Trash2 size={18} aria-hidden="true" /> {t("list.delete")}
              </button>
            </>
          ) : null}
        </div>
      </div>
      <div className="list-add">
        <TitleBox label={t("list.add")} placeholder={t("list.add")} onPick={(title) => mark(asMarked(title), "like")} />
        <FileButton onFile={reading.file} />
      </div>
      {reading.busy ? <p role="status">{t("start.reading")}</p> : null}
      {reading.error ? <Trouble error={reading.error} /> : null}
      {imported ? <Imported summary={imported} /> : null}
      {ids.length === 0 ? (
        <Empty title={t("list.empty")}>
          <p>{t("list.empty.hint")}</p>
        </Empty>
      ) : (
        <Link href="/results" className="button primary">
          {t("start.go")}
        </Link>
      )}
      {GROUPS.map((name) => (
        <Group key={name} title={name === "planned" ? "status.planned" : `mark.${name}`} ids={groups.get(name) ?? []} />
      ))}
      <Dialog open={asking} onClose={() => setAsking(false)} className="dialog" backdrop={<div className="backdrop" />}>
        <DialogHeading className="dialog-title">{t("list.delete.title")}</DialogHeading>
        <p>{t("list.delete.explain")}</p>
        <div className="share-options">
          <DialogDismiss className="button">{t("list.delete.keep")}</DialogDismiss>
          <button
            type="button"
            className="button danger"
            onClick={() => {
              list.clear();
              if ("caches" in window) void caches.delete("answers");
              setAsking(false);
              navigate("/");
            }}
          >
            {t("list.delete.sure")}
          </button>
        </div>
      </Dialog>
    </main>
  );
}

function Group({ title, ids }: { title: Key; ids: number[] }) {
  const { t } = useMessages();
  const { profile, names } = useList();
  const { titles } = useSettings();
  const [all, setAll] = useState(false);
  if (ids.length === 0) return null;
  const sorted = ids
    .map((id) => ({ id, name: names[id] ?? placeholder(id), entry: profile[id] }))
    .sort((a, b) => titleOf(a.name, titles).localeCompare(titleOf(b.name, titles)));
  return (
    <section className="list-group">
      <h2>
        {t(title)} <span className="count">{ids.length}</span>
      </h2>
      <div className="chips">
        {(all ? sorted : sorted.slice(0, SHOWN)).map(({ id, name, entry }) =>
          entry ? <Chip key={id} id={id} name={name} entry={entry} /> : null,
        )}
        {!all && sorted.length > SHOWN ? (
          <button type="button" className="button" onClick={() => setAll(true)}>
            {t("list.all", { n: sorted.length })}
          </button>
        ) : null}
      </div>
    </section>
  );
}

function placeholder(id: number): Name {
  return { title: `#${id}`, title_english: null, title_japanese: null, image_url: null, year: null, type: null, genres: [] };
}

function Imported({ summary }: { summary: ImportSummary }) {
  const { t } = useMessages();
  return (
    <section className="note imported" aria-label={t("import.title")}>
      <p>
        <b>{t("import.found", { n: summary.found })}</b>
        {summary.unknown_count > 0 ? <> · {t("import.unknown", { n: summary.unknown_count })}</> : null}
        {summary.adult_hidden > 0 ? <> · {t("import.adult", { n: summary.adult_hidden })}</> : null}
      </p>
      {summary.unknown.length > 0 ? (
        <details>
          <summary>{t("import.which")}</summary>
          <ul>
            {summary.unknown.map((row, at) => (
              <li key={at}>
                {row.title} <span className="soft">{row.reason}</span>
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </section>
  );
}

/** The list as a file that `anirec` reads, too. */
function exported(ids: number[], profile: ReturnType<typeof useList>["profile"], names: ReturnType<typeof useList>["names"]) {
  return ids.map((id) => {
    const entry = profile[id];
    const mark = entry?.mark;
    const score = entry?.mark === undefined ? (entry?.score ?? null) : mark === "love" ? 10 : mark === "like" ? 8 : mark === "dislike" ? 3 : null;
    const status = entry?.mark === undefined ? (entry?.status ?? null) : mark === "hidden" ? null : "completed";
    return { anime_id: id, title: names[id]?.title ?? null, score, status, mark: mark ?? null };
  });
}
