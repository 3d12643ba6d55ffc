import { useEffect, useRef, useState } from "preact/hooks";

import { url } from "../api/endpoints";
import { clock, markWords, nameOf, noun, percent, stretch, sureness } from "../lib/format";
import { fromMark, markLine, signOf, whereOf } from "../lib/lines";
import { calm, playing, source, toggle } from "../state/player";
import { formatRoute } from "../state/query";
import { query } from "../state/router";
import { momentOf, standsOut, type Entry } from "../state/results";
import { Icon } from "./icons";
import { Marked } from "./Marked";
import { ITEM_TYPE } from "./SearchBox";
import { isPlain } from "./Top";

interface Props {
  entry: Entry;
  index: number;
  /** How many there are in all; -1 when that is not known. */
  of: number;
  left: number;
  top: number;
  width: number;
  height: number;
  active: boolean;
  unsure: boolean;
  onFocus: () => void;
  onOpen: () => void;
}

/** How far above the lower edge of a sound the button that plays it begins. */
const PLAY = 44;

/** An item in the gallery. */
export function Tile({ entry, index, of, left, top, width, height, active, unsure, onFocus, onOpen }: Props) {
  const { item, media, modality, hit } = entry;
  const [touched, setTouched] = useState(false);
  const sound = modality === "audio";
  const plays = playing.value?.item === item;
  return (
    <li
      class={`tile ${modality} ${unsure ? "unsure" : ""}`}
      data-index={index}
      aria-setsize={of}
      aria-posinset={index + 1}
      style={{ left: `${left}px`, top: `${top}px`, width: `${width}px` }}
      onPointerEnter={(event) => event.pointerType === "mouse" && setTouched(true)}
      onPointerLeave={() => setTouched(false)}
      onFocusIn={() => setTouched(true)}
      onFocusOut={() => setTouched(false)}
    >
      <a
        class="tile-open"
        href={formatRoute({ view: "search", query: query.value, open: item })}
        aria-label={labelOf(entry)}
        tabIndex={active ? 0 : -1}
        onFocus={onFocus}
        onClick={(event) => {
          if (!isPlain(event)) return;
          event.preventDefault();
          onOpen();
        }}
        onDragStart={(event) => event.dataTransfer?.setData(ITEM_TYPE, item)}
      >
        <div class="face" style={{ height: `${height}px` }}>
          {modality === "image" && <Picture entry={entry} size={width} />}
          {modality === "video" && <Video entry={entry} size={width} playing={touched} />}
          {sound && <Sound entry={entry} />}
          {modality === "text" && <Passage entry={entry} />}
        </div>
        <div class="caption" aria-hidden="true">
          <Icon name={modality} />
          <span class="caption-name">{nameOf(entry)}</span>
          {hit?.confidence !== undefined && (
            <span class="number sure" title={sureness(hit.confidence)}>
              {percent(hit.confidence)}
            </span>
          )}
        </div>
        <Quote entry={entry} />
      </a>
      {sound && (
        <button
          type="button"
          class="tile-play"
          style={{ top: `${height - PLAY}px` }}
          tabIndex={active ? 0 : -1}
          aria-label={`${plays ? "Stop" : "Play"} ${nameOf(entry)}`}
          onClick={() => toggle(item, media, momentOf(entry)?.start)}
        >
          <Icon name={plays ? "pause" : "play"} />
        </button>
      )}
    </li>
  );
}

function labelOf(entry: Entry): string {
  const { modality, hit } = entry;
  const line = hit?.lines?.[0];
  const moment = !line && (modality === "audio" || modality === "video") ? momentOf(entry) : undefined;
  return [
    nameOf(entry),
    noun(modality),
    moment && `at ${clock(moment.start)}`,
    line && `${whereOf(line)}: ${line.text}`,
    hit?.confidence !== undefined && `confidence ${percent(hit.confidence)}`,
  ]
    .filter(Boolean)
    .join(", ");
}

/** The size of thumbnail that fills `width` pixels of the page. */
const thumbnailSize = (width: number) => (width * devicePixelRatio > 400 ? 640 : 320);

function Picture({ entry, size, at }: { entry: Entry; size: number; at?: number }) {
  const [failed, setFailed] = useState(false);
  if (failed) return <Icon name={entry.modality} class="icon large" />;
  return (
    <img
      src={url.thumbnail(entry.item, thumbnailSize(size), at)}
      alt=""
      loading="lazy"
      decoding="async"
      draggable={false}
      onError={() => setFailed(true)}
    />
  );
}

