import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/client";
import { App } from "./app";
import { list } from "./state/mine";
import { settings } from "./state/settings";
import "@fontsource-variable/bricolage-grotesque/wght.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/screens.css";
import "./styles/map.css";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5 * 60_000, // a bundle does not change while it is served
      gcTime: 30 * 60_000,
      refetchOnWindowFocus: false,
      networkMode: "always", // the service worker answers without a network
      retry: (failures, error) => failures < 2 && error instanceof ApiError && (error.status === 429 || error.status >= 502),
    },
  },
});

window.addEventListener("storage", (event) => {
  list.store.reload(event.key);
  settings.reload(event.key);
});

if ("serviceWorker" in navigator && import.meta.env.PROD) {
  window.addEventListener("load", () => {
    const workers = navigator.serviceWorker;
    workers
      .register("/sw.js")
      .then(() => workers.ready)
      .then((registered) => {
        if (!workers.controller) registered.active?.postMessage("claim"); // opened while the worker was coming to life
      })
      .catch(() => {
        // a private window, or not over https: the page works, but not without a network
      });
  });
}

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
}
