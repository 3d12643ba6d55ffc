import { useEffect, useRef, useState } from "preact/hooks";

import { isAbort } from "../api/client";
import * as api from "../api/endpoints";
import type { Line } from "../api/types";
import { Icon } from "../components/icons";
import { Marked } from "../components/Marked";
import { clock, count } from "../lib/format";
import { markLine, signOf, whereOf } from "../lib/lines";

/** Plays from a time, in seconds. */
type Seek = (seconds: number) => void;

/** The lines that have words of the query; a click plays from there. */
export function FoundLines({ lines, words, onSeek }: { lines: Line[]; words: string[]; onSeek?: Seek }) {
  return (
    <ul class="said" aria-label="Lines with words of the search">
      {lines.map((line, index) => {
        const { start } = line;
        const content = (
          <>
            <Icon name={signOf(line)} />
            <span>
              <span class="number when">{whereOf(line)}</span> “<Marked pieces={markLine(line.text, words)} />”
            </span>
          </>
        );
        return (
          <li key={index}>
            {onSeek && start !== undefined ? (
              <button type="button" class="said-line" onClick={() => onSeek(start)}>
                {content}
              </button>
            ) : (
              <p class="said-line">{content}</p>
            )}
          </li>
        );
      })}
    </ul>
  );
}

interface TranscriptProps {
  item: string;
  /** How many lines there are. */
  total: number;
  words: string[];
  onSeek: Seek;
}

/** All that is said and to be read, fetched when it is opened. */
export function Transcript({ item, total, words, onSeek }: TranscriptProps) {
  const [lines, setLines] = useState<Line[]>([]);
  const [next, setNext] = useState<string | null>();
  const [error, setError] = useState("");
  const abort = useRef(new AbortController());
  useEffect(() => () => abort.current.abort(), []);
  const load = (cursor?: string) => {
    setError("");
    api.lines(item, cursor, abort.current.signal).then(
      (page) => {
        setLines((before) => [...before, ...page.lines]);
        setNext(page.next);
      },
      (reason) => !isAbort(reason) && setError(reason instanceof Error ? reason.message : String(reason)),
    );
  };
  const heard = lines.filter(({ track }) => track === "audio");
  const read = lines.filter(({ track }) => track !== "audio");
  const isAsked = useRef(false);
  return (
    <details
      class="transcript"
      onToggle={(event) => {
        if (!event.currentTarget.open || isAsked.current) return;
        isAsked.current = true;
        load();
      }}
    >
      <summary>
        Transcript, {count(total)} {total === 1 ? "line" : "lines"}
      </summary>
      {next === undefined && !error && (
        <p class="hint" role="status">
          Reading…
        </p>
      )}
      {heard.length > 0 && <Track title="Said" lines={heard} words={words} onSeek={onSeek} />}
      {read.length > 0 && <Track title="To be read" lines={read} words={words} onSeek={onSeek} />}
      {error && <p role="alert">{error}</p>}
      {(next || (error && lines.length === 0)) && (
        <button type="button" class="secondary" onClick={() => load(next ?? undefined)}>
          {next ? "Read on" : "Try again"}
        </button>
      )}
    </details>
  );
}

function Track({ title, lines, words, onSeek }: { title: string; lines: Line[]; words: string[]; onSeek: Seek }) {
  return (
    <>
      <h4>
        <Icon name={signOf(lines[0]!)} /> {title}
      </h4>
      <ol tabIndex={0} aria-label={title}>
        {lines.map((line, index) => {
          const { start } = line;
          return (
            <li key={index}>
              {start !== undefined && (
                <button
                  type="button"
                  class="quiet number"
                  aria-label={`Play from ${clock(start)}`}
                  onClick={() => onSeek(start)}
                >
                  {clock(start)}
                </button>
              )}
              <span>
                <Marked pieces={markLine(line.text, words)} />
              </span>
            </li>
          );
        })}
      </ol>
    </>
  );
}
