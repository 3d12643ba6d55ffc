import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { endTyping, query, search, type } from "../state/router";
import { EMPTY } from "../state/query";
import { learn } from "../state/titles";
import { addFiles, dismiss, refusals, sending } from "../state/uploads";
import { Icon } from "./icons";
import { PartChip, Weight } from "./PartChip";
import { Popup } from "./Popup";
import { Recorder } from "./Recorder";

/** How long typing has to rest before it is searched for, in milliseconds. */
const REST = 220;

/** What a tile that is dragged carries. */
export const ITEM_TYPE = "application/x-sensorium-item";

const draft = signal(query.value.text);
let timer: ReturnType<typeof setTimeout> | undefined;

function write(text: string) {
  draft.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => type(draft.value), REST);
}

function submit() {
  clearTimeout(timer);
  type(draft.value.trim());
  endTyping();
}

/** The one box: words, pictures, sounds and clips, several at once. */
export function SearchBox() {
  const input = useRef<HTMLInputElement>(null);
  const file = useRef<HTMLInputElement>(null);
  const { text, parts, weight } = query.value;

  // The address may change without typing: by the back button, or "more like this".
  useEffect(() => {
    clearTimeout(timer);
    if (draft.value.trim() !== text.trim()) draft.value = text;
  }, [text]);
  useEffect(() => {
    for (const part of parts) if (part.kind === "item") void learn(part.value);
  }, [parts]);
  useEffect(() => {
    if (matchMedia("(pointer: fine)").matches && !location.search) input.current?.focus();
  }, []);

  const something = draft.value !== "" || parts.length > 0;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") submit();
    if (event.key === "Backspace" && draft.value === "" && parts.length > 0) search({ parts: parts.slice(0, -1) });
    if (event.key === "ArrowDown") {
      event.preventDefault();
      document.querySelector<HTMLElement>(".gallery [tabindex='0']")?.focus();
    }
  };
  return (
    <div class="box-area">
      <div
        class="box"
        role="search"
        onClick={(event) => event.target === event.currentTarget && input.current?.focus()}
      >
        <Icon name="search" class="icon box-icon" />
        <div class="box-parts">
          {parts.map((part, index) => (
            <PartChip key={`${index}${part.kind}${part.value}`} part={part} index={index} />
          ))}
          {sending.value.map(({ key, name, abort }) => (
            <div class="chip sending" key={key} role="status">
              <span class="spinner" aria-hidden="true" />
              <span class="chip-name">Reading {name}</span>
              <button
                type="button"
                class="chip-remove"
                aria-label={`Stop reading ${name}`}
                onClick={() => abort.abort()}
              >
                <Icon name="close" />
              </button>
            </div>
          ))}
          {parts.length > 0 && text !== "" && (
            <Popup
              class="text-weight number"
              title="How much the words count"
              label={`The words count ${weight} times: change`}
              button={`×${weight}`}
            >
              {() => <Weight weight={weight} onChange={(changed) => search({ weight: changed })} />}
            </Popup>
          )}
          <input
            ref={input}
            id="search"
            type="search"
            aria-label="What to look for"
            placeholder={parts.length > 0 ? "and…" : "Describe it, or drop a picture, sound or clip"}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            enterkeyhint="search"
            maxLength={2000}
            value={draft.value}
            onInput={(event) => write(event.currentTarget.value)}
            onKeyDown={onKeyDown}
            onBlur={endTyping}
          />
        </div>
        <div class="box-tools">
          {something && (
            <button
              type="button"
              class="round"
              aria-label="Clear the search"
              title="Clear"
              onClick={() => {
                draft.value = "";
                search({ ...EMPTY });
                input.current?.focus();
              }}
            >
              <Icon name="close" />
            </button>
          )}
          <Without />
          <button
            type="button"
            class="round"
            aria-label="Search with a file"
            title="Search with a picture, sound or clip"
            onClick={() => file.current?.click()}
          >
            <Icon name="attach" />
          </button>
          <Recorder />
        </div>
        <input
          ref={file}
          type="file"
          hidden
          multiple
          aria-label="Files to search with"
          onChange={(event) => {
            addFiles([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = "";
          }}
        />
      </div>
      {refusals.value.map(({ key, name, reason }) => (
        <p class="refusal" role="alert" key={key}>
          <Icon name="alert" />
          <span>
            <strong>{name}</strong> – {reason}
          </span>
          <button type="button" class="round" aria-label="Dismiss" onClick={() => dismiss(key)}>
            <Icon name="close" />
          </button>
        </p>
      ))}
    </div>
  );
}

/** Adds words that answers shall not be like. */
function Without() {
  return (
    <Popup class="round" title="Leave out" label="Leave something out" button={<Icon name="minus" />}>
      {(close) => (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const value = String(new FormData(event.currentTarget).get("words") ?? "").trim();
            if (!value) return;
            close();
            search({ parts: [...query.value.parts, { kind: "text", value, weight: 1, without: true }] });
          }}
        >
          <label class="field">
            <span>Without</span>
            <input data-first name="words" placeholder="people" maxLength={500} autocomplete="off" />
          </label>
          <p class="hint">
            Or write it in the box: <kbd>beach -people</kbd>
          </p>
          <button type="submit" class="primary">
            Leave out
          </button>
        </form>
      )}
    </Popup>
  );
}
