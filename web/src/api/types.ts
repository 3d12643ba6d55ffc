/** What the HTTP API says, as far as the page reads it. */

export type Modality = "text" | "image" | "audio" | "video";

export const MODALITIES: readonly Modality[] = ["image", "audio", "video", "text"];

export interface Media {
  format: string;
  bytes: number;
  width?: number;
  height?: number;
  /** Seconds. */
  duration?: number;
  /** A browser shows or plays the file as it is. */
  playable: boolean;
  name: string;
  facts?: Record<string, unknown>;
}

export interface Item {
  item: string;
  path: string;
  locations: string[];
  modality: Modality;
  media: Media;
  /** The first passage of a text. */
  text?: string;
  modified?: string;
  fields?: Record<string, unknown>;
  segments_total?: number;
  /** How many lines are said and to be read in it. */
  lines_total?: number;
}

export interface Segment {
  track: "text" | "visual" | "audio";
  start?: number;
  end?: number;
  text?: string;
}

/** Words that are said (on the track `audio`) or to be read (`visual`). */
export interface Line {
  track: Segment["track"];
  /** Seconds; absent in a picture. */
  start?: number;
  end?: number;
  text: string;
}

/** A stretch `[start, end)` in seconds that stands out, and when it is best. */
export interface Moment {
  start: number;
  end: number;
  peak: number;
  score: number;
}

export interface CurvePoint {
  start: number;
  end: number;
  score: number;
}

export interface HeatMap {
  rows: number;
  columns: number;
  /** Row by row. */
  weights: number[];
}

/** How much was looked at a stretch of time. */
export interface Glance {
  start: number;
  end: number;
  /** The sum over all is 1. */
  weight: number;
}

export interface Explanation {
  heat_map?: HeatMap;
  /** When the search looked or listened, in the order of time. */
  attention?: Glance[];
  /** The windows that mattered most, the best first. */
  windows?: (Segment & { score: number })[];
  /** The rank of the hit without each word; `null`: further down than was looked at. */
  words?: { word: string; rank_without: number | null }[];
}

export interface Hit {
  rank: number;
  /** 0 to 1. */
  score: number;
  /** Probability that the best of as many unrelated items would score less. */
  confidence?: number;
  item: string;
  path: string;
  locations: string[];
  modality: Modality;
  segment: Segment;
  text?: string;
  words?: string[];
  /** Where words of the query are said or to be read, the best first. */
  lines?: Line[];
  moments?: Moment[];
  curve?: CurvePoint[];
  explain?: Explanation;
  media: Media;
}

export type SearchPart = ({ text: string } | { item: string } | { upload: string }) & {
  weight?: number;
  without?: boolean;
};

export interface SearchRequest {
  parts: SearchPart[];
  to?: Modality[];
  where?: string;
  limit?: number;
  cursor?: string;
  rerank?: boolean;
  moments?: boolean;
  explain?: boolean;
}

export interface SearchAnswer {
  took_ms: number;
  no_match: boolean;
  hits: Hit[];
  next: string | null;
}

export interface Status {
  version: string;
  space: string;
  access: "read" | "write";
  items: Record<Modality, number>;
  segments: Record<string, number>;
  locations: number;
  files: { indexed: number; refused: number; ignored: number };
  bytes: { total: number; vectors: number; features: number };
  refused: { path: string; cause: string }[];
  refused_total: number;
  reranker: boolean;
  /** What was asked to be indexed. */
  roots?: string[];
  folders: string[];
}

export interface Upload {
  upload: string;
  modality: Modality;
  name: string;
  segments: number;
  expires_in: number;
}

export interface Job {
  id: string;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  paths: string[];
  done: number;
  planned: number | null;
  walked: number;
  /** What is done before and after the files are read. */
  stage?: { work: "reencoding" | "arranging" | "transcribing"; planned: number; done: number };
  error?: string;
  report?: {
    added: number;
    updated: number;
    unchanged: number;
    dropped: number;
    ignored: number;
    /** Files whose words were recognised. */
    transcribed?: number;
    refused: { path: string; cause: string }[];
  };
}

export interface MapPoint {
  item: string;
  /** -1 to 1. */
  x: number;
  y: number;
  modality: Modality;
}

export interface DirectionCard {
  queries: number;
  gallery: number;
  r1: number;
  r5: number;
  r10: number;
  median_rank: number;
  map: number;
  ndcg10: number;
  ci95?: Record<string, [number, number]>;
}

export interface RecallCard {
  space: string;
  refused?: number;
  directions: Record<string, DirectionCard>;
  plots?: string[];
}
