import { execFile, spawn } from "node:child_process";
import { access, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { test as base } from "@playwright/test";

/** The binary under test. */
const BINARY = process.env.SENSORIUM ?? "sensorium";
export const DEMO = path.resolve(import.meta.dirname, "../../demo");
const SIGN = path.resolve(import.meta.dirname, "../../crates/model/tests/print/sign.png");
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
  words: Words;
}

/** A picture in which words are to be read, and a sound in which some are said. */
interface Words {
  folder: string;
  index: string;
  /** Whether the sound could be made, and heard. */
  speaks: boolean;
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
  words: [
    async ({ scratch }, use) => {
      const folder = path.join(scratch, "words");
      await mkdir(folder);
      await copyFile(SIGN, path.join(folder, "sign.png"));
      const speaks = (await hears()) && (await speak(path.join(folder, "trip.wav")));
      const index = path.join(scratch, "words-index");
      await sensorium("index", "--index", index, folder, "--print", ...(speaks ? ["--speech"] : []));
      await use({ folder, index, speaks });
    },
    { scope: "worker", timeout: 300_000 },
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

/** Whether there is what hears words: it lies beside the model. */
async function hears(): Promise<boolean> {
  const model = process.env.SENSORIUM_MODEL ?? path.resolve(DEMO, "../models/base");
  return access(path.join(model, "../speech/model.toml")).then(
    () => true,
    () => false,
  );
}

/** Makes a sound of two spoken sentences with a pause between; ffmpeg has a voice of its own in some builds only. */
async function speak(file: string): Promise<boolean> {
  const say = (text: string) => ["-f", "lavfi", "-i", `flite=text='${text}':voice=slt`];
  const sentences = [
    "The ferry to the island leaves at seven in the morning.",
    "In the evening we look at the old lighthouse.",
  ];
  const joined = ["-filter_complex", "[0]apad=pad_dur=4[a];[a][1]concat=n=2:v=0:a=1", "-ac", "1", "-ar", "16000"];
  const made = promisify(execFile)("ffmpeg", ["-v", "error", "-y", ...sentences.flatMap(say), ...joined, file]);
  return made.then(
    () => true,
    () => false,
  );
}

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
