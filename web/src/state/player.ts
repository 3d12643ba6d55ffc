import { signal } from "@preact/signals";

import { untilMade } from "../api/client";
import { previewPath, url } from "../api/endpoints";
import type { Media } from "../api/types";

/** The sound that plays, and where in it, in seconds. One at a time. */
export const playing = signal<{ item: string; at: number } | undefined>(undefined);
export const playerError = signal<string>("");

export const calm = matchMedia("(prefers-reduced-motion: reduce)");

const audio = new Audio();
let wanted = new AbortController();

audio.addEventListener("timeupdate", () => {
  const now = playing.peek();
  if (now) playing.value = { ...now, at: audio.currentTime };
});
audio.addEventListener("ended", stop);

/** The address of something to play: the file, or a preview where browsers cannot play it, made first. */
export async function source(item: string, media: Media, signal: AbortSignal): Promise<string> {
  if (media.playable) return url.media(item);
  await untilMade(previewPath(item), signal);
  return url.preview(item);
}

export async function play(item: string, media: Media, from = 0) {
  stop();
  const mine = (wanted = new AbortController());
  playing.value = { item, at: from };
  playerError.value = "";
  try {
    const address = await source(item, media, mine.signal);
    if (mine.signal.aborted) return;
    audio.src = address;
    audio.currentTime = from;
    await audio.play();
  } catch (error) {
    if (mine.signal.aborted) return;
    stop();
    playerError.value = `${media.name} cannot be played: ${error instanceof Error ? error.message : error}`;
  }
}

export function stop() {
  wanted.abort();
  audio.pause();
  playing.value = undefined;
}

export function toggle(item: string, media: Media, from = 0) {
  if (playing.value?.item === item) stop();
  else void play(item, media, from);
}
