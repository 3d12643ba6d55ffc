import { computed, signal } from "@preact/signals";

import { formatRoute, parseRoute, EMPTY, type Query, type Route, type View } from "./query";

/** Where the page is. The address is the truth; this follows it. */
export const route = signal<Route>(parseRoute(location.search));
export const query = computed(() => route.value.query);
export const view = computed(() => route.value.view);
export const open = computed(() => route.value.open);

/** Whether the last step was typing, which goes on in the same entry of the history. */
let typing = false;
/** Whether the entry below this one in the history is the page without the dialog. */
let openedHere = false;

addEventListener("popstate", () => {
  typing = false;
  route.value = parseRoute(location.search);
});

function go(next: Route, replace = false) {
  const address = formatRoute(next) || location.pathname;
  if (formatRoute(route.value) === formatRoute(next)) return;
  history[replace ? "replaceState" : "pushState"](null, "", address);
  route.value = next;
}

export function search(change: Partial<Query>) {
  typing = false;
  go({ view: "search", query: { ...query.value, ...change }, open: "" });
}

/** Follows the text in the box; a word typed is not a step back for every letter. */
export function type(text: string) {
  go({ view: "search", query: { ...query.value, text }, open: "" }, typing);
  typing = true;
}

export function endTyping() {
  typing = false;
}

/** A new search, filters left as they are. */
export function searchFor(asked: Pick<Query, "text" | "parts">) {
  const { to, since, until, folder, where, rerank } = query.value;
  typing = false;
  go({ view: "search", query: { ...EMPTY, to, since, until, folder, where, rerank, ...asked }, open: "" });
  scrollTo({ top: 0 });
}

export function show(next: View) {
  typing = false;
  go({ view: next, query: next === "search" ? query.value : EMPTY, open: "" });
  scrollTo({ top: 0 });
}

export function home() {
  typing = false;
  go({ view: "search", query: EMPTY, open: "" });
  scrollTo({ top: 0 });
}

export function openItem(item: string) {
  const already = open.value !== "";
  go({ ...route.value, open: item }, already);
  if (!already) openedHere = true;
}

export function closeItem() {
  if (openedHere) history.back();
  else go({ ...route.value, open: "" }, true);
  openedHere = false;
}
