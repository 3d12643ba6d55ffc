import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { expect, test } from "./sensorium";

const tiles = (page: Page) => page.locator(".tile-open");

test("a picture is found by words in it, which its tile and its transcript show", async ({ page, start, words }) => {
  const address = await start("--index", words.index);
  await page.goto(`${address}/?q=parking`);
  await expect(tiles(page).first()).toHaveAccessibleName(/^sign.png, .*to be read: NO PARKING/);
  await expect(tiles(page).first().locator(".quote")).toContainText("NO PARKING");
  await expect(tiles(page).first().locator(".quote mark")).toHaveText("PARKING");
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await tiles(page).first().click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("list", { name: "Lines with words of the search" })).toHaveText(
    /to be read.*NO PARKING/,
  );
  await expect(dialog.getByText("8 am to 6 pm")).toHaveCount(0);
  await dialog.getByText("Transcript, 2 lines").click();
  await expect(dialog.getByText("8 am to 6 pm")).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
});

test("a sound plays from where the words are said, and from any line of it", async ({ page, start, words }) => {
  test.skip(!words.speaks, "models/speech is not there (`make speech`), or ffmpeg has no voice");
  const address = await start("--index", words.index);
  await page.goto(`${address}/?q=lighthouse`);
  const first = tiles(page).first();
  await expect(first).toHaveAccessibleName(/said at 0:0[2-9]: .*lighthouse/);
  await expect(first.locator(".quote")).toContainText("lighthouse");
  await first.click();
  const dialog = page.getByRole("dialog");
  const at = () => dialog.locator("audio").evaluate((element: HTMLAudioElement) => element.currentTime);
  await expect.poll(at).toBeGreaterThan(2);
  await expect(dialog.locator(".words-at")).toHaveCount(1);
  await dialog.locator("audio").evaluate((element: HTMLAudioElement) => element.pause());

  await dialog.getByText(/^Transcript, \d+ lines$/).click();
  await dialog.getByRole("button", { name: "Play from 0:00" }).click();
  await expect.poll(at).toBeLessThan(2);
  await dialog.locator("audio").evaluate((element: HTMLAudioElement) => element.pause());
  await dialog.getByRole("button", { name: /^said at .*lighthouse/ }).click();
  await expect.poll(at).toBeGreaterThan(2);
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
});

test("work that recognised words says in how many files", async ({ page, start, scratch, words }) => {
  const address = await start("--index", `${scratch}/to-be-made`, "--print");
  await page.goto(`${address}/?view=index`);
  await page.getByRole("button", { name: "Add a folder" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Folder on the server's machine").fill(words.folder);
  await dialog.getByRole("button", { name: "Index it" }).click();
  await expect(dialog.getByText(/1 searched for words/)).toBeVisible();
});
