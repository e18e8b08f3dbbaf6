/** The model card: what the bundle was made from, how good it was found to be, what it cannot do. */
import Markdown from "react-markdown";
import remarkGfm from "remark-gfm";
import { useModel } from "../api/queries";
import { useMessages } from "../i18n";
import { Heading, Trouble, Waiting } from "../ui/basics";

export default function Model() {
  const { t, language, known } = useMessages();
  const { data, error, isPending, refetch } = useModel();
  const created = data?.created ? new Date(data.created) : null;
  return (
    <main className="screen narrow" id="main">
      <Heading title={t("model.title")}>{t("model.title")}</Heading>
      <p className="basis">{t("model.line")}</p>
      {isPending ? <Waiting rows={2} /> : null}
      {error ? <Trouble error={error} onRetry={() => void refetch()} /> : null}
      {data ? (
        <>
          <dl className="model-facts">
            <div>
              <dt>{t("model.name")}</dt>
              <dd>{data.name}</dd>
            </div>
            <div>
              <dt>{t("model.default")}</dt>
              <dd>{data.default_model}</dd>
            </div>
            {created && !Number.isNaN(created.getTime()) ? (
              <div>
                <dt>{t("model.created")}</dt>
                <dd>{created.toLocaleDateString(language, { dateStyle: "long" })}</dd>
              </div>
            ) : null}
            <div>
              <dt>{t("model.models")}</dt>
              <dd>{data.models.join(", ")}</dd>
            </div>
            <div>
              <dt>{t("model.lenses")}</dt>
              <dd>{data.lenses.map((name) => known("lens", name)).join(", ")}</dd>
            </div>
          </dl>
          <article className="markdown" lang="en">
            <Markdown
              remarkPlugins={[remarkGfm]}
              components={{
                h1: () => null, // the page has one
                img: ({ alt }) => <>{alt}</>,
                table: ({ children }) => (
                  // a wide table is scrolled by keyboard, too
                  // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
                  <div className="table-scroll" tabIndex={0} role="region" aria-label={t("model.table")}>
                    <table>{children}</table>
                  </div>
                ),
                a: ({ href, children }) => (
                  <a href={href} rel="noopener noreferrer" target="_blank">
                    {children}
                  </a>
                ),
              }}
            >
              {data.card_markdown}
            </Markdown>
          </article>
        </>
      ) : null}
    </main>
  );
}
