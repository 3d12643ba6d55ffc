import { useEffect, useState } from "preact/hooks";

import { ApiError, isAbort } from "../api/client";
import * as api from "../api/endpoints";
import type { Hit, Item } from "../api/types";
import { Facts } from "../item/Facts";
import { Transcript } from "../item/Lines";
import { Similar } from "../item/Similar";
import { Stage } from "../item/Stage";
import { Why } from "../item/Why";
import { folderOf, nameOf, noun } from "../lib/format";
import { closeItem, openItem, query, search, searchFor } from "../state/router";
import { explain, results, type Entry } from "../state/results";
import { stop } from "../state/player";
import { remember } from "../state/titles";
import { Dialog } from "./Dialog";
import { Icon } from "./icons";

/** One item: itself, why it was found, and what is like it. */
export function ItemDialog({ id }: { id: string }) {
  const { entries } = results.value;
  const index = entries.findIndex((entry) => entry.item === id);
  const found = entries[index];
  const [item, error] = useItem(id);
  const hit = useExplained(found);
  const [heat, setHeat] = useState(false);
  const [from, setFrom] = useState<{ item: string; seconds: number }>();
  useEffect(() => stop(), [id]);

  const entry: Entry | undefined = found ?? (item?.item === id ? item : undefined);
  const step = (by: number) => {
    const next = entries[index < 0 ? -1 : index + by];
    if (next) openItem(next.item);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if ((event.target as HTMLElement).matches("input, video, audio, .moment")) return;
    if (event.key === "ArrowRight") step(1);
    else if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "h") setHeat(!heat);
    else return;
    event.preventDefault();
  };

  return (
    <Dialog title={entry ? nameOf(entry) : "Item"} class="item" onClose={closeItem}>
      <div class="item-body" tabIndex={-1} data-first onKeyDown={onKeyDown}>
        <div class="stage">
          {entry && <Stage key={id} entry={entry} hit={hit} heat={heat} from={from?.item === id ? from : undefined} />}
          {!entry && error && (
            <p class="state" role="alert">
              {error}
            </p>
          )}
          {index > 0 && <Step back onClick={() => step(-1)} />}
          {index >= 0 && index < entries.length - 1 && <Step onClick={() => step(1)} />}
        </div>
        <div class="about" tabIndex={0} role="group" aria-label="About it">
          <header class="about-head">
            <div>
              <h2>{entry && nameOf(entry)}</h2>
              {entry && (
                <p class="where">
                  <button
                    type="button"
                    class="quiet"
                    title="Search in this folder"
                    onClick={() => search({ folder: folderOf(entry.path) })}
                  >
                    {folderOf(entry.path)}
                  </button>
                </p>
              )}
            </div>
            <button type="button" class="round" aria-label="Close" title="Close (Esc)" onClick={closeItem}>
              <Icon name="close" />
            </button>
          </header>
          {entry && <Actions entry={entry} />}
          {hit && <Why hit={hit} heat={heat} onHeat={setHeat} />}
          {item?.lines_total !== undefined && item.lines_total > 0 && (
            <Transcript
              key={id}
              item={id}
              total={item.lines_total}
              words={hit?.words ?? []}
              onSeek={(seconds) => setFrom({ item: id, seconds })}
            />
          )}
          {entry && <Similar key={id} entry={entry} />}
          {entry && <Facts entry={entry} item={item} />}
        </div>
      </div>
    </Dialog>
  );
}

function Step({ back = false, onClick }: { back?: boolean; onClick: () => void }) {
  return (
    <button
      type="button"
      class={`step ${back ? "back" : "on"}`}
      aria-label={back ? "The one before" : "The next one"}
      onClick={onClick}
    >
      <Icon name={back ? "previous" : "next"} />
    </button>
  );
}

function Actions({ entry }: { entry: Entry }) {
  const part = (without: boolean) => ({ kind: "item" as const, value: entry.item, weight: 1, without });
  const add = (without: boolean) => {
    remember(entry);
    search({ parts: [...query.value.parts, part(without)] });
  };
  const asked = query.value.text !== "" || query.value.parts.length > 0;
  return (
    <div class="actions">
      <button
        type="button"
        class="primary"
        onClick={() => {
          remember(entry);
          searchFor({ text: "", parts: [part(false)] });
        }}
      >
        <Icon name="alike" /> More like this
      </button>
      {asked && (
        <>
          <button type="button" class="secondary" onClick={() => add(false)}>
            <Icon name="plus" /> Add to the search
          </button>
          <button type="button" class="secondary" onClick={() => add(true)}>
            <Icon name="minus" /> Not like this
          </button>
        </>
      )}
      <a class="secondary" href={api.url.media(entry.item)} target="_blank" rel="noreferrer">
        Open the {noun(entry.modality)}
      </a>
    </div>
  );
}

function useItem(id: string): [Item | undefined, string] {
  const [item, setItem] = useState<Item>();
  const [error, setError] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    setError("");
    api.item(id, abort.signal).then(setItem, (reason) => {
      if (isAbort(reason)) return;
      setError(reason instanceof ApiError ? `${reason.title}. ${reason.detail}` : String(reason));
    });
    return () => abort.abort();
  }, [id]);
  return [item?.item === id ? item : undefined, error];
}

/** The hit, and as soon as it is known why it was found. */
function useExplained(entry: Entry | undefined): Hit | undefined {
  const [explained, setExplained] = useState<Hit>();
  const id = entry?.hit && entry.item;
  useEffect(() => {
    if (!id) return;
    const abort = new AbortController();
    // Who only passes by does not need to know.
    const timer = setTimeout(() => {
      const index = results.peek().entries.findIndex(({ item }) => item === id);
      explain(index, abort.signal).then(setExplained, () => {});
    }, 150);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [id]);
  if (!entry?.hit) return undefined;
  return explained?.item === entry.item ? { ...entry.hit, explain: explained.explain ?? {} } : entry.hit;
}
