/** The list as a link, as text, as JSON. The link holds the profile behind its `#`: no server is told. */
import { Dialog, DialogDismiss, DialogHeading } from "@ariakit/react";
import { Check, Copy, X } from "lucide-react";
import { useId, useState } from "react";
import { copy, download } from "../ui/basics";
import { useMessages } from "../i18n";
import { encodeProfile } from "../state/codec";
import type { Profile } from "../state/profile";
import { titleOf, useSettings } from "../state/settings";
import { type Wishes, encodeWishes } from "../state/wishes";
import type { Shown } from "../ui/card";

interface Props {
  open: boolean;
  onClose: () => void;
  profile: Profile;
  wishes: Wishes;
  items: readonly Shown[];
}

/** The address that shows the same list to anybody who asks the same server. */
export function linkTo(profile: Profile, wishes: Wishes): string {
  const query = encodeWishes(wishes);
  return `${window.location.origin}/results${query ? `?${query}` : ""}#${encodeProfile(profile)}`;
}

export function Share({ open, onClose, profile, wishes, items }: Props) {
  const { t } = useMessages();
  const { titles } = useSettings();
  const [copied, setCopied] = useState<string | null>(null);
  const field = useId();
  const link = open ? linkTo(profile, wishes) : "";
  const lines = () =>
    items.map(({ rank, anime, match }) => {
      const facts = [anime.type, anime.year].filter(Boolean).join(", ");
      return `${rank}. ${titleOf(anime, titles)}${facts ? ` (${facts})` : ""}${match === null ? "" : ` · ${match} %`} · https://myanimelist.net/anime/${anime.anime_id}`;
    });
  const json = () =>
    JSON.stringify(
      items.map(({ rank, anime, match, reasons }) => ({
        rank,
        anime_id: anime.anime_id,
        title: anime.title,
        match,
        because: reasons?.because ?? [],
      })),
      null,
      2,
    );
  const put = async (what: string, text: string) => {
    if (await copy(text)) setCopied(what);
    else download(`anirec.${what === "json" ? "json" : "txt"}`, text, "text/plain");
  };
  const options = [
    { what: "copy", text: () => link },
    { what: "text", text: () => lines().join("\n") },
    { what: "json", text: json },
  ] as const;

  return (
    <Dialog
      open={open}
      onClose={() => {
        setCopied(null);
        onClose();
      }}
      className="dialog"
      backdrop={<div className="backdrop" />}
    >
      <div className="dialog-head">
        <DialogHeading className="dialog-title">{t("share.title")}</DialogHeading>
        <DialogDismiss className="icon-button" aria-label={t("close")}>
          <X size={20} aria-hidden="true" />
        </DialogDismiss>
      </div>
      <p>{t("share.explain")}</p>
      <label className="field" htmlFor={field}>
        <span>{t("share.link")}</span>
        <input id={field} className="share-link" readOnly value={link} onFocus={(event) => event.target.select()} />
      </label>
      <div className="share-options">
        {options.map(({ what, text }) => (
          <button key={what} type="button" className="button" onClick={() => void put(what, text())}>
            {copied === what ? <Check size={16} aria-hidden="true" /> : <Copy size={16} aria-hidden="true" />}
            {t(copied === what ? "share.copied" : `share.${what}`)}
          </button>
        ))}
      </div>
    </Dialog>
  );
}
