import { useState } from "preact/hooks";

import { ApiError } from "../api/client";
import { remove } from "../api/endpoints";
import { MODALITIES, type Job } from "../api/types";
import { Dialog, DialogHead } from "../components/Dialog";
import { Icon } from "../components/icons";
import { Failure, Refusal } from "../components/Notices";
import { bytes, count, counted, plural } from "../lib/format";
import { cancel, index, isOver, jobs } from "../state/jobs";
import { reload } from "../state/results";
import { search } from "../state/router";
import { loggedIn, logOut } from "../state/session";
import { loadStatus, mayWrite, roots, status, statusError } from "../state/status";

/** What is indexed, what was refused and why, and work that goes on. */
export function IndexView() {
  const [adding, setAdding] = useState(false);
  const [error, setError] = useState("");
  const now = status.value;
  if (!now) {
    const failed = statusError.value;
    return failed ? <Failure error={failed} /> : <p class="state">Reading…</p>;
  }
  const refresh = () =>
    index([]).then(
      () => setError(""),
      (reason: Error) => setError(reason.message),
    );
  return (
    <section class="page">
      <header class="page-head">
        <h2>Index</h2>
        <p>
          <code>{now.space}</code>, sensorium {now.version}
        </p>
        {mayWrite.value && (
          <div class="actions">
            <button type="button" class="primary" onClick={() => setAdding(true)}>
              <Icon name="plus" /> Add a folder
            </button>
            <button type="button" class="secondary" onClick={refresh}>
              Look for changes
            </button>
          </div>
        )}
        <Access onError={setError} />
      </header>
      {error && <Refusal>{error}</Refusal>}
      <dl class="numbers">
        {MODALITIES.map((modality) => (
          <div key={modality} class={`modality ${modality}`}>
            <dt>
              <Icon name={modality} /> {plural(modality)}
            </dt>
            <dd class="number">{count(now.items[modality] ?? 0)}</dd>
          </div>
        ))}
        <div>
          <dt>On disk</dt>
          <dd class="number">{bytes(now.bytes.total)}</dd>
        </div>
      </dl>
      {jobs.value.length > 0 && (
        <>
          <h3>Work</h3>
          <ul class="jobs">
            {jobs.value.slice(0, 8).map((job) => (
              <JobRow key={job.id} job={job} />
            ))}
          </ul>
        </>
      )}
      <h3>Folders</h3>
      <ul class="folders">
        {roots.value.map((root) => (
          <Root key={root} path={root} onError={setError} />
        ))}
        {roots.value.length === 0 && <li class="hint">None yet.</li>}
      </ul>
      {now.refused_total > 0 && <Refused />}
      {adding && <AddFolder onClose={() => setAdding(false)} />}
    </section>
  );
}

/** What may be done here, where that is not everything, and the way out. */
function Access({ onError }: { onError: (error: string) => void }) {
  if (mayWrite.value && !loggedIn.value) return null;
  return (
    <p class="access">
      {!mayWrite.value && (
        <span>
          {loggedIn.value ? "Your key lets you" : "This server lets you"} search and look, not add or remove anything.
        </span>
      )}
      {loggedIn.value && (
        <button
          type="button"
          class="secondary"
          onClick={() => logOut().catch((reason: Error) => onError(reason.message))}
        >
          Log out
        </button>
      )}
    </p>
  );
}