/** How long a pointer rests before a video plays, in milliseconds. */
const REST = 180;

function Video({ entry, size, playing: wanted }: { entry: Entry; size: number; playing: boolean }) {
  const { item, media } = entry;
  const moment = momentOf(entry);
  const [address, setAddress] = useState("");
  const [at, setAt] = useState<number>();
  const fellBack = useRef(false);

  useEffect(() => {
    if (!wanted || calm.matches) return;
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      try {
        setAddress(await source(item, media, abort.signal));
      } catch {
        // The still picture remains; the open item says why.
      }
    }, REST);
    return () => {
      clearTimeout(timer);
      abort.abort();
      setAddress("");
      setAt(undefined);
    };
  }, [wanted, item]);

  return (
    <>
      <Picture entry={entry} size={size} at={moment?.peak} />
      {address && (
        <video
          src={address}
          muted
          loop
          autoplay
          playsInline
          tabIndex={-1}
          disablePictureInPicture
          onLoadedMetadata={(event) => {
            if (moment) event.currentTarget.currentTime = moment.start;
          }}
          onTimeUpdate={(event) => setAt(event.currentTarget.currentTime)}
          onError={() => {
            if (fellBack.current || !media.playable) return;
            fellBack.current = true;
            setAddress(url.preview(item));
          }}
        />
      )}
      <When entry={entry} />
      <Line entry={entry} at={at} />
    </>
  );
}

function Sound({ entry }: { entry: Entry }) {
  const { item, media, hit } = entry;
  const moment = hit && momentOf(entry);
  const now = playing.value?.item === item ? playing.value.at : undefined;
  const mask = `url("${url.waveform(item, 400)}")`;
  return (
    <>
      <div class="wave" style={{ maskImage: mask, WebkitMaskImage: mask }}>
        {moment && media.duration && <Stretch {...moment} of={media.duration} />}
      </div>
      {now !== undefined && media.duration && <Head at={now} of={media.duration} />}
      <When entry={entry} />
    </>
  );
}

/** Texts of fewer characters than this leave room for larger letters. */
const SHORT = 80;

function Passage({ entry }: { entry: Entry }) {
  const text = entry.hit?.text ?? entry.text ?? "";
  return (
    <p class={`passage ${text.length < SHORT ? "short" : ""}`}>
      <Marked pieces={markWords(text, entry.hit?.words ?? [])} />
    </p>
  );
}

/** The best line that is said or to be read, from where the words of the query are. */
function Quote({ entry }: { entry: Entry }) {
  const { lines, words = [] } = entry.hit ?? {};
  const line = lines?.[0];
  if (!line) return null;
  return (
    <p class="quote" aria-hidden="true" title={`${whereOf(line)}: ${line.text}`}>
      <Icon name={signOf(line)} />
      {line.start !== undefined && <span class="number">{clock(line.start)}</span>} “
      <Marked pieces={fromMark(markLine(line.text, words))} />”
    </p>
  );
}

/** The moment that was found; the length, where that is all of it. */
function When({ entry }: { entry: Entry }) {
  const { duration } = entry.media;
  const moment = entry.hit && momentOf(entry);
  const says =
    moment && standsOut(moment, duration)
      ? stretch(moment.start, moment.end)
      : duration !== undefined
        ? clock(Math.round(duration))
        : "";
  return says ? <span class="badge number">{says}</span> : null;
}

/** The time line of a video with the moment on it. */
function Line({ entry, at }: { entry: Entry; at?: number }) {
  const { duration } = entry.media;
  if (!duration || !entry.hit) return null;
  const best = momentOf(entry);
  const found = [best, ...(entry.hit.moments?.filter((one) => one !== best) ?? [])].filter((one) => one !== undefined);
  const moments = found.slice(0, 3).filter((moment) => standsOut(moment, duration));
  if (moments.length === 0 && at === undefined) return null;
  return (
    <div class="timeline-thin">
      {moments.map((moment) => (
        <Stretch key={moment.start} {...moment} of={duration} />
      ))}
      {at !== undefined && <Head at={at} of={duration} />}
    </div>
  );
}

const share = (value: number) => `${Math.min(100, Math.max(0, value * 100)).toFixed(2)}%`;

function Stretch({ start, end, of }: { start: number; end: number; of: number }) {
  return <span class="stretch" style={{ left: share(start / of), width: share((end - start) / of) }} />;
}

function Head({ at, of }: { at: number; of: number }) {
  return <span class="head" style={{ left: share(at / of) }} />;
}
