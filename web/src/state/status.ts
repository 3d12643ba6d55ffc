import { computed, signal } from "@preact/signals";

import { type ApiError } from "../api/client";
import * as api from "../api/endpoints";
import type { Status } from "../api/types";

export const status = signal<Status | undefined>(undefined);
export const statusError = signal<ApiError | undefined>(undefined);

export const mayWrite = computed(() => status.value?.access === "write");
export const total = computed(() => {
  const items = status.value?.items;
  return items ? items.image + items.audio + items.video + items.text : 0;
});
export const isEmpty = computed(() => status.value !== undefined && total.value === 0);

export async function loadStatus() {
  try {
    status.value = await api.status();
    statusError.value = undefined;
  } catch (error) {
    statusError.value = error as ApiError;
  }
}

/** The folders that were named, or those that lie in no other. */
export const roots = computed(() => {
  const { roots, folders = [] } = status.value ?? {};
  return roots ?? folders.filter((folder) => !folders.some((other) => folder.startsWith(`${other}/`)));
});
