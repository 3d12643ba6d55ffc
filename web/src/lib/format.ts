import type { Modality } from "../api/types";

/** `0:07`, `12:05`, `1:02:03`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A stretch of time; short ones with tenths. */
export function stretch(start: number, end: number): string {
  const tenths = end - start < 10 && end < 60;
  const at = (seconds: number) => (tenths ? `${seconds.toFixed(1)} s` : clock(seconds));
  return `${tenths ? start.toFixed(1) : at(start)} – ${at(end)}`;
}

export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

const grouped = new Intl.NumberFormat("en");
export const count = (value: number) => grouped.format(value);

const NOUNS: Record<Modality, [string, string]> = {
  image: ["picture", "pictures"],
  audio: ["sound", "sounds"],
  video: ["video", "videos"],
  text: ["text", "texts"],
};

/** "Pictures". */
export const plural = (modality: Modality) => capital(NOUNS[modality][1]);

/** "picture". */
export const noun = (modality: Modality) => NOUNS[modality][0];

/** "1 picture", "1,200 sounds". */
export const counted = (value: number, modality: Modality) => `${count(value)} ${NOUNS[modality][value === 1 ? 0 : 1]}`;

export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** A probability in whole percent, never rounded to certainty. */
export function percent(probability: number): string {
  if (probability < 0.01) return "< 1 %";
  return `${Math.min(99, Math.round(probability * 100))} %`;
}

/** What a confidence means, in words. */
export function sureness(confidence: number): string {
  if (confidence >= 0.9) return "Almost surely what you look for";
  if (confidence >= 0.5) return "Probably what you look for";
  if (confidence >= 0.1) return "Perhaps related";
  return "Hardly better than chance";
}

export const fileName = (path: string) => path.slice(path.lastIndexOf("/") + 1);

/** What an item is called: its file, and which record of it. */
export const nameOf = ({ path, media }: { path: string; media: { name: string } }) => fileName(path) || media.name;

export function folderOf(path: string): string {
  const cut = path.lastIndexOf("/");
  return cut > 0 ? path.slice(0, cut) : "/";
}

const day = new Intl.DateTimeFormat("en", { dateStyle: "medium" });

/** A day in words; what is no date stays as it is. */
export function date(value: string): string {
  const time = Date.parse(value);
  return Number.isNaN(time) ? value : day.format(time);
}

export interface Piece {
  text: string;
  marked: boolean;
}

/** Words that say something: that an item has an "a" is not worth a mark. */
export const telling = (words: readonly string[]) => words.filter((word) => [...word.trim()].length > 1);

/** Cuts a passage where one of the words stands, whatever its case. */
export const markWords = (text: string, words: readonly string[]) => markPatterns(text, telling(words).map(literal));

/** A pattern of `text` itself. */
export const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Cuts a passage where one of the patterns stands as a word. */
export function markPatterns(text: string, patterns: readonly string[]): Piece[] {
  if (patterns.length === 0) return [{ text, marked: false }];
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(${patterns.join("|")})(?![\\p{L}\\p{N}])`, "giu");
  const pieces = text.split(pattern).map((piece, index) => ({ text: piece, marked: index % 2 === 1 }));
  return pieces.filter((piece) => piece.text !== "");
}
