import { signal } from "@preact/signals";

import { keyNeeded } from "../api/client";
import * as api from "../api/endpoints";
import { loadJobs } from "./jobs";
import { reload } from "./results";
import { loadStatus } from "./status";

const KEY = "sensorium-logged-in";

/** Whether a key was shown in this browser. Its session is in a cookie that only the server reads. */
export const loggedIn = signal(remembered());

/** Begins a session with a key, and asks for what was refused without one. */
export async function logIn(key: string) {
  await api.logIn(key);
  remember(true);
  keyNeeded.value = false;
  reload();
  await loadStatus();
  await loadJobs();
}

/** Ends the session; a new page remembers nothing of what this one showed. */
export async function logOut() {
  await api.logOut();
  remember(false);
  sessionStorage.clear();
  location.replace("/");
}

function remember(value: boolean) {
  loggedIn.value = value;
  try {
    if (value) localStorage.setItem(KEY, "yes");
    else localStorage.removeItem(KEY);
  } catch {
    // Without storage, the way out is offered as long as the page is open.
  }
}

function remembered(): boolean {
  try {
    return localStorage.getItem(KEY) !== null;
  } catch {
    return false;
  }
}
