/** The typed client of the API; its types are made from `openapi.json`. */
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];
export type AnimeCard = Schemas["AnimeCard"];
export type AnimeFull = Schemas["AnimeFull"];
export type RecommendationItem = Schemas["RecommendationItem"];
export type GroupItem = Schemas["GroupItem"];
export type SearchItem = Schemas["SearchItem"];
export type SimilarItem = Schemas["SimilarItem"];
export type WatchItem = Schemas["WatchItem"];
export type TitleItem = Schemas["TitleItem"];
export type ImportedList = Schemas["ImportedList"];
export type ModelAbout = Schemas["ModelAbout"];
export type Genres = Schemas["Genres"];
export type MapAbout = Schemas["MapAbout"];
export type Problem = Schemas["Problem"];
export type Strategy = Schemas["GroupRequest"]["strategy"] & string;

export const api = createClient<paths>({ baseUrl: "" });

/** An answer that is none. problem: what the server said; null where it could not be reached. */
export class ApiError extends Error {
  constructor(
    readonly problem: Problem | null,
    readonly status: number,
  ) {
    super(problem?.detail ?? `no answer (${status})`);
  }
}

/** The data of an answer; throws `ApiError` where it is an error. */
export async function got<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let answer: { data?: T; error?: unknown; response: Response };
  try {
    answer = await asked;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(null, 0); // no network, and not asked before
  }
  if (answer.data !== undefined) return answer.data;
  const problem = answer.error as Problem | undefined;
  throw new ApiError(problem && typeof problem.detail === "string" ? problem : null, answer.response.status);
}

/** Reads a list's file; the server forgets it at once. */
export function importFile(file: File): Promise<ImportedList> {
  const form = new FormData();
  form.append("file", file);
  return got(
    api.POST("/api/v1/lists/import", {
      body: form as unknown as { file: string },
      bodySerializer: (body) => body as unknown as FormData,
    }),
  );
}

/** Reads the public list of a user of a site. */
export function importUser(site: "myanimelist" | "anilist", user: string): Promise<ImportedList> {
  return got(api.POST("/api/v1/lists/import", { body: { site, user } }));
}
