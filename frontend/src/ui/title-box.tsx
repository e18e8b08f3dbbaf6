/** A box that completes titles; what else a text may mean stands below them. */
import { Combobox, ComboboxGroup, ComboboxGroupLabel, ComboboxItem, ComboboxPopover, ComboboxProvider } from "@ariakit/react";
import type { LucideIcon } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { TitleItem } from "../api/client";
import { useTitles } from "../api/queries";
import { useMessages } from "../i18n";
import { Poster } from "./poster";

export interface Meaning {
  key: string;
  icon: LucideIcon;
  text: string;
  onPick: () => void;
}

interface Props {
  label: string;
  placeholder: string;
  onPick: (title: TitleItem) => void;
  /** What else the text may mean. */
  meanings?: (text: string) => Meaning[];
  /** Enter without a choice. Returns whether the box is to be emptied. */
  onEnter?: (text: string, titles: TitleItem[]) => boolean;
  children?: ReactNode;
  className?: string;
}

export function TitleBox({ label, placeholder, onPick, meanings, onEnter, children, className = "" }: Props) {
  const { t, known } = useMessages();
  const [text, setText] = useState("");
  const { data } = useTitles(text);
  const titles = text.trim() ? (data?.items ?? []) : [];
  const others = text.trim() ? (meanings?.(text.trim()) ?? []) : [];
  const [open, setOpen] = useState(false);

  const done = () => {
    setText("");
    setOpen(false);
  };

  return (
    <ComboboxProvider value={text} setValue={setText} open={open && text.trim() !== ""} setOpen={setOpen} resetValueOnHide={false}>
      <div className={`titlebox ${className}`}>
        {children}
        <Combobox
          className="titlebox-input"
          aria-label={label}
          placeholder={placeholder}
          autoComplete="list"
          spellCheck={false}
          onKeyDown={(event) => {
            // with no choice made the text itself is meant; Ariakit handles Enter on a choice
            if (event.key !== "Enter" || event.currentTarget.getAttribute("aria-activedescendant")) return;
            if (event.nativeEvent.isComposing || !text.trim()) return;
            if (onEnter?.(text.trim(), titles)) done();
            else if (!onEnter && titles[0]) {
              onPick(titles[0]);
              done();
            }
          }}
        />
      </div>
      <ComboboxPopover className="popover titlebox-list" gutter={8} sameWidth portal>
        {titles.length > 0 ? (
          <ComboboxGroup>
            <ComboboxGroupLabel className="popover-label">{t("box.titles")}</ComboboxGroupLabel>
            {titles.map((title) => (
              <ComboboxItem
                key={title.anime_id}
                className="titlebox-item"
                value={title.title}
                setValueOnClick={false}
                onClick={() => {
                  onPick(title);
                  done();
                }}
              >
                <span className="titlebox-poster">
                  <Poster anime={title} />
                </span>
                <span className="titlebox-text">
                  <span className="titlebox-title">{title.title}</span>
                  {title.matched !== title.title ? <span className="titlebox-matched">{title.matched}</span> : null}
                </span>
                <span className="titlebox-facts">
                  {[title.type ? known("type", title.type) : null, title.year].filter(Boolean).join(" · ")}
                </span>
              </ComboboxItem>
            ))}
          </ComboboxGroup>
        ) : null}
        {others.length > 0 ? (
          <ComboboxGroup className="titlebox-others">
            {others.map(({ key, icon: Icon, text: words, onPick: pick }) => (
              <ComboboxItem
                key={key}
                className="titlebox-item"
                value={key}
                setValueOnClick={false}
                onClick={() => {
                  pick();
                  done();
                }}
              >
                <Icon size={18} aria-hidden="true" />
                <span className="titlebox-text">{words}</span>
              </ComboboxItem>
            ))}
          </ComboboxGroup>
        ) : null}
        {titles.length === 0 && others.length === 0 ? <p className="popover-label">{t("box.nothing")}</p> : null}
      </ComboboxPopover>
    </ComboboxProvider>
  );
}

/** What the facts of a completion are, as far as they go. */
export function asMarked(title: TitleItem) {
  return {
    anime_id: title.anime_id,
    title: title.title,
    title_english: null,
    title_japanese: null,
    image_url: title.image_url,
    year: title.year,
    type: title.type,
    genres: [],
  };
}
