import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Writes `sw.js` with the names of all built files, so that the page opens without a network after one visit. */
function serviceWorker(): Plugin {
  return {
    name: "service-worker",
    apply: "build",
    generateBundle(_options, bundle) {
      const files = Object.keys(bundle)
        .filter((name) => /\.(js|css|woff2)$/.test(name))
        .sort();
      const shell = ["/", "/theme.js", "/favicon.svg", "/manifest.webmanifest", ...files.map((name) => `/${name}`)];
      const source = readFileSync(new URL("src/sw/sw.js", import.meta.url), "utf8");
      const version = createHash("sha256").update(source).update(shell.join()).digest("hex").slice(0, 12);
      const head = `const VERSION = ${JSON.stringify(version)};\nconst SHELL = ${JSON.stringify(shell)};\n`;
      this.emitFile({ type: "asset", fileName: "sw.js", source: head + source });
    },
  };
}

export default defineConfig({
  plugins: [react(), serviceWorker()],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false }, // it would be an inline script
    assetsInlineLimit: 0, // nor data: fonts
    license: { fileName: "assets/licences.md" },
    chunkSizeWarningLimit: 900, // the map's WebGL library, loaded when the map is opened
  },
  server: { proxy: { "/api": "http://127.0.0.1:8000" } },
  test: { include: ["tests/**/*.test.ts"] },
} as Parameters<typeof defineConfig>[0]);
