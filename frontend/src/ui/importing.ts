/** Reading a list into mine, with what is waited for and what went wrong. */
import { useState } from "react";
import { importFile, importUser } from "../api/client";
import { useMessages } from "../i18n";
import { takeImport } from "../state/mine";

export function useImport(onDone: () => void) {
  const { t } = useMessages();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const take = async (reading: ReturnType<typeof importFile>) => {
    setBusy(true);
    setError(null);
    try {
      const read = await reading;
      takeImport(read, t("undo.imported", { n: read.found }));
      onDone();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return {
    busy,
    error,
    file: (file: File) => void take(importFile(file)),
    user: (site: "myanimelist" | "anilist", user: string) => void take(importUser(site, user)),
  };
}
