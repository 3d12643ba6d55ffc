import { useState } from "preact/hooks";

import { keyNeeded } from "../api/client";
import * as api from "../api/endpoints";
import { loadJobs } from "../state/jobs";
import { reload } from "../state/results";
import { loadStatus } from "../state/status";
import { Dialog } from "./Dialog";

/** Asks for the key of a server that wants one. */
export function KeyDialog() {
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const logIn = async (key: string) => {
    setBusy(true);
    try {
      await api.logIn(key);
      keyNeeded.value = false;
      reload();
      await loadStatus();
      await loadJobs();
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title="Key" class="small" onClose={() => {}}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void logIn(String(new FormData(event.currentTarget).get("key") ?? ""));
        }}
      >
        <h2>This index is locked</h2>
        <p>Its owner gave you a key; it opens the page in this browser.</p>
        <label class="field">
          <span>Key</span>
          <input name="key" type="password" autocomplete="current-password" required autofocus />
        </label>
        {wrong && (
          <p class="refusal" role="alert">
            {wrong}
          </p>
        )}
        <button type="submit" class="primary" disabled={busy}>
          Open
        </button>
      </form>
    </Dialog>
  );
}
