/** What to do where a search finds nothing or fails: titles that the text comes near, other words, other ways. */
import { Link } from "wouter";
import { useExamples, useTitles } from "../api/queries";
import { useMessages } from "../i18n";
import { Poster } from "./poster";

const TITLES = 4;
const EXAMPLES = 3;

interface Props {
  q: string;
  /** Whether the bundle has something to search in. */
  canSearch: boolean;
  onAsk: (q: string) => void;
}

export function WaysOn({ q, canSearch, onAsk }: Props) {
  const { t, known } = useMessages();
  const titles = useTitles(q).data?.items.slice(0, TITLES) ?? [];
  const examples = (useExamples().data?.queries ?? []).filter((one) => one !== q).slice(0, EXAMPLES);
  return (
    <section className="ways" aria-label={t("ways.title")}>
      {titles.length > 0 ? (
        <>
          <h2>{t("ways.titles")}</h2>
          <ul className="ways-titles">
            {titles.map((title) => (
              <li key={title.anime_id}>
                <Link href={`/anime/${title.anime_id}`}>
                  <span className="titlebox-poster">
                    <Poster anime={title} />
                  </span>
                  <span className="titlebox-text">
                    <span className="titlebox-title">{title.title}</span>
                    <span className="titlebox-matched">
                      {[title.type ? known("type", title.type) : null, title.year].filter(Boolean).join(" · ")}
                    </span>
                  </span>
                </Link>
              </li>
            ))}
          </ul>
        </>
      ) : null}
      {canSearch ? (
        <>
          <p>{t("ways.words")}</p>
          <h2>{t("ways.examples")}</h2>
          <div className="ways-examples">
            {examples.map((query) => (
              <button key={query} type="button" className="example" onClick={() => onAsk(query)}>
                {query}
              </button>
            ))}
          </div>
        </>
      ) : (
        <>
          <p>{t("ways.without")}</p>
          <Link href="/" className="button primary">
            {t("ways.pick")}
          </Link>
        </>
      )}
    </section>
  );
}
