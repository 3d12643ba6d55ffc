import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { test as base } from "@playwright/test";

/** The binary under test. */
const BINARY = process.env.SENSORIUM ?? "sensorium";
export const DEMO = path.resolve(import.meta.dirname, "../../demo");
const FOLDERS = ["photos", "sounds", "videos", "notes"].map((name) => path.join(DEMO, name));

/** Runs the binary to its end and returns what it prints. */
export async function sensorium(...args: string[]): Promise<string> {
  return (await promisify(execFile)(BINARY, args)).stdout;
}

interface Server {
  address: string;
  stop: () => Promise<void>;
}

/** Starts a server at a port that is free. */
async function serve(options: string[]): Promise<Server> {
  const server = spawn(BINARY, ["serve", "--port", "0", ...options], { stdio: ["ignore", "pipe", "pipe"] });
  const address = await new Promise<string>((resolve, reject) => {
    let said = "";
    const listen = (data: Buffer) => {
      said += data;
      const found = /http:\/\/[\d.]+:\d+/.exec(said);
      if (found) resolve(found[0]);
    };
    server.stdout.on("data", listen);
    server.stderr.on("data", listen);
    server.on("error", reject);
    server.on("exit", (code) => reject(new Error(`${BINARY} serve ended with ${code}: ${said}`)));
  });
  const stop = async () => {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGTERM");
    await ended;
  };
  return { address, stop };
}

/** How many notes `many` has. */
export const MANY = Number(process.env.MANY ?? 2000);

/** A recall card of a few pairs of the demo pack. */
interface Card {
  /** What `sensorium eval --out` wrote. */
  folder: string;
  directions: Record<string, { r1: number; r10: number; gallery: number }>;
}

/** What all tests share, each made when the first test needs it. */
interface Shared {
  /** A folder that is there as long as the tests run. */
  scratch: string;
  /** An index of the demo pack. */
  index: string;
  /** The address of a server on it, which anyone may ask for anything. */
  server: string;
  card: Card;
  /** An index of many short notes. */
  many: string;
}

interface Own {
  /** Starts a server that ends with the test, on the index of the demo pack unless `--index` says another. */
  start: (...options: string[]) => Promise<string>;
}

export const test = base.extend<Own, Shared>({
  scratch: [
    // Playwright reads the names of fixtures out of the pattern.
    async ({}, use) => {
      const folder = await mkdtemp(path.join(tmpdir(), "sensorium-page-"));
      await use(folder);
      await rm(folder, { recursive: true, force: true });
    },
    { scope: "worker" },
  ],
  index: [
    async ({ scratch }, use) => {
      const index = path.join(scratch, "index");
      await sensorium("index", "--index", index, ...FOLDERS);
      await use(index);
    },
    { scope: "worker", timeout: 300_000 },
  ],
  server: [
    async ({ scratch, index }, use) => {
      const { address, stop } = await serve(["--index", index, "--cache", path.join(scratch, "cache")]);
      await use(address);
      await stop();
    },
    { scope: "worker" },
  ],
  card: [
    async ({ scratch }, use) => {
      const pairs = path.join(scratch, "pairs.jsonl");
      await writeFile(pairs, await fewPairs());
      const folder = path.join(scratch, "card");
      await sensorium("eval", pairs, "--out", folder);
      const { directions } = JSON.parse(await readFile(path.join(folder, "recall.json"), "utf8")) as Card;
      await use({ folder, directions });
    },
    { scope: "worker", timeout: 120_000 },
  ],
  many: [
    async ({ scratch }, use) => {
      const folder = path.join(scratch, "many");
      await mkdir(folder);
      await writeFile(path.join(folder, "notes.jsonl"), manyNotes());
      const index = path.join(scratch, "many-index");
      await sensorium("index", "--index", index, folder);
      await use(index);
    },
    { scope: "worker", timeout: 600_000 },
  ],
  start: async ({ scratch, index }, use) => {
    const servers: Server[] = [];
    await use(async (...options) => {
      const which = options.includes("--index") ? [] : ["--index", index];
      const server = await serve(["--cache", path.join(scratch, "cache"), ...which, ...options]);
      servers.push(server);
      return server.address;
    });
    for (const { stop } of servers) await stop();
  },
  baseURL: async ({ server }, use) => use(server),
});

/** The first pairs of the demo pack, for a file in another folder. */
async function fewPairs(): Promise<string> {
  const lines = (await readFile(path.join(DEMO, "pairs.jsonl"), "utf8")).split("\n").slice(0, 10);
  const pairs = lines.map((line) => {
    const pair = JSON.parse(line) as Record<string, string>;
    for (const kind of ["image", "audio", "video"]) {
      if (pair[kind]) pair[kind] = path.join(DEMO, pair[kind]);
    }
    return JSON.stringify(pair);
  });
  return pairs.join("\n");
}

/** Records of which each is an item, from `Note 1: a boat at dawn.` on. */
function manyNotes(): string {
  const things = ["boat", "dog", "train", "piano", "violin", "owl", "kettle", "tractor", "harbour", "forest", "bell"];
  const places = [
    "at dawn",
    "in the rain",
    "by the river",
    "under a bridge",
    "on a hill",
    "near the sea",
    "in the snow",
  ];
  const note = (at: number) => `Note ${at + 1}: a ${things[at % things.length]} ${places[at % places.length]}.`;
  return Array.from({ length: MANY }, (_, at) => JSON.stringify({ text: note(at) })).join("\n");
}

export { expect } from "@playwright/test";