function Root({ path, onError }: { path: string; onError: (error: string) => void }) {
  const [asks, setAsks] = useState(false);
  const forget = async () => {
    try {
      await remove([path]);
      reload();
      await loadStatus();
    } catch (error) {
      onError(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <li>
      <Icon name="folder" />
      <button type="button" class="quiet grow" title="Search in this folder" onClick={() => search({ folder: path })}>
        {path}
      </button>
      {mayWrite.value &&
        (asks ? (
          <>
            <span class="hint">The files stay.</span>
            <button type="button" class="secondary" onClick={forget}>
              Forget it
            </button>
            <button type="button" class="quiet" onClick={() => setAsks(false)}>
              Keep
            </button>
          </>
        ) : (
          <button
            type="button"
            class="round"
            aria-label={`Forget ${path}`}
            title="Forget"
            onClick={() => setAsks(true)}
          >
            <Icon name="close" />
          </button>
        ))}
    </li>
  );
}

const STATES: Record<Job["state"], string> = {
  queued: "Waits",
  running: "Indexing",
  done: "Done",
  failed: "Failed",
  cancelled: "Stopped",
};

/** What a stage of a job does, and with what. */
const STAGES: Record<NonNullable<Job["stage"]>["work"], [string, string]> = {
  reencoding: ["bringing items into the model's space", "items"],
  arranging: ["arranging vectors", "vectors"],
  transcribing: ["recognising words", "files"],
};

/** How far a job is, in words. */
function progressOf({ stage, done, planned, walked }: Job): string {
  if (stage) {
    const [work, things] = STAGES[stage.work];
    return `${work}, ${count(stage.done)} of ${count(stage.planned)} ${things}`;
  }
  return planned !== null ? `${count(done)} of ${count(planned)} files` : `${count(walked)} files found`;
}

function JobRow({ job }: { job: Job }) {
  const { state, paths, report, error } = job;
  const { done, planned } = job.stage ?? job;
  const what = paths.length > 0 ? paths.join(", ") : "all folders";
  const said = error
    ? error
    : report
      ? [
          `${count(report.added)} added`,
          report.updated > 0 && `${count(report.updated)} updated`,
          report.dropped > 0 && `${count(report.dropped)} gone`,
          `${count(report.unchanged)} unchanged`,
          report.transcribed !== undefined && `${count(report.transcribed)} searched for words`,
          report.refused.length > 0 && `${count(report.refused.length)} refused`,
        ]
          .filter(Boolean)
          .join(", ")
      : progressOf(job);
  return (
    <li class={`job ${state}`}>
      <div class="job-head">
        <strong>{STATES[state]}</strong>
        <span class="grow">{what}</span>
        {!isOver(job) && (
          <button type="button" class="quiet" onClick={() => void cancel(job).catch(() => {})}>
            Stop
          </button>
        )}
      </div>
      {!isOver(job) && (
        <progress aria-label={`Indexing ${what}`} max={planned ?? undefined} value={planned ? done : undefined} />
      )}
      <p class="hint number" role="status">
        {said}
      </p>
    </li>
  );
}

function Refused() {
  const { refused, refused_total } = status.value!;
  return (
    <details class="refused">
      <summary>
        {count(refused_total)} {refused_total === 1 ? "file was" : "files were"} refused
      </summary>
      <ul>
        {refused.map(({ path, cause }) => (
          <li key={path}>
            <code>{path}</code>
            <span>{cause}</span>
          </li>
        ))}
      </ul>
      {refused_total > refused.length && <p class="hint">These are the first {refused.length}.</p>}
    </details>
  );
}

function AddFolder({ onClose }: { onClose: () => void }) {
  const [error, setError] = useState("");
  const [job, setJob] = useState("");
  const [busy, setBusy] = useState(false);
  const add = async (paths: string[]) => {
    setBusy(true);
    setError("");
    try {
      setJob((await index(paths)).id);
    } catch (reason) {
      setError(reason instanceof ApiError ? reason.detail || reason.title : String(reason));
    } finally {
      setBusy(false);
    }
  };
  const running = jobs.value.find(({ id }) => id === job);
  return (
    <Dialog title="Add a folder" class="small" onClose={onClose}>
      <DialogHead title="Add a folder" onClose={onClose} />
      {running ? (
        <>
          <ul class="jobs">
            <JobRow job={running} />
          </ul>
          {isOver(running) && status.value && (
            <p>
              Now to be found:{" "}
              {MODALITIES.filter((modality) => (status.value!.items[modality] ?? 0) > 0)
                .map((modality) => counted(status.value!.items[modality], modality))
                .join(", ")}
              .
            </p>
          )}
          <button type="button" class="primary" onClick={onClose}>
            {isOver(running) ? "Done" : "Go on in the background"}
          </button>
        </>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const written = String(new FormData(event.currentTarget).get("paths") ?? "");
            void add(written.split("\n").flatMap((line) => line.trim() || []));
          }}
        >
          <label class="field">
            <span>Folder on the server's machine</span>
            <textarea name="paths" rows={2} required placeholder="/home/me/Pictures" spellcheck={false} />
          </label>
          <p class="hint">
            An absolute path a line. Pictures, sounds, videos and texts in it are indexed; nothing is copied.
          </p>
          {error && <Refusal>{error}</Refusal>}
          <button type="submit" class="primary" disabled={busy}>
            Index it
          </button>
        </form>
      )}
    </Dialog>
  );
}
