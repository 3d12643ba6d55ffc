import { ask, askJson } from "./client";
import type {
  Item,
  Job,
  Line,
  MapPoint,
  Modality,
  RecallCard,
  SearchAnswer,
  SearchRequest,
  Segment,
  Status,
  Upload,
} from "./types";

const id = encodeURIComponent;

function parameters(values: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  return query.size ? `?${query}` : "";
}

export const status = () => ask<Status>("/status");

export const search = (request: SearchRequest, signal?: AbortSignal) =>
  askJson<SearchAnswer>("/search", request, signal);

export const similar = (item: string, to: Modality, limit: number, signal?: AbortSignal) =>
  ask<SearchAnswer>(`/items/${id(item)}/similar${parameters({ to, limit })}`, { signal });

export const item = (item: string, signal?: AbortSignal) => ask<Item>(`/items/${id(item)}`, { signal });

export interface ItemPage {
  items: Item[];
  total: number;
  next?: string | null;
}

export const items = (
  filter: { modality?: Modality[]; where?: string; limit: number; cursor?: string },
  signal?: AbortSignal,
) => ask<ItemPage>(`/items${parameters({ ...filter, modality: filter.modality?.join(",") })}`, { signal });

export const segments = (item: string, cursor: string | undefined, signal?: AbortSignal) =>
  ask<{ segments: Segment[]; next?: string | null }>(
    `/items/${id(item)}/segments${parameters({ limit: 100, cursor })}`,
    { signal },
  );

export const lines = (item: string, cursor: string | undefined, signal?: AbortSignal) =>
  ask<{ lines: Line[]; total: number; next: string | null }>(`/items/${id(item)}/lines${parameters({ cursor })}`, {
    signal,
  });

export function upload(file: File, signal?: AbortSignal): Promise<Upload> {
  const form = new FormData();
  form.set("file", file, file.name);
  return ask<Upload>("/uploads", { method: "POST", body: form, signal });
}

export const map = (signal?: AbortSignal) => ask<{ points: MapPoint[] }>("/map?limit=20000", { signal });
export const card = (signal?: AbortSignal) => ask<RecallCard>("/card", { signal });

export const jobs = () => ask<{ jobs: Job[] }>("/jobs");
export const startJob = (paths: string[]) => askJson<Job>("/jobs", { paths });
export const cancelJob = (job: string) => ask<unknown>(`/jobs/${id(job)}`, { method: "DELETE" });
export const remove = (paths: string[]) => askJson<{ removed: number }>("/remove", { paths });

export const logIn = (key: string) => askJson<void>("/session", { key });
export const logOut = () => ask<void>("/session", { method: "DELETE" });

/** Addresses of what browsers load themselves. */
export const url = {
  media: (item: string) => `/api/v1/items/${id(item)}/media`,
  preview: (item: string) => `/api/v1/items/${id(item)}/preview`,
  waveform: (item: string, width = 800) => `/api/v1/items/${id(item)}/waveform?width=${width}`,
  thumbnail: (item: string, size: number, at?: number) =>
    `/api/v1/items/${id(item)}/thumbnail${parameters({ size, at: at === undefined ? at : at.toFixed(2) })}`,
  plot: (name: string) => `/api/v1/card/${id(name)}`,
  jobEvents: (job: string) => `/api/v1/jobs/${id(job)}/events`,
};

/** The path of a preview below the API's root, to ask whether it has been made. */
export const previewPath = (item: string) => `/items/${id(item)}/preview`;
