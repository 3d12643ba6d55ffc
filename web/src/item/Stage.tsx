import { useEffect, useRef, useState } from "preact/hooks";

import { isAbort } from "../api/client";
import * as api from "../api/endpoints";
import type { Hit, Segment } from "../api/types";
import { Icon } from "../components/icons";
import { Marked } from "../components/Marked";
import { markWords, nameOf, stretch } from "../lib/format";
import { calm, source } from "../state/player";
import { momentOf, type Entry } from "../state/results";
import { HeatCanvas } from "./HeatCanvas";
import { Timeline } from "./Timeline";

interface Props {
  entry: Entry;
  hit?: Hit;
  heat: boolean;
  /** From where to play, as often as there is another one. */
  from?: { seconds: number };
}

/** The item itself, large. */
export function Stage({ entry, hit, heat, from }: Props) {
  switch (entry.modality) {
    case "image":
      return <Picture entry={entry} hit={hit} heat={heat} />;
    case "text":
      return <Passages entry={entry} />;
    default:
      return <Player entry={entry} hit={hit} heat={heat} from={from} />;
  }
}

/** The address of a medium; a preview is made first where browsers cannot show the file. */
function useSource({ item, media }: Entry): { address: string; error: string; fallBack: () => void } {
  const [address, setAddress] = useState("");
  const [error, setError] = useState("");
  const [preview, setPreview] = useState(!media.playable);
  useEffect(() => {
    const abort = new AbortController();
    setAddress("");
    source(item, { ...media, playable: !preview }, abort.signal).then(setAddress, (reason) => {
      if (!isAbort(reason)) setError(reason instanceof Error ? reason.message : String(reason));
    });
    return () => abort.abort();
  }, [item, preview]);
  const fallBack = () => {
    if (preview) setError("The browser can play neither the file nor its preview.");
    else setPreview(true);
  };
  return { address, error, fallBack };
}

/** Small pictures are shown larger, up to this width or three times their own. */
const WIDE = 720;

/** The size of a frame, which the style sheet keeps within the window. */
function frame({ media: { width, height } }: Entry) {
  if (!width || !height) return {};
  const shown = Math.max(width, Math.min(WIDE, width * 3));
  return { aspectRatio: `${width} / ${height}`, "--wide": `${shown}px`, "--ratio": String(width / height) };
}

function Making() {
  return (
    <p class="making" role="status">
      <span class="spinner" aria-hidden="true" /> Making a preview that the browser can show…
    </p>
  );
}

function Trouble({ children }: { children: string }) {
  return (
    <p class="making" role="alert">
      <Icon name="alert" /> {children}
    </p>
  );
}

function Picture({ entry, hit, heat }: Props) {
  const { address, error, fallBack } = useSource(entry);
  const { width, height } = entry.media;
  const map = hit?.explain?.heat_map;
  if (error) return <Trouble>{error}</Trouble>;
  if (!address) return entry.media.playable ? null : <Making />;
  return (
    <div class="framed" style={frame(entry)}>
      <img class="medium" src={address} alt={nameOf(entry)} width={width} height={height} onError={fallBack} />
      {heat && map && <HeatCanvas map={map} />}
    </div>
  );
}

function Player({ entry, hit, heat, from }: Props) {
  const { address, error, fallBack } = useSource(entry);
  const element = useRef<HTMLMediaElement>(null);
  const [at, setAt] = useState(0);
  const [length, setLength] = useState(entry.media.duration ?? 0);
  const moment = entry.hit && momentOf(entry);
  const map = hit?.explain?.heat_map;

  const seek = (seconds: number) => {
    const media = element.current;
    if (!media) return;
    media.currentTime = seconds;
    setAt(seconds);
    void media.play().catch(() => {});
  };
  useEffect(() => {
    if (!from) return;
    seek(from.seconds);
    element.current?.scrollIntoView({ block: "nearest" });
  }, [from]);
  const events = {
    onLoadedMetadata: () => {
      const media = element.current!;
      if (Number.isFinite(media.duration)) setLength(media.duration);
      if (moment) media.currentTime = moment.start;
      // Browsers may want a click first.
      if (!calm.matches) void media.play().catch(() => {});
    },
    onTimeUpdate: () => setAt(element.current?.currentTime ?? 0),
    onError: fallBack,
  };
  const video = entry.modality === "video";
  const mask = `url("${api.url.waveform(entry.item, 1200)}")`;
  return (
    <div class="player">
      {error && <Trouble>{error}</Trouble>}
      {!address && !error && <Making />}
      {!video && (
        <div class="wave big" aria-hidden="true" style={{ maskImage: mask, WebkitMaskImage: mask }}>
          {length > 0 && <span class="played" style={{ width: `${(at / length) * 100}%` }} />}
        </div>
      )}
      {address && video && (
        <div class="framed" style={frame(entry)}>
          <video
            class="medium"
            ref={element as preact.RefObject<HTMLVideoElement>}
            src={address}
            poster={api.url.thumbnail(entry.item, 640, moment?.peak)}
            controls
            playsInline
            {...events}
          />
          {heat && map && <HeatCanvas map={map} />}
        </div>
      )}
      {address && !video && (
        <audio
          class="medium-sound"
          ref={element as preact.RefObject<HTMLAudioElement>}
          src={address}
          controls
          {...events}
        />
      )}
      {length > 0 && entry.hit && <Timeline hit={hit ?? entry.hit} length={length} at={at} onSeek={seek} />}
    </div>
  );
}

/** A text in its passages; the one that was found is marked. */
function Passages({ entry }: { entry: Entry }) {
  const [passages, setPassages] = useState<Segment[]>([]);
  const [next, setNext] = useState<string | null>();
  const [error, setError] = useState("");
  const abort = useRef(new AbortController());
  const load = (cursor?: string) =>
    api.segments(entry.item, cursor, abort.current.signal).then(
      (page) => {
        setPassages((before) => [...before, ...page.segments]);
        setNext(page.next);
      },
      (reason) => !isAbort(reason) && setError(reason instanceof Error ? reason.message : String(reason)),
    );
  useEffect(() => {
    abort.current = new AbortController();
    setPassages([]);
    void load();
    return () => abort.current.abort();
  }, [entry.item]);

  const found = entry.hit?.text;
  const words = entry.hit?.words ?? [];
  const isFound = (passage: Segment) => found !== undefined && passage.text === found;
  const there = passages.some(isFound);
  return (
    <div class="reading" tabIndex={0} role="group" aria-label={nameOf(entry)}>
      {found && !there && <Found text={found} words={words} />}
      {passages.map((passage, index) =>
        isFound(passage) ? (
          <Found key={index} text={found!} words={words} time={passage} />
        ) : (
          <p key={index}>
            {passage.start !== undefined && <Time {...passage} />}
            {passage.text}
          </p>
        ),
      )}
      {error && <Trouble>{error}</Trouble>}
      {next && (
        <button type="button" class="secondary" onClick={() => void load(next)}>
          Read on
        </button>
      )}
    </div>
  );
}

function Found({ text, words, time }: { text: string; words: string[]; time?: Segment }) {
  const self = useRef<HTMLParagraphElement>(null);
  useEffect(() => self.current?.scrollIntoView({ block: "center" }), []);
  return (
    <p class="found" ref={self}>
      {time?.start !== undefined && <Time {...time} />}
      <Marked pieces={markWords(text, words)} />
    </p>
  );
}

function Time({ start, end }: Segment) {
  return <span class="time number">{stretch(start ?? 0, end ?? start ?? 0)}</span>;
}
