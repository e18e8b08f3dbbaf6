/** Saying something about a title: love, like, dislike, seen, not interested. */
import { Menu, MenuButton, MenuItem, MenuProvider } from "@ariakit/react";
import { Eye, EyeOff, Heart, ListChecks, type LucideIcon, ThumbsDown, ThumbsUp, X } from "lucide-react";
import { useMessages } from "../i18n";
import { list, nameOf, useList } from "../state/mine";
import type { Name } from "../state/list";
import { type Entry, MARKS, type Mark, shownMark } from "../state/profile";
import { titleOf, useSettings } from "../state/settings";

export const ICONS: Record<Mark, LucideIcon> = {
  love: Heart,
  like: ThumbsUp,
  dislike: ThumbsDown,
  seen: Eye,
  hidden: EyeOff,
};

type Marked = { anime_id: number } & Name;

/** Returns what marks a title, with the words that the undo strip says of it. */
export function useMark(): (anime: Marked, mark: Mark | null) => void {
  const { t } = useMessages();
  const { titles } = useSettings();
  return (anime, mark) => {
    const title = titleOf(anime, titles);
    const label = mark === null ? t("undo.removed", { title }) : t("undo.marked", { title, mark: t(`mark.${mark}`) });
    list.mark(anime.anime_id, mark, label, nameOf(anime));
  };
}

/** A row of toggles. */
export function MarkBar({ anime, marks = ["love", "like", "dislike", "seen"] }: { anime: Marked; marks?: readonly Mark[] }) {
  const { t } = useMessages();
  const { profile } = useList();
  const mark = useMark();
  const entry = profile[anime.anime_id];
  const now = entry ? shownMark(entry) : null;
  return (
    <div className="markbar" role="group" aria-label={t("mark.group", { title: anime.title })}>
      {marks.map((name) => {
        const Icon = ICONS[name];
        return (
          <button
            key={name}
            type="button"
            className={`markbar-button mark-${name}`}
            aria-pressed={now === name}
            onClick={() => mark(anime, now === name ? null : name)}
          >
            <Icon size={18} aria-hidden="true" />
            <span>{t(`mark.${name}`)}</span>
          </button>
        );
      })}
    </div>
  );
}

/** A title of a list as a chip that says what was said of it, and lets one say something else. */
export function Chip({ id, name, entry }: { id: number; name: Name; entry: Entry }) {
  const { t, known } = useMessages();
  const { titles } = useSettings();
  const mark = useMark();
  const shown = shownMark(entry);
  const Icon = shown ? ICONS[shown] : ListChecks;
  const title = titleOf(name, titles);
  const note =
    entry.mark === undefined
      ? [entry.score === null ? null : `${entry.score}`, entry.status ? known("status", entry.status) : null]
          .filter(Boolean)
          .join(" · ")
      : null;
  return (
    <MenuProvider>
      <MenuButton className={`chip mark-${shown ?? "planned"}`}>
        <Icon size={15} aria-hidden="true" />
        <span className="chip-title">{title}</span>
        <span className="hidden-text">{shown ? t(`mark.${shown}`) : t("status.planned")}</span>
        {note ? <span className="chip-note">{note}</span> : null}
      </MenuButton>
      <Menu className="menu" gutter={6} portal>
        {MARKS.map((name_) => {
          const Option = ICONS[name_];
          return (
            <MenuItem key={name_} className="menu-item" onClick={() => mark({ ...name, anime_id: id }, name_)}>
              <Option size={16} aria-hidden="true" /> {t(`mark.${name_}`)}
            </MenuItem>
          );
        })}
        <MenuItem className="menu-item" onClick={() => mark({ ...name, anime_id: id }, null)}>
          <X size={16} aria-hidden="true" /> {t("mark.remove")}
        </MenuItem>
      </Menu>
    </MenuProvider>
  );
}
