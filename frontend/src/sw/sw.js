// Keeps the page and what was asked for before, so that both are there without a network.
// VERSION and SHELL are written above this by the build. Nothing leaves the browser.

const SHELL_CACHE = `shell-${VERSION}`;
const ANSWERS = "answers"; // emptied by the page when the list is deleted
const MOST_ANSWERS = 400;
const KEPT_POSTS = [
  "/api/v1/recommendations",
  "/api/v1/search",
  "/api/v1/groups/recommendations",
  "/api/v1/titles/cards",
  "/api/v1/seasons/",
];

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(SHELL_CACHE)
      .then((cache) => cache.addAll(SHELL))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((n) => n.startsWith("shell-") && n !== SHELL_CACHE).map((n) => caches.delete(n))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("message", (event) => {
  if (event.data === "claim") event.waitUntil(self.clients.claim());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== self.location.origin) return;
  const { request } = event;
  if (request.mode === "navigate") event.respondWith(pageOf(request));
  else if (url.pathname.startsWith("/api/v1/")) {
    if (request.method === "GET" || KEPT_POSTS.some((path) => url.pathname.startsWith(path))) {
      event.respondWith(answerOf(request));
    }
  } else if (request.method === "GET") event.respondWith(fileOf(request));
});

async function pageOf(request) {
  try {
    return await fetch(request); // its head is written on the server
  } catch (error) {
    const kept = await caches.match("/");
    if (kept) return kept;
    throw error;
  }
}

async function fileOf(request) {
  return (await caches.match(request, { ignoreVary: true })) || fetch(request);
}

async function answerOf(request) {
  const key = await keyOf(request);
  try {
    const answer = await fetch(request);
    if (answer.ok) {
      const cache = await caches.open(ANSWERS);
      await cache.put(key, answer.clone());
      const kept = await cache.keys(); // in the order in which they came
      await Promise.all(kept.slice(0, Math.max(0, kept.length - MOST_ANSWERS)).map((old) => cache.delete(old)));
    }
    return answer;
  } catch (error) {
    const kept = await (await caches.open(ANSWERS)).match(key, { ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
}

// The cache knows only GET: a POST is kept under an address that has its body's hash.
async function keyOf(request) {
  if (request.method === "GET") return request.url;
  const body = await request.clone().arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return `${request.url}?body=${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
