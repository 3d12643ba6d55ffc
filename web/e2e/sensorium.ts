import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { test as base } from "@playwright/test";

/** The binary under test. */
const BINARY = process.env.SENSORIUM ?? "sensorium";
export const DEMO = path.resolve(import.meta.dirname, "../../demo");
const FOLDERS = ["photos", "sounds", "videos", "notes"].map((name) => path.join(DEMO, name));

/** A server on the demo pack, indexed into a folder of its own. */
export const test = base.extend<object, { server: string }>({
  server: [
    // Playwright reads the names of fixtures out of the pattern.
    async ({}, use) => {
      const folder = await mkdtemp(path.join(tmpdir(), "sensorium-page-"));
      const index = path.join(folder, "index");
      await promisify(execFile)(BINARY, ["index", "--index", index, ...FOLDERS]);
      const server = spawn(BINARY, ["serve", "--index", index, "--cache", path.join(folder, "cache"), "--port", "0"], {
        stdio: ["ignore", "pipe", "pipe"],
      });
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
      await use(address);
      server.kill("SIGTERM");
      await new Promise((resolve) => server.once("exit", resolve));
      await rm(folder, { recursive: true, force: true });
    },
    { scope: "worker", timeout: 300_000 },
  ],
  baseURL: async ({ server }, use) => use(server),
});

export { expect } from "@playwright/test";
