import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ApiError, ask, isAbort, keyNeeded, untilMade } from "../src/api/client";

/** Answers in the order in which they are given. */
let answers: (() => Response)[] = [];
let asked = 0;

beforeEach(() => {
  vi.useFakeTimers();
  asked = 0;
  keyNeeded.value = false;
  vi.stubGlobal("fetch", async (_: string, { signal }: RequestInit) => {
    if (signal?.aborted) throw new DOMException("aborted", "AbortError");
    const answer = answers[Math.min(asked++, answers.length - 1)]!;
    return answer();
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const ok = () => Response.json({ fine: true });
const busy = () => new Response("{}", { status: 503, headers: { "Retry-After": "2" } });
const problem = (status: number) =>
  Response.json({ title: "Bad Request", detail: "say more", field: "where" }, { status });

describe("a busy server", () => {
  it("is asked again when it said", async () => {
    answers = [busy, ok];
    const answer = ask("/status");
    await vi.advanceTimersByTimeAsync(1900);
    expect(asked).toBe(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(await answer).toEqual({ fine: true });
    expect(asked).toBe(2);
  });

  it("is not asked for ever", async () => {
    answers = [busy];
    const answer = ask("/status").catch((error: unknown) => error as ApiError);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(((await answer) as ApiError).status).toBe(503);
    expect(asked).toBeLessThan(10);
  });

  it("is left alone when the search was given up", async () => {
    answers = [busy, ok];
    const abort = new AbortController();
    const answer = ask("/search", { signal: abort.signal }).catch((error: unknown) => error as ApiError);
    await vi.advanceTimersByTimeAsync(500);
    abort.abort();
    expect(isAbort(await answer)).toBe(true);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toBe(1);
  });
});

/** What was thrown. */
async function refused(asking: Promise<unknown>): Promise<ApiError> {
  const error = await asking.catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

describe("a refusal", () => {
  it("has the server's words and the field that was wrong", async () => {
    answers = [() => problem(400)];
    const error = await refused(ask("/search"));
    expect([error.status, error.detail, error.field]).toEqual([400, "say more", "where"]);
    expect(keyNeeded.value).toBe(false);
  });

  it("for want of a key opens the dialog for it", async () => {
    answers = [() => problem(401)];
    await ask("/status").catch(() => {});
    expect(keyNeeded.value).toBe(true);
  });

  it("that is no JSON is an error all the same", async () => {
    answers = [() => new Response("<html>", { status: 502 })];
    const error = await refused(ask("/status"));
    expect(error.status).toBe(502);
    expect(error.message).not.toBe("");
  });

  it("to answer at all says how to start the server", async () => {
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("failed to fetch");
    });
    const error = await refused(ask("/status"));
    expect(error.status).toBe(0);
    expect(error.detail).toContain("sensorium serve");
  });
});

it("a preview is waited for while it is made", async () => {
  const making = () => Response.json({ status: "making" }, { status: 202, headers: { "Retry-After": "1" } });
  answers = [making, making, () => new Response("v", { status: 206 })];
  const made = untilMade("/items/b3:1/preview", new AbortController().signal);
  await vi.advanceTimersByTimeAsync(2500);
  await made;
  expect(asked).toBe(3);
});
