import { signal } from "@preact/signals";

import * as api from "../api/endpoints";
import { nameOf } from "../lib/format";
import type { Item, Modality } from "../api/types";

/** Names of items that are parts of a search, by id. */
export const titles = signal<Record<string, { name: string; modality: Modality }>>({});

const asked = new Set<string>();

export function remember({ item, path, media, modality }: Pick<Item, "item" | "path" | "media" | "modality">) {
  titles.value = { ...titles.value, [item]: { name: nameOf({ path, media }), modality } };
}

/** Asks for the name of an item that the page has not met. */
export async function learn(item: string) {
  if (titles.value[item] || asked.has(item)) return;
  asked.add(item);
  try {
    remember(await api.item(item));
  } catch {
    // The search says that the item is not there. Where a key was needed, it is asked for again.
    asked.delete(item);
  }
}
