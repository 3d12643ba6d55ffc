import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { DEMO, expect, test as base } from "./sensorium";

interface Own {
  /** A page in a browser whose microphone hears a sound of the demo pack; it may not be used unless it is allowed. */
  hearing: (sound: string, allowed?: boolean) => Promise<Page>;
}

const test = base.extend<Own>({
  hearing: async ({ playwright, server, scratch }, use, { project }) => {
    const { launchOptions } = project.use;
    const closings: (() => Promise<void>)[] = [];
    await use(async (sound, allowed = true) => {
      const heard = path.join(scratch, "heard.wav");
      await promisify(execFile)("ffmpeg", ["-v", "error", "-y", "-i", path.join(DEMO, sound), "-ar", "48000", heard]);
      const flags = ["--use-fake-device-for-media-stream", `--use-file-for-fake-audio-capture=${heard}`];
      if (allowed) flags.push("--use-fake-ui-for-media-stream");
      const args = [...(launchOptions?.args ?? []), ...flags];
      const browser = await playwright.chromium.launch({ ...launchOptions, args });
      closings.push(() => browser.close());
      const context = await browser.newContext({ baseURL: server, reducedMotion: "reduce" });
      return context.newPage();
    });
    for (const close of closings) await close();
  },
});

const record = (page: Page) => page.getByRole("button", { name: "Record a sound" });

test("a recorded animal finds that animal, and can be heard of in pictures", async ({ hearing }) => {
  const page = await hearing("sounds/crow.opus");
  await page.goto("/?to=audio");
  await record(page).click();
  const stop = page.getByRole("button", { name: "Stop recording and search" });
  await expect(stop).toContainText("0:01");
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await expect(stop).toContainText(/0:0[3-9]/);
  await stop.click();
  await expect(record(page)).toBeVisible();
  await expect(page.getByRole("button", { name: /^recording.webm, weight 1: change/ })).toBeVisible();
  await expect(page).toHaveURL(/part=upload:/);
  await expect(page.locator(".tile-open").first()).toHaveAccessibleName(/crow/);
  await page.getByRole("button", { name: /^Sounds/ }).click();
  await page.getByRole("button", { name: /^Pictures/ }).click();
  await expect(page.locator(".tile.image").first()).toBeVisible();
});

test("a second click before the recording begins records once", async ({ hearing }) => {
  const page = await hearing("sounds/crow.opus");
  await page.goto("/");
  const begun = await page.evaluateHandle(() => {
    const begun = { recorders: [] as MediaRecorder[] };
    const start = MediaRecorder.prototype.start;
    MediaRecorder.prototype.start = function (...args) {
      begun.recorders.push(this);
      return start.apply(this, args);
    };
    return begun;
  });
  await record(page).evaluate((button: HTMLButtonElement) => {
    button.click();
    button.click();
  });
  await page.getByRole("button", { name: "Stop recording and search" }).click();
  await expect(record(page)).toBeVisible();
  expect(await begun.evaluate(({ recorders }) => recorders.map(({ state }) => state))).toEqual(["inactive"]);
});

test("a microphone that is not allowed is told, with what to do", async ({ hearing }) => {
  const page = await hearing("sounds/crow.opus", false);
  await page.goto("/");
  await record(page).click();
  await expect(page.getByRole("alert")).toContainText("was not allowed to use the microphone");
  await page.getByRole("button", { name: "Dismiss" }).click();
  await expect(page.getByRole("alert")).toHaveCount(0);
});
