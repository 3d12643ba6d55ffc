import { useRef, useState } from "preact/hooks";

import { capital } from "../lib/format";
import { logIn } from "../state/session";
import { Dialog } from "./Dialog";
import { Mark } from "./icons";
import { Refusal } from "./Notices";

/** Asks for the key of a server that wants one. */
export function KeyDialog() {
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const show = async (key: string) => {
    setBusy(true);
    setWrong("");
    try {
      await logIn(key);
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
      setBusy(false);
      input.current?.focus();
      input.current?.select();
    }
  };
  return (
    <Dialog title="Key" class="small key">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void show(String(new FormData(event.currentTarget).get("key") ?? "").trim());
        }}
      >
        <Mark />
        <h1>This index is locked</h1>
        <p>Its owner gave you a key; it opens the page in this browser.</p>
        <label class="field">
          <span>Key</span>
          <input ref={input} data-first name="key" type="password" autocomplete="current-password" required />
        </label>
        {wrong && <Refusal>{capital(wrong)}.</Refusal>}
        <button type="submit" class="primary" disabled={busy}>
          Open
        </button>
      </form>
    </Dialog>
  );
}
