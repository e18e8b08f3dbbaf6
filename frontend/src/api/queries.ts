/** What the screens ask, and what is kept of the answers while the page is open. */
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { Season } from "../state/browsing";
import { type Profile, tasteOf, toHide } from "../state/profile";
import { type Filters, type Wishes, cleanFilters } from "../state/wishes";
import { type AnimeCard, type RecommendationItem, type SearchItem, api, got } from "./client";

/** One result, whichever way it was asked for: a recommendation has reasons, what answers a mood has evidence. */
export interface ResultItem {
  rank: number;
  anime: AnimeCard;
  score: number;
  match: number | null;
  predicted_score: number | null;
  reasons: RecommendationItem["reasons"] | null;
  evidence: SearchItem["evidence"] | null;
}

interface ResultPage {
  items: ResultItem[];
  next_offset: number | null;
  model: string | null;
  /** Titles that a mood names, to be resembled. */
  like: AnimeCard[];
  /** The store of vectors did not answer: only words and labels counted. */
  wordsAlone: boolean;
}

const PAGE = 24;
const MOST = 100; // titles that one request may ask for

/** How many to ask for first: as many as were shown, so that a list that is asked anew does not jump. */
function firstPage(shown: number): number {
  return Math.min(MOST, Math.max(PAGE, Math.ceil(shown / PAGE) * PAGE));
}

/** An endless list of recommendations, or of what answers `wishes.q`. */
export function useResults(profile: Profile, wishes: Wishes, enabled = true) {
  const shown = useRef(0);
  const taste = tasteOf(profile);
  const filters = cleanFilters(wishes.filters);
  const query = useInfiniteQuery({
    queryKey: ["results", taste, wishes],
    enabled,
    initialPageParam: 0,
    placeholderData: keepPreviousData,
    getNextPageParam: (last: { next_offset: number | null }) => last.next_offset,
    queryFn: async ({ pageParam, signal }): Promise<ResultPage> => {
      const k = pageParam === 0 ? firstPage(shown.current) : PAGE;
      const common = { k, offset: pageParam, franchise: wishes.franchise, popularity: wishes.popularity, filters };
      if (wishes.q !== null) {
        const known = wishes.mine ? taste : { seen: wishes.hide ? toHide(profile) : [] };
        const found = await got(api.POST("/api/v1/search", { body: { ...common, ...known, q: wishes.q }, signal }));
        const items = found.items.map((item) => ({ ...item, reasons: null, predicted_score: null }));
        return { items, next_offset: found.next_offset, model: null, like: found.like, wordsAlone: found.without_vectors };
      }
      const weights = wishes.model === null && Object.keys(wishes.weights).length > 0 ? wishes.weights : null;
      const body = { ...common, ...taste, use_dislikes: wishes.dislikes, model: wishes.model, weights };
      const found = await got(api.POST("/api/v1/recommendations", { body, signal }));
      const items = found.items.map((item) => ({ ...item, evidence: null }));
      return { items, next_offset: found.next_offset, model: found.model, like: [], wordsAlone: false };
    },
  });
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  useEffect(() => {
    shown.current = items.length;
  });
  const first = query.data?.pages[0];
  return { query, items, like: first?.like ?? [], wordsAlone: first?.wordsAlone ?? false };
}

export function useTitles(text: string) {
  const q = text.trim();
  return useQuery({
    queryKey: ["titles", q],
    enabled: q.length > 0,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => got(api.GET("/api/v1/titles", { params: { query: { q, k: 8 } }, signal })),
  });
}

export function useAnime(id: number) {
  return useQuery({
    queryKey: ["anime", id],
    queryFn: ({ signal }) => got(api.GET("/api/v1/anime/{anime_id}", { params: { path: { anime_id: id } }, signal })),
  });
}

export function useWatchOrder(id: number) {
  return useQuery({
    queryKey: ["watch-order", id],
    queryFn: ({ signal }) =>
      got(api.GET("/api/v1/anime/{anime_id}/watch-order", { params: { path: { anime_id: id } }, signal })),
  });
}

export function useSimilar(id: number, by: string, opposite: boolean, enabled: boolean) {
  return useInfiniteQuery({
    queryKey: ["similar", id, by, opposite],
    enabled,
    initialPageParam: 0,
    getNextPageParam: (last: { next_offset: number | null }) => last.next_offset,
    queryFn: ({ pageParam, signal }) =>
      got(
        api.GET("/api/v1/anime/{anime_id}/similar", {
          params: { path: { anime_id: id }, query: { by, opposite, k: 12, offset: pageParam } },
          signal,
        }),
      ),
  });
}

