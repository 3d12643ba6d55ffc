import { useState } from "preact/hooks";

import { MODALITIES, type Modality } from "../api/types";
import { count, date, fileName, plural } from "../lib/format";
import { isFiltered } from "../state/query";
import { query, search } from "../state/router";
import { results } from "../state/results";
import { status } from "../state/status";
import { Icon } from "./icons";
import { Popup } from "./Popup";

/** What answers have to be: of a modality, of a time, in a folder. */
export function Filters() {
  const filtered = isFiltered(query.value) || query.value.rerank;
  return (
    <div class="filters" role="group" aria-label="Filters">
      <div class="kinds" role="group" aria-label="Kinds">
        {MODALITIES.map((modality) => (
          <Kind key={modality} modality={modality} />
        ))}
      </div>
      <TimeFilter />
      <FolderFilter />
      <MoreFilters />
      {filtered && (
        <button
          type="button"
          class="quiet"
          onClick={() => search({ to: [], since: "", until: "", folder: "", where: "", rerank: false })}
        >
          Remove filters
        </button>
      )}
    </div>
  );
}

function Kind({ modality }: { modality: Modality }) {
  const { to } = query.value;
  const wanted = to.includes(modality);
  const items = status.value?.items[modality];
  const toggle = () => search({ to: wanted ? to.filter((one) => one !== modality) : [...to, modality] });
  return (
    <button type="button" class={`kind ${modality}`} aria-pressed={wanted} onClick={toggle}>
      <Icon name={modality} />
      <span>{plural(modality)}</span>
      {items !== undefined && <span class="number kind-count">{count(items)}</span>}
    </button>
  );
}

function TimeFilter() {
  const { since, until } = query.value;
  const says =
    !since && !until ? "Any time" : until ? `${since ? date(since) : "…"} – ${date(until)}` : `Since ${date(since)}`;
  const back = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
  return (
    <Popup
      class={`filter ${since || until ? "on" : ""}`}
      title="When it was taken or changed"
      button={
        <>
          <Icon name="time" />
          <span>{says}</span>
          <Icon name="down" />
        </>
      }
    >
      {(close) => (
        <>
          <div class="choices">
            {(
              [
                ["Any time", ""],
                ["Past week", back(7)],
                ["Past month", back(30)],
                ["Past year", back(365)],
              ] as const
            ).map(([name, from]) => (
              <button
                type="button"
                key={name}
                aria-pressed={since === from && !until}
                onClick={() => {
                  search({ since: from, until: "" });
                  close();
                }}
              >
                {name}
              </button>
            ))}
          </div>
          <div class="pair">
            <label class="field">
              <span>From</span>
              <input type="date" value={since} onChange={(event) => search({ since: event.currentTarget.value })} />
            </label>
            <label class="field">
              <span>To</span>
              <input type="date" value={until} onChange={(event) => search({ until: event.currentTarget.value })} />
            </label>
          </div>
        </>
      )}
    </Popup>
  );
}

function FolderFilter() {
  const { folder } = query.value;
  const [part, setPart] = useState("");
  const known = status.value ? status.value.folders : [];
  const shown = known.filter((one) => one.toLowerCase().includes(part.toLowerCase()));
  return (
    <Popup
      class={`filter ${folder ? "on" : ""}`}
      title="Folder"
      button={
        <>
          <Icon name="folder" />
          <span>{folder ? fileName(folder) || folder : "All folders"}</span>
          <Icon name="down" />
        </>
      }
    >
      {(close) => {
        const choose = (chosen: string) => {
          search({ folder: chosen });
          setPart("");
          close();
        };
        return (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              choose(shown.length === 1 ? shown[0]! : part);
            }}
          >
            <label class="field">
              <span>Folder</span>
              <input
                data-first
                value={part}
                placeholder="its path, or a part of it"
                autocomplete="off"
                onInput={(event) => setPart(event.currentTarget.value)}
              />
            </label>
            <div class="choices tall">
              <button type="button" aria-pressed={!folder} onClick={() => choose("")}>
                All folders
              </button>
              {shown.map((one) => (
                <button type="button" key={one} aria-pressed={folder === one} title={one} onClick={() => choose(one)}>
                  <bdi>{one}</bdi>
                </button>
              ))}
            </div>
          </form>
        );
      }}
    </Popup>
  );
}

function MoreFilters() {
  const { where, rerank } = query.value;
  const wrong = results.value.error?.status === 400 && where !== "";
  return (
    <Popup
      class={`filter ${where || rerank ? "on" : ""} ${wrong ? "wrong" : ""}`}
      title="More"
      label="More filters"
      button={
        <>
          <Icon name="tune" />
          <span>{where || "More"}</span>
        </>
      }
    >
      {(close) => (
        <form
          class="wide-panel"
          onSubmit={(event) => {
            event.preventDefault();
            search({ where: String(new FormData(event.currentTarget).get("where") ?? "").trim() });
            close();
          }}
        >
          <label class="field">
            <span>Condition</span>
            <input
              data-first
              name="where"
              defaultValue={where}
              placeholder='duration > 60 and path ~ "2024/*"'
              autocomplete="off"
              spellcheck={false}
              maxLength={2000}
            />
          </label>
          {status.value?.reranker && (
            <label class="check">
              <input
                type="checkbox"
                checked={rerank}
                onChange={(event) => search({ rerank: event.currentTarget.checked })}
              />
              <span>Look a second time at the best – slower, and better in their order</span>
            </label>
          )}
          <button type="submit" class="primary">
            Apply
          </button>
        </form>
      )}
    </Popup>
  );
}
