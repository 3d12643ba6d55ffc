import { readFile } from "node:fs/promises";
import path from "node:path";

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { DEMO, expect, test } from "./sensorium";

const box = (page: Page) => page.getByRole("searchbox", { name: "What to look for" });
const tiles = (page: Page) => page.locator(".tile-open");

/** Drops a file of the demo pack on the page, as a hand would. */
async function drop(page: Page, file: string, type: string, name = path.basename(file)) {
  const content = (await readFile(path.join(DEMO, file))).toString("base64");
  const data = await page.evaluateHandle(
    ({ content, name, type }) => {
      const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], name, { type }));
      return transfer;
    },
    { content, name, type },
  );
  await page.dispatchEvent("body", "dragover", { dataTransfer: data });
  await expect(page.getByText("Drop to search with it")).toBeVisible();
  await page.dispatchEvent("body", "drop", { dataTransfer: data });
}

test("words find a picture, and the address keeps the search", async ({ page }) => {
  await page.goto("/");
  await box(page).fill("a zebra");
  await expect(tiles(page).first()).toHaveAccessibleName(/zebra/);
  await expect(page).toHaveURL(/q=a\+zebra/);
  await page.reload();
  await expect(box(page)).toHaveValue("a zebra");
  await expect(tiles(page).first()).toHaveAccessibleName(/zebra/);
});

test("a dropped picture finds texts", async ({ page }) => {
  await page.goto("/?to=text");
  await drop(page, "photos/tiger.png", "image/png", "mine.png");
  await expect(page.getByRole("button", { name: "mine.png, weight 1: change" })).toBeVisible();
  await expect(tiles(page).first()).toHaveAccessibleName(/text/);
});

test("a dropped sound finds a video, which plays from its moment", async ({ page }) => {
  await page.goto("/?to=video");
  await drop(page, "sounds/duck.mp3", "audio/mpeg", "mine.mp3");
  await expect(page.getByRole("button", { name: /mine.mp3/ }).first()).toBeVisible();
  await expect(tiles(page).first()).toHaveAccessibleName(/duck|drake/);
  await tiles(page).first().click();
  const video = page.getByRole("dialog").locator("video");
  await expect.poll(() => video.evaluate((element: HTMLVideoElement) => element.currentTime)).toBeGreaterThan(0);
  await expect.poll(() => video.evaluate((element: HTMLVideoElement) => element.videoWidth)).toBeGreaterThan(0);
});

test("a picture is pasted from the clipboard", async ({ page, context, server }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server });
  await page.goto("/?to=text");
  const picture = (await readFile(path.join(DEMO, "photos/tiger.png"))).toString("base64");
  await page.evaluate(async (picture) => {
    const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
    await navigator.clipboard.write([new ClipboardItem({ "image/png": new Blob([bytes], { type: "image/png" }) })]);
  }, picture);
  await box(page).focus();
  await page.keyboard.press("Control+V");
  await expect(page.getByRole("button", { name: /^image.png, weight 1: change/ })).toBeVisible();
  await expect(page.locator(".chip-picture")).toBeVisible();
  await expect(tiles(page).first()).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.getByRole("button", { name: /^Texts/ }).click();
  await page.getByRole("button", { name: /^Pictures/ }).click();
  await expect(tiles(page).first()).toHaveAccessibleName(/tiger/);
});

test("pasted words are words of the search", async ({ page, context, server }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server });
  await page.goto("/");
  await page.evaluate(() => navigator.clipboard.writeText("a zebra"));
  await box(page).focus();
  await page.keyboard.press("Control+V");
  await expect(page).toHaveURL(/q=a\+zebra/);
  await expect(tiles(page).first()).toHaveAccessibleName(/zebra/);
});

test("several parts have weights and can be left out", async ({ page }) => {
  await page.goto("/?q=a+bird");
  await drop(page, "photos/tiger.png", "image/png");
  await page.getByRole("button", { name: /tiger.png, weight 1: change/ }).click();
  await page.getByRole("slider", { name: /Counts/ }).fill("2");
  await expect(page).toHaveURL(/part=2\*upload:/);
  await page.getByRole("button", { name: "Without", exact: true }).click();
  await expect(page).toHaveURL(/part=-2\*upload:/);
  await expect(tiles(page).first()).toBeVisible();
});

test("filters narrow what is shown, and can be removed", async ({ page }) => {
  await page.goto("/?q=a+bird");
  await page.getByRole("button", { name: /^Sounds/ }).click();
  await expect(page).toHaveURL(/to=audio/);
  await expect(page.locator(".tile:not(.audio)")).toHaveCount(0);
  await expect(page.locator(".tile.audio").first()).toBeVisible();
  await page.getByRole("button", { name: /All folders/ }).click();
  await page.getByRole("button", { name: /photos$/ }).click();
  await expect(page.getByRole("heading", { name: "Nothing here" })).toBeVisible();
  await page.getByRole("button", { name: "Remove the filters" }).click();
  await expect(tiles(page).first()).toBeVisible();
});

