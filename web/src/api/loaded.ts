import { useEffect, useState } from "preact/hooks";

import { ApiError } from "./client";

/** What `load` gives, asked for once and given up with the view. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>): { answer?: T; error?: ApiError } {
  const [answer, setAnswer] = useState<T>();
  const [error, setError] = useState<ApiError>();
  useEffect(() => {
    const abort = new AbortController();
    load(abort.signal).then(
      (loaded) => setAnswer(() => loaded),
      (reason) => reason instanceof ApiError && setError(reason),
    );
    return () => abort.abort();
    // It is asked for once, whatever is rendered.
  }, []);
  return { answer, error };
}
