/** Small things that every screen needs: waiting, problems, facts in a line, endless lists. */
import { type ReactNode, useEffect, useRef } from "react";
import { ApiError, type AnimeCard } from "../api/client";
import { useMessages } from "../i18n";

/** Sets the tab's title, and puts the keyboard's and the screen reader's place on the heading of a new screen. */
export function Heading({ children, title }: { children: ReactNode; title: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · anirec`;
  }, [title]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}

export function Waiting({ rows = 6 }: { rows?: number }) {
  const { t } = useMessages();
  return (
    <div className="cards" role="status" aria-label={t("waiting")}>
      {Array.from({ length: rows }, (_, at) => (
        <div key={at} className="card skeleton" aria-hidden="true" />
      ))}
    </div>
  );
}

/** What went wrong, in the server's words where it has some. */
export function Trouble({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useMessages();
  const problem = error instanceof ApiError ? error.problem : null;
  const offline = error instanceof ApiError && error.status === 0;
  return (
    <div className="note trouble" role="alert">
      <p>{problem?.detail ?? t(offline ? "problem.offline" : "problem.unknown")}</p>
      {onRetry ? (
        <button type="button" className="button" onClick={onRetry}>
          {t("problem.retry")}
        </button>
      ) : null}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="note empty">
      <p className="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** "TV · 2009 · 64 × 24 min · ★ 9.1" */
export function Facts({ anime }: { anime: AnimeCard }) {
  const { t, known } = useMessages();
  const length =
    anime.episodes && anime.episodes > 1
      ? anime.minutes
        ? t("facts.length", { episodes: anime.episodes, minutes: anime.minutes })
        : t("facts.episodes", { n: anime.episodes })
      : anime.minutes
        ? t("facts.minutes", { minutes: anime.minutes })
        : null;
  const facts = [anime.type ? known("type", anime.type) : null, anime.year ? String(anime.year) : null, length].filter(Boolean);
  return (
    <p className="facts">
      {facts.join(" · ")}
      {anime.score ? (
        <span className="facts-score" title={t("facts.score")}>
          <span aria-hidden="true">★</span> <span className="hidden-text">{t("facts.score")}</span> {anime.score.toFixed(1)}
        </span>
      ) : null}
    </p>
  );
}

/** Asks for more when the end comes into sight; the button is for keyboards, and for where nothing scrolls. */
export function Endless({ more, busy, onMore }: { more: boolean; busy: boolean; onMore: () => void }) {
  const { t } = useMessages();
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const mark = end.current;
    if (!mark || !more || busy) return;
    const watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && onMore(), {
      rootMargin: "600px",
    });
    watcher.observe(mark);
    return () => watcher.disconnect();
  }, [more, busy, onMore]);
  if (!more) return null;
  return (
    <div ref={end} className="endless">
      <button type="button" className="button" onClick={onMore} disabled={busy}>
        {t(busy ? "waiting" : "results.more")}
      </button>
    </div>
  );
}

/** Copies a text; false where the browser does not let us. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // not allowed, or not over https
  }
}

/** Hands a text to the browser as a file. */
export function download(name: string, text: string, type = "application/json"): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