export function useNeighbours(id: number | null) {
  return useQuery({
    queryKey: ["neighbours", id],
    enabled: id !== null,
    queryFn: ({ signal }) =>
      got(api.GET("/api/v1/map/neighbours/{anime_id}", { params: { path: { anime_id: id ?? 0 } }, signal })),
  });
}

const FOREVER = { staleTime: Number.POSITIVE_INFINITY };

export function useGenres() {
  return useQuery({ queryKey: ["genres"], ...FOREVER, queryFn: () => got(api.GET("/api/v1/genres")) });
}

export function useModel() {
  return useQuery({ queryKey: ["model"], ...FOREVER, queryFn: () => got(api.GET("/api/v1/model")) });
}

export function useExamples() {
  return useQuery({ queryKey: ["examples"], ...FOREVER, queryFn: () => got(api.GET("/api/v1/examples")) });
}

/** What to look through without saying anything of oneself; a season may be put in the order of a taste. */
export type View =
  | { name: "season"; year: number; season: Season; taste: Profile | null }
  | { name: "trending" }
  | { name: "known" };

/** An endless list to look through. */
export function useBrowse(view: View, filters: Filters, enabled = true) {
  const taste = view.name === "season" && view.taste ? tasteOf(view.taste) : null;
  const wanted = cleanFilters(filters);
  const query = useInfiniteQuery({
    queryKey: ["browse", view, taste, wanted],
    enabled,
    initialPageParam: 0,
    placeholderData: keepPreviousData,
    getNextPageParam: (last: { next_offset: number | null }) => last.next_offset,
    queryFn: async ({ pageParam, signal }): Promise<BrowsePage> => {
      const common = { k: PAGE, offset: pageParam };
      if (view.name === "known") {
        const body = { ...common, model: "popularity", franchise: "entry" as const, filters: wanted };
        const found = await got(api.POST("/api/v1/recommendations", { body, signal }));
        return { ...found, items: found.items.map(({ rank, anime }) => ({ rank, anime, match: null })) };
      }
      if (view.name === "season") {
        const path = { year: view.year, season: view.season };
        if (taste) {
          const body = { ...common, ...taste, filters: wanted };
          return got(api.POST("/api/v1/seasons/{year}/{season}", { params: { path }, body, signal }));
        }
        const params = { path, query: { ...common, ...wanted } };
        const { items, next_offset } = await got(api.GET("/api/v1/seasons/{year}/{season}", { params, signal }));
        return { items: ranked(items, pageParam), next_offset };
      }
      const params = { query: { ...common, ...wanted } };
      const { items, next_offset } = await got(api.GET("/api/v1/trending", { params, signal }));
      return { items: ranked(items, pageParam), next_offset };
    },
  });
  return { query, items: query.data?.pages.flatMap((page) => page.items) ?? [] };
}

interface BrowsePage {
  items: Browsed[];
  next_offset: number | null;
}

export interface Browsed {
  rank: number;
  anime: AnimeCard;
  match: number | null;
  predicted_score?: number | null;
  reasons?: RecommendationItem["reasons"] | null;
}

function ranked(cards: AnimeCard[], offset: number): Browsed[] {
  return cards.map((anime, at) => ({ rank: offset + at + 1, anime, match: null }));
}

/** Facts of titles by id, in the order asked for. */
export function useCards(ids: number[], enabled = true) {
  return useQuery({
    queryKey: ["cards", ids],
    enabled: enabled && ids.length > 0,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const parts = [];
      for (let at = 0; at < ids.length; at += 1000) {
        const body = { anime_ids: ids.slice(at, at + 1000) };
        parts.push(got(api.POST("/api/v1/titles/cards", { body, signal })));
      }
      return (await Promise.all(parts)).flatMap((part) => part.items);
    },
  });
}

/** What most people know, of one genre or of all, openers only: to pick favourites from. */
export function useFamous(genre: string | null) {
  return useQuery({
    queryKey: ["famous", genre],
    ...FOREVER,
    queryFn: async ({ signal }) => {
      const filters = { ...(genre === null ? {} : { genres: [genre] }), adult: false };
      const body = { k: 42, model: "popularity", franchise: "entry" as const, filters };
      const found = await got(api.POST("/api/v1/recommendations", { body, signal }));
      return found.items.map((item) => item.anime);
    },
  });
}
