/** What is searched for, as the page's address says it. */

import { MODALITIES, type Modality, type SearchPart, type SearchRequest } from "../api/types";

export interface Part {
  kind: "text" | "item" | "upload";
  /** Words, or the id of an item or an upload. */
  value: string;
  weight: number;
  without: boolean;
}

export interface Query {
  /** What stands in the box; ` -word` is a part of its own that answers shall not have. */
  text: string;
  weight: number;
  /** Parts beside the box's text. */
  parts: Part[];
  /** Empty: all. */
  to: Modality[];
  /** Days, as `2024-06-01`, or ''. */
  since: string;
  until: string;
  folder: string;
  /** A condition in the words of `--where`. */
  where: string;
  rerank: boolean;
}

export type View = "search" | "map" | "card" | "index";

export interface Route {
  view: View;
  query: Query;
  /** The item that is open. */
  open: string;
}

export const EMPTY: Query = {
  text: "",
  weight: 1,
  parts: [],
  to: [],
  since: "",
  until: "",
  folder: "",
  where: "",
  rerank: false,
};

const VIEWS: readonly View[] = ["search", "map", "card", "index"];

export function parseRoute(search: string): Route {
  const values = new URLSearchParams(search);
  const text = (name: string) => values.get(name) ?? "";
  const view = VIEWS.find((name) => name === text("view")) ?? "search";
  const query: Query = {
    text: text("q"),
    weight: weightOf(values.get("weight")),
    parts: values.getAll("part").flatMap((part) => parsePart(part) ?? []),
    to: MODALITIES.filter((modality) => text("to").split(",").includes(modality)),
    since: dayOf(text("since")),
    until: dayOf(text("until")),
    folder: text("in"),
    where: text("where"),
    rerank: text("rerank") === "1",
  };
  return { view, query, open: text("item") };
}

export function formatRoute({ view, query, open }: Route): string {
  const values = new URLSearchParams();
  const set = (name: string, value: string) => value && values.set(name, value);
  if (view !== "search") set("view", view);
  set("q", query.text);
  if (query.weight !== 1) set("weight", String(query.weight));
  for (const part of query.parts) values.append("part", formatPart(part));
  set("to", query.to.join(","));
  set("since", query.since);
  set("until", query.until);
  set("in", query.folder);
  set("where", query.where);
  if (query.rerank) set("rerank", "1");
  set("item", open);
  // Readable where that is safe in a query.
  const written = values.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%2F", "/");
  return written ? `?${written}` : "";
}

/** `text:dog`, `-text:people`, `2*item:b3:…`. */
function formatPart({ kind, value, weight, without }: Part): string {
  return `${without ? "-" : ""}${weight === 1 ? "" : `${weight}*`}${kind}:${value}`;
}

function parsePart(written: string): Part | undefined {
  const found = /^(-)?(?:([\d.]+)\*)?(text|item|upload):(.*)$/s.exec(written);
  if (!found || !found[4]) return undefined;
  return {
    kind: found[3] as Part["kind"],
    value: found[4],
    weight: weightOf(found[2] ?? null),
    without: found[1] === "-",
  };
}

export const WEIGHTS = { least: 0.25, most: 4 };

function weightOf(written: string | null): number {
  const weight = Number(written ?? 1);
  return weight >= WEIGHTS.least && weight <= WEIGHTS.most ? weight : 1;
}

const dayOf = (written: string) => (/^\d{4}(-\d\d(-\d\d)?)?$/.test(written) ? written : "");

/** Takes ` -word` and ` -"some words"` out of a text. */
export function splitText(text: string): { wanted: string; unwanted: string[] } {
  const unwanted: string[] = [];
  const wanted = text.replace(/(^|\s)-(?:"([^"]+)"|(\p{L}[^\s"]*))/gu, (_, _space, quoted?: string, word?: string) => {
    unwanted.push((quoted ?? word ?? "").trim());
    return " ";
  });
  return { wanted: wanted.replace(/\s+/g, " ").trim(), unwanted };
}

/** The parts that the server is asked for. */
export function searchParts(query: Query): SearchPart[] {
  const { wanted, unwanted } = splitText(query.text);
  const parts: SearchPart[] = [];
  const weighted = (weight: number) => (weight === 1 ? {} : { weight });
  if (wanted) parts.push({ text: wanted, ...weighted(query.weight) });
  for (const word of unwanted) parts.push({ text: word, without: true });
  for (const { kind, value, weight, without } of query.parts) {
    const content = kind === "text" ? { text: value } : kind === "item" ? { item: value } : { upload: value };
    parts.push({ ...content, ...weighted(weight), ...(without ? { without } : {}) });
  }
  return parts;
}

/** Whether anything is looked for; what is not wanted alone finds nothing. */
export const asksSomething = (query: Query) => searchParts(query).some((part) => !part.without);

export const isFiltered = (query: Query) =>
  query.to.length > 0 || !!query.since || !!query.until || !!query.folder || !!query.where;

/** The filters as a condition; '' when there are none. */
export function condition({ since, until, folder, where }: Query): string {
  const all: string[] = [];
  // When a picture was taken counts; where no camera says it, the file's time does.
  const dated = (comparison: string) => `(taken ${comparison} or (not taken >= 1800 and modified ${comparison}))`;
  if (since) all.push(dated(`>= ${since}`));
  if (until) all.push(dated(`<= ${until}`));
  if (folder) all.push(`path ~ "${folder.replace(/\/$/, "").replaceAll('"', "?")}/*"`);
  if (where.trim()) all.push(all.length > 0 ? `(${where.trim()})` : where.trim());
  return all.join(" and ");
}

export function searchRequest(query: Query): SearchRequest {
  const where = condition(query);
  return {
    parts: searchParts(query),
    ...(query.to.length > 0 ? { to: query.to } : {}),
    ...(where ? { where } : {}),
    ...(query.rerank ? { rerank: true } : {}),
    moments: true,
  };
}
