/** The strip that says what was just done, with a way back (also Ctrl+Z). */
import { Undo2 } from "lucide-react";
import { useEffect, useState } from "react";
import { useMessages } from "../i18n";
import { list } from "../state/mine";

const SHOWN_MS = 20_000; // long enough for whoever reads slowly

export function UndoStrip() {
  const { t } = useMessages();
  const [label, setLabel] = useState<string | null>(null);

  useEffect(() => list.watch(setLabel), []);

  useEffect(() => {
    if (label === null) return;
    const timer = setTimeout(() => setLabel(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [label]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
      if (!typing && (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") {
        if (list.undo()) event.preventDefault();
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);

  return (
    <div className="undo" role="status">
      {label === null ? null : (
        <div className="undo-strip">
          <span className="undo-label">{label}</span>
          <button type="button" className="undo-button" onClick={() => list.undo()}>
            <Undo2 size={16} aria-hidden="true" /> {t("undo.undo")}
          </button>
        </div>
      )}
    </div>
  );
}