test("a condition that cannot be read says why", async ({ page }) => {
  await page.goto("/?q=a+bird&where=duration+%3E");
  await expect(page.getByRole("alert")).toContainText(/duration/);
});

test("a found sound shows when the search listened", async ({ page }) => {
  await page.goto("/?q=a+rooster+crows&to=audio");
  await tiles(page).first().click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText("The search listened most at")).toBeVisible();
  const weights = await dialog
    .locator(".attention span")
    .evaluateAll((spans) => spans.map((span) => Number(getComputedStyle(span).opacity)));
  expect(weights.length).toBeGreaterThan(1);
  expect(Math.max(...weights)).toBe(1);
  expect(Math.min(...weights)).toBeLessThan(1);
});

test("a found picture shows where the search looked and what each word did", async ({ page }) => {
  await page.goto("/?q=a+zebra&to=image");
  await tiles(page).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: /Show where it looked/ }).click();
  await expect(dialog.getByRole("img", { name: /Heat map/ })).toBeVisible();
  await expect(dialog.locator(".words li", { hasText: "zebra" })).toBeVisible();
  await expect(dialog.locator(".strip").first()).toBeVisible();
  await dialog.getByRole("button", { name: "More like this" }).click();
  await expect(page).toHaveURL(/part=item:b3:/);
  await expect(dialog).toBeHidden();
});

test("why one of many was found is asked for that one alone", async ({ page }) => {
  await page.goto("/?q=a+bird+that+sings");
  const asked: { limit: number; cursor: string }[] = [];
  page.on("request", (request) => {
    if (!request.url().endsWith("/api/v1/search")) return;
    const search = request.postDataJSON() as { explain?: boolean; limit: number; cursor: string };
    if (search.explain) asked.push({ limit: search.limit, cursor: search.cursor });
  });
  const name = await tiles(page).nth(5).getAttribute("aria-label");
  await tiles(page).nth(5).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toHaveAccessibleName(name!.split(",")[0]!);
  await expect(dialog.getByText(/^Number 6 here/)).toBeVisible();
  await expect(dialog.locator(".words li", { hasText: "sings" })).toBeVisible();
  expect(asked).toEqual([{ limit: 1, cursor: "5" }]);
});

test("everything can be done with keys", async ({ page }) => {
  await page.goto("/?q=a+bird&to=image");
  await expect(tiles(page).nth(3)).toBeVisible();
  await page.keyboard.press("/");
  await expect(box(page)).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(tiles(page).first()).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await expect(page.locator('[data-index="1"] .tile-open')).toBeFocused();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await expect(dialog).toBeVisible();
  const before = await dialog.getByRole("heading", { level: 2 }).textContent();
  await page.keyboard.press("ArrowRight");
  await expect(dialog.getByRole("heading", { level: 2 })).not.toHaveText(before!);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys and searching" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
});

test("a file that is none of the kinds is refused with the reason", async ({ page }) => {
  await page.goto("/");
  const zip = Buffer.from("UEsDBBQAAAAAAAAAIQAAAAAAAAAAAAAAAAAEAAAAYS50eHRQSwUGAAAAAAAAAAAAAAAAAAAAAAAA", "base64");
  await page
    .getByLabel("Files to search with")
    .setInputFiles({ name: "holiday.jpg", mimeType: "image/jpeg", buffer: zip });
  await expect(page.getByRole("alert")).toContainText("holiday.jpg");
  await expect(page).not.toHaveURL(/part=/);
  await page.getByRole("button", { name: "Dismiss" }).click();
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("a point of the map searches with its item", async ({ page }) => {
  await page.goto("/?view=map");
  const map = page.getByRole("application", { name: /Map of/ });
  await map.focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.locator(".map-card")).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/part=item:b3:/);
  await expect(tiles(page).first()).toBeVisible();
});

test("a folder that is added is indexed, and says how it goes", async ({ page }) => {
  await page.goto("/?view=index");
  await page.getByRole("button", { name: "Add a folder" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox").fill(path.join(DEMO, "notes"));
  await dialog.getByRole("button", { name: "Index it" }).click();
  await expect(dialog.getByText("Done", { exact: true }).first()).toBeVisible();
  await expect(dialog.getByText(/unchanged/)).toBeVisible();
});

test("on a phone, the page is as wide as the screen", async ({ browser, server }) => {
  const context = await browser.newContext({
    baseURL: server,
    viewport: { width: 360, height: 740 },
    hasTouch: true,
    isMobile: true,
  });
  const page = await context.newPage();
  for (const address of ["/", "/?q=a+bird", "/?view=index", "/?view=card", "/?view=map"]) {
    await page.goto(address);
    await expect(box(page)).toBeVisible();
    await page.waitForLoadState("networkidle");
    expect(await page.evaluate(() => document.documentElement.scrollWidth), address).toBeLessThanOrEqual(360);
  }
  await page.goto("/?q=a+bird");
  await tiles(page).first().tap();
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.getByRole("button", { name: "Close" }).tap();
  await expect(page.getByRole("dialog")).toBeHidden();
  await context.close();
});
