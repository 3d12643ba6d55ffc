import type { ApiError } from "../api/client";
import { Filters } from "../components/Filters";
import { Gallery } from "../components/Gallery";
import { Icon, Mark } from "../components/icons";
import { Refusal } from "../components/Notices";
import { capital, count } from "../lib/format";
import { asksSomething, isFiltered } from "../state/query";
import { query, search, show } from "../state/router";
import { reload, results } from "../state/results";
import { isEmpty, mayWrite, status } from "../state/status";
import { playerError } from "../state/player";

export function SearchView() {
  if (isEmpty.value) return <EmptyIndex />;
  const { entries, error, loading, noMatch } = results.value;
  return (
    <>
      <Filters />
      <Summary />
      {playerError.value && <Refusal>{playerError.value}</Refusal>}
      {error && <Failed error={error} />}
      {noMatch && entries.length > 0 && (
        <div class="notice">
          <strong>Nothing matches well.</strong> This is what comes nearest – other words, or an example, may find more.
        </div>
      )}
      {!error && !loading && entries.length === 0 && <NothingFound />}
      {loading && entries.length === 0 && <Waiting />}
      {entries.length > 0 && <Gallery results={results.value} />}
    </>
  );
}

/** How much was found, said to screen readers, too. */
function Summary() {
  const { entries, loading, next, total, took, error, request } = results.value;
  const number = `${next ? "The first " : ""}${count(entries.length)}`;
  const said = error
    ? ""
    : loading && entries.length === 0
      ? "Looking…"
      : request
        ? `${number} ${entries.length === 1 ? "result" : "results"}${took === undefined ? "" : ` in ${took < 10 ? took.toFixed(1) : count(Math.round(took))} ms`}`
        : `${count(total ?? entries.length)} in the collection, the last indexed first`;
  return (
    <p class={`summary number ${loading ? "busy" : ""}`} role="status" aria-live="polite">
      {said}
    </p>
  );
}

function EmptyIndex() {
  return (
    <section class="state">
      <Mark />
      <h2>Nothing is indexed yet</h2>
      {mayWrite.value ? (
        <>
          <p>Name a folder. Sensorium looks and listens through it once, and everything in it can be found.</p>
          <button type="button" class="primary" onClick={() => show("index")}>
            Add a folder
          </button>
        </>
      ) : (
        <p>
          Its owner can add folders: <code>sensorium index ~/Pictures</code>
        </p>
      )}
    </section>
  );
}

function NothingFound() {
  const filtered = isFiltered(query.value);
  const unwantedOnly = !asksSomething(query.value) && (query.value.parts.length > 0 || query.value.text !== "");
  return (
    <section class="state">
      <Icon name="search" class="icon large" />
      <h2>{unwantedOnly ? "Say what you look for, too" : "Nothing here"}</h2>
      {unwantedOnly && <p>What is left out alone finds nothing.</p>}
      {filtered && !unwantedOnly && <p>No item passes the filters.</p>}
      {filtered && (
        <button
          type="button"
          class="primary"
          onClick={() => search({ to: [], since: "", until: "", folder: "", where: "" })}
        >
          Remove the filters
        </button>
      )}
    </section>
  );
}

function Failed({ error }: { error: ApiError }) {
  // Where in a condition the fault is, the server draws below its message.
  const [message, ...drawing] = error.detail.split("\n");
  const wrongCondition = error.status === 400 && query.value.where !== "";
  return (
    <section class="state" role="alert">
      <Icon name="alert" class="icon large" />
      <h2>{error.headline}</h2>
      {message && <p>{capital(message)}</p>}
      {drawing.length > 0 && (
        <pre>
          <code>{drawing.join("\n")}</code>
        </pre>
      )}
      {wrongCondition ? (
        <button type="button" class="primary" onClick={() => search({ where: "" })}>
          Remove the condition
        </button>
      ) : (
        <button type="button" class="primary" onClick={reload}>
          Try again
        </button>
      )}
    </section>
  );
}

/** Grey boxes where results will be. */
function Waiting() {
  const shown = status.value ? 12 : 8;
  return (
    <div class="waiting" aria-hidden="true">
      {Array.from({ length: shown }, (_, index) => (
        <span key={index} class={`w${index % 4}`} />
      ))}
    </div>
  );
}
