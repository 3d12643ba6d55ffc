import { signal } from "@preact/signals";

/** Set while the server asks for a key; the page shows the dialog for it. */
export const keyNeeded = signal(false);

/** How often a server that is busy is asked again. */
const TRIES = 6;

const HEADLINES: Record<number, string> = {
  400: "This cannot be asked",
  401: "A key is needed",
  403: "This key may not do that",
  404: "It is not there any more",
  422: "This cannot be asked",
  429: "Too much at once",
  500: "The server failed",
  503: "The server is busy",
};

/** A refusal of the server, in its own words, or that it could not be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly field?: string,
  ) {
    super(detail || title);
  }

  /** What happened, in a few words of the page; `detail` has the server's. */
  get headline(): string {
    return HEADLINES[this.status] ?? this.title;
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Asks the API and takes its JSON; waits and asks again as a busy server (503) says. */
export async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const response = await reach(path, init);
    if (response.status === 503 && attempt < TRIES) {
      await pause(retryAfter(response), init.signal);
      continue;
    }
    if (!response.ok) throw await refusal(response);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }
}

export function askJson<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return ask<T>(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
}

/** Waits until a preview has been made; what it is comes from `path` afterwards. */
export async function untilMade(path: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const response = await reach(path, { headers: { Range: "bytes=0-0" }, signal });
    if (response.status === 202 || response.status === 503) {
      await pause(retryAfter(response), signal);
      continue;
    }
    if (!response.ok) throw await refusal(response);
    await response.body?.cancel();
    return;
  }
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(`/api/v1${path}`, { credentials: "same-origin", ...init });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(
      0,
      "The server does not answer",
      "Start it with `sensorium serve`, or look at its log when it should be running.",
    );
  }
}

async function refusal(response: Response): Promise<ApiError> {
  if (response.status === 401) keyNeeded.value = true;
  const problem: { title?: string; detail?: string; field?: string } = await response.json().catch(() => ({}));
  const title = problem.title ?? `The server answered ${response.status}`;
  return new ApiError(response.status, title, problem.detail ?? "", problem.field);
}

/** Seconds that the server wants to be left alone, within reason. */
function retryAfter(response: Response): number {
  const seconds = Number(response.headers.get("Retry-After"));
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 30) : 1;
}

function pause(seconds: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("aborted", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
