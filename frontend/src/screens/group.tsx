/** Several people, one evening: who they are, and picks that suit them together. */
import { Plus, UserRound, X } from "lucide-react";
import { useState } from "react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { type ImportedList, type Strategy, api, got, importFile } from "../api/client";
import { useMessages } from "../i18n";
import { useList } from "../state/mine";
import { type Entry, type Profile, hasTaste, idsOf, tasteOf } from "../state/profile";
import { Empty, Endless, Heading, Trouble, Waiting } from "../ui/basics";
import { Card } from "../ui/card";
import { FileButton } from "../ui/drop";
import { TitleBox } from "../ui/title-box";

const STRATEGIES: readonly Strategy[] = ["fairness", "average", "least-misery"];
const MOST = 16;

interface Member {
  key: number;
  name: string;
  profile: Profile;
  titles: Readonly<Record<number, string>>;
}

export default function Group() {
  const { t } = useMessages();
  const mine = useList();
  const [next, setNext] = useState(3);
  const [members, setMembers] = useState<Member[]>(() => [
    { key: 1, name: t("group.me"), profile: mine.profile, titles: titlesOf(mine.names) },
    { key: 2, name: t("group.person", { n: 2 }), profile: {}, titles: {} },
  ]);
  const [strategy, setStrategy] = useState<Strategy>("fairness");
  const change = (key: number, part: Partial<Member>) =>
    setMembers((before) => before.map((one) => (one.key === key ? { ...one, ...part } : one)));
  const ready = members.filter((member) => hasTaste(member.profile));

  return (
    <main className="screen" id="main">
      <Heading title={t("group.title")}>{t("group.title")}</Heading>
      <p className="basis">{t("group.line")}</p>
      <div className="group">
        {members.map((member) => (
          <Person
            key={member.key}
            member={member}
            onChange={(part) => change(member.key, part)}
            onRemove={members.length > 2 ? () => setMembers(members.filter((one) => one !== member)) : null}
          />
        ))}
        {members.length < MOST ? (
          <button
            type="button"
            className="person person-add"
            onClick={() => {
              setMembers([...members, { key: next, name: t("group.person", { n: members.length + 1 }), profile: {}, titles: {} }]);
              setNext(next + 1);
            }}
          >
            <Plus size={22} aria-hidden="true" /> {t("group.add")}
          </button>
        ) : null}
      </div>
      <fieldset className="strategies">
        <legend>{t("group.strategy")}</legend>
        {STRATEGIES.map((name) => (
          <label key={name} className="strategy">
            <input type="radio" name="strategy" checked={strategy === name} onChange={() => setStrategy(name)} />
            <span>
              <b>{t(`group.${name}`)}</b>
              <span className="hint">{t(`group.${name}.hint`)}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {ready.length < 2 ? <Empty title={t("group.two")} /> : <Picks members={ready} strategy={strategy} />}
    </main>
  );
}

function titlesOf(names: Readonly<Record<number, { title: string }>>): Record<number, string> {
  return Object.fromEntries(Object.entries(names).map(([id, name]) => [id, name.title]));
}

function Person({ member, onChange, onRemove }: { member: Member; onChange: (part: Partial<Member>) => void; onRemove: (() => void) | null }) {
  const { t } = useMessages();
  const [error, setError] = useState<unknown>(null);
  const ids = idsOf(member.profile);
  const read = async (file: File) => {
    setError(null);
    try {
      onChange(ofImport(await importFile(file)));
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <section className="person" aria-label={member.name}>
      <div className="person-head">
        <UserRound size={20} aria-hidden="true" />
        <input
          className="person-name"
          aria-label={t("group.name")}
          value={member.name}
          maxLength={60}
          onChange={(event) => onChange({ name: event.target.value })}
        />
        {onRemove ? (
          <button type="button" className="icon-button" onClick={onRemove} aria-label={t("group.remove", { name: member.name })}>
            <X size={18} aria-hidden="true" />
          </button>
        ) : null}
      </div>
      <TitleBox
        label={t("group.likes", { name: member.name })}
        placeholder={t("list.add")}
        onPick={(title) =>
          onChange({
            profile: { ...member.profile, [title.anime_id]: { mark: "like" } },
            titles: { ...member.titles, [title.anime_id]: title.title },
          })
        }
      />
      <ul className="person-titles">
        {ids.slice(0, 8).map((id) => (
          <li key={id}>
            <button
              type="button"
              className="chip"
              onClick={() => {
                const { [id]: gone, ...rest } = member.profile;
                void gone;
                onChange({ profile: rest });
              }}
            >
              <span className="chip-title">{member.titles[id] ?? `#${id}`}</span>
              <X size={14} aria-hidden="true" />
              <span className="hidden-text">{t("mark.remove")}</span>
            </button>
          </li>
        ))}
        {ids.length > 8 ? <li className="hint">{t("results.more_titles", { n: ids.length - 8 })}</li> : null}
      </ul>
      <FileButton className="quiet" onFile={(file) => void read(file)} />
      {error ? <Trouble error={error} /> : null}
    </section>
  );
}

function ofImport(read: ImportedList): Partial<Member> {
  const profile: Record<number, Entry> = {};
  for (const entry of read.entries) profile[entry.anime_id] = { score: entry.score ?? null, status: entry.status ?? null };
  return { profile, titles: Object.fromEntries(Object.values(read.titles).map((card) => [card.anime_id, card.title])) };
}

function Picks({ members, strategy }: { members: Member[]; strategy: Strategy }) {
  const { t } = useMessages();
  const asked = members.map(({ name, profile }) => ({ name: name.trim() || null, ...tasteOf(profile) }));
  const query = useInfiniteQuery({
    queryKey: ["group", asked, strategy],
    initialPageParam: 0,
    getNextPageParam: (last: { next_offset: number | null }) => last.next_offset,
    queryFn: ({ pageParam, signal }) =>
      got(api.POST("/api/v1/groups/recommendations", { body: { members: asked, strategy, k: 12, offset: pageParam }, signal })),
  });
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className="section" aria-labelledby="picks">
      <h2 id="picks">{t("group.picks")}</h2>
      {query.isError ? <Trouble error={query.error} onRetry={() => void query.refetch()} /> : null}
      {query.isPending ? <Waiting /> : null}
      <div className="cards">
        {items.map((item) => (
          <Card key={item.anime.anime_id} item={item} actions={false} />
        ))}
      </div>
      <Endless more={query.hasNextPage} busy={query.isFetching} onMore={() => void query.fetchNextPage()} />
    </section>
  );
}
