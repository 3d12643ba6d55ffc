import { signal } from "@preact/signals";

import { ApiError, isAbort } from "../api/client";
import * as api from "../api/endpoints";
import type { Modality } from "../api/types";
import { query, search } from "./router";

/** What the page knows of an upload beside its id. */
export interface Uploaded {
  name: string;
  modality: Modality;
  /** The file in the browser, as long as the page is open. */
  url?: string;
}

export const uploads = signal<Record<string, Uploaded>>(remembered());

/** Files on their way to the server. */
export const sending = signal<{ key: number; name: string; abort: AbortController }[]>([]);

/** Files that were refused, and why. */
export const refusals = signal<{ key: number; name: string; reason: string }[]>([]);

const KEY = "sensorium-uploads";
let count = 0;

/** Sends files and makes each a part of the search. */
export function addFiles(files: Iterable<File>) {
  refusals.value = [];
  for (const file of files) void send(file);
}

async function send(file: File) {
  const key = count++;
  const abort = new AbortController();
  sending.value = [...sending.value, { key, name: file.name, abort }];
  try {
    const { upload, modality } = await api.upload(file, abort.signal);
    const url = URL.createObjectURL(file);
    uploads.value = { ...uploads.value, [upload]: { name: file.name, modality, url } };
    remember();
    search({ parts: [...query.value.parts, { kind: "upload", value: upload, weight: 1, without: false }] });
  } catch (error) {
    if (isAbort(error)) return;
    refusals.value = [...refusals.value, { key, name: file.name, reason: reasonOf(error) }];
  } finally {
    sending.value = sending.value.filter((one) => one.key !== key);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error);
  return error.detail || error.title;
}

export function dismiss(key: number) {
  refusals.value = refusals.value.filter((one) => one.key !== key);
}

/** Names survive a reload of the page, contents do not. */
function remember() {
  const names = Object.entries(uploads.value).map(([id, { name, modality }]) => [id, { name, modality }]);
  try {
    sessionStorage.setItem(KEY, JSON.stringify(Object.fromEntries(names.slice(-50))));
  } catch {
    // Without storage, names last as long as the page.
  }
}

function remembered(): Record<string, Uploaded> {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}
