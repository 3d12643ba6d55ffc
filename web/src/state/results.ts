import { effect, signal } from "@preact/signals";

import { ApiError, isAbort } from "../api/client";
import * as api from "../api/endpoints";
import type { Hit, Item, SearchRequest } from "../api/types";
import { asksSomething, condition, searchRequest } from "./query";
import { query, view } from "./router";

/** What the gallery shows: an item, and how it was found when something was searched for. */
export interface Entry extends Pick<Item, "item" | "path" | "locations" | "modality" | "media" | "text"> {
  hit?: Hit;
}

export interface Results {
  entries: Entry[];
  loading: boolean;
  /** More can be had behind this. */
  next?: string;
  /** Of all items, when nothing is searched for. */
  total?: number;
  noMatch: boolean;
  /** Milliseconds that the server needed. */
  took?: number;
  error?: ApiError;
  /** What was asked; absent while the collection is shown. */
  request?: SearchRequest;
}

const PAGE = 40;
const ITEMS_PAGE = 100;
const NOTHING: Results = { entries: [], loading: true, noMatch: false };

export const results = signal<Results>(NOTHING);

/** The search that is on its way; a newer one ends it. */
let running = new AbortController();
let asked = "";

const fromHit = (hit: Hit): Entry => ({ ...hit, hit });
const fromItem = (item: Item): Entry => item;

/** Asks again whenever the address asks for something else. */
export function followQuery() {
  effect(() => {
    if (view.value !== "search") return;
    const key = JSON.stringify(
      asksSomething(query.value) ? searchRequest(query.value) : [query.value.to, condition(query.value)],
    );
    if (key === asked) return;
    asked = key;
    void load();
  });
}

/** Asks again what was asked. */
export function reload() {
  void load();
}

async function load() {
  running.abort();
  const mine = (running = new AbortController());
  results.value = { ...results.peek(), loading: true, error: undefined };
  try {
    const page = await fetchPage(undefined, mine.signal);
    results.value = page;
  } catch (error) {
    if (isAbort(error)) return;
    results.value = { ...NOTHING, loading: false, error: asApiError(error) };
  }
}

/** Fetches what comes behind the last entry. */
export async function more() {
  const before = results.peek();
  if (before.loading || !before.next) return;
  const mine = running;
  results.value = { ...before, loading: true };
  try {
    const page = await fetchPage(before.next, mine.signal);
    const known = new Set(before.entries.map(({ item }) => item));
    results.value = {
      ...page,
      // What was indexed meanwhile moves hits from one page to the next.
      entries: [...before.entries, ...page.entries.filter(({ item }) => !known.has(item))],
      noMatch: before.noMatch,
      took: before.took,
    };
  } catch (error) {
    if (isAbort(error)) return;
    results.value = { ...before, loading: false, next: undefined, error: asApiError(error) };
  }
}

async function fetchPage(cursor: string | undefined, signal: AbortSignal): Promise<Results> {
  const now = query.peek();
  if (!asksSomething(now)) {
    const filter = { modality: now.to, where: condition(now), limit: ITEMS_PAGE, cursor };
    const page = await api.items(filter, signal);
    const entries = page.items.map(fromItem);
    return { ...NOTHING, loading: false, entries, next: page.next ?? undefined, total: page.total };
  }
  const request = searchRequest(now);
  const answer = await api.search({ ...request, limit: PAGE, cursor }, signal);
  return {
    loading: false,
    entries: answer.hits.map(fromHit),
    next: answer.next ?? undefined,
    noMatch: answer.no_match,
    took: answer.took_ms,
    request,
  };
}

/** Hits around the place of one that is explained, where it is no longer there. */
const AROUND = 40;

/**
 * Asks why one of the hits was found. All hits of an answer are explained, so that one is asked for: a cursor is the
 * number of hits before it.
 */
export async function explain(index: number, signal: AbortSignal): Promise<Hit | undefined> {
  const { entries, request } = results.peek();
  const entry = entries[index];
  if (!request || !entry?.hit) return undefined;
  const explained = async (from: number, limit: number) => {
    const asked = { ...request, moments: false, explain: true, limit, cursor: String(from) };
    const { hits } = await api.search(asked, signal);
    return hits.find((hit) => hit.item === entry.item);
  };
  // What was indexed meanwhile may have moved it.
  return (await explained(index, 1)) ?? (await explained(Math.max(0, index - AROUND / 2), AROUND));
}

/** How many of the hits stand above the "less sure" line. */
export function sureHits(entries: readonly Entry[]): number {
  const unsure = entries.findIndex(({ hit }) => hit?.confidence !== undefined && hit.confidence < 0.5);
  return unsure < 0 ? entries.length : unsure;
}

/** When in a sound or a video the answer is: where words of the query are, if anywhere. */
export function momentOf({ hit }: Entry): { start: number; end: number; peak: number } | undefined {
  const line = spanOf(hit?.lines?.[0]);
  return line ?? hit?.moments?.[0] ?? spanOf(hit?.segment);
}

function spanOf({ start, end }: { start?: number; end?: number } = {}) {
  if (start === undefined || end === undefined) return undefined;
  return { start, end, peak: (start + end) / 2 };
}

/** Whether a moment says more than "all of it". */
export const standsOut = ({ start, end }: { start: number; end: number }, duration = Infinity) =>
  end - start < 0.9 * duration;

function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(-1, "The page could not read the answer", String(error));
}
