import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { expect, sensorium, test } from "./sensorium";

const asked = (page: Page) => page.getByRole("dialog", { name: "Key" });
const box = (page: Page) => page.getByRole("searchbox", { name: "What to look for" });
const tiles = (page: Page) => page.locator(".tile-open");

/** A key, and the option that makes a server know it. */
async function makeKey(access: "read" | "write") {
  const { key, hash } = JSON.parse(await sensorium("key", access, "--json")) as { key: string; hash: string };
  return { key, known: ["--key", hash] };
}

async function show(page: Page, key: string) {
  await asked(page).getByLabel("Key").fill(key);
  await asked(page).getByRole("button", { name: "Open" }).click();
}

test("a locked index asks for a key, refuses a wrong one, and stays open until it is left", async ({ page, start }) => {
  const { key, known } = await makeKey("write");
  const address = await start(...known);
  await page.goto(`${address}/?q=a+zebra`);
  await expect(asked(page)).toBeVisible();
  await expect(asked(page).getByLabel("Key")).toBeFocused();
  await expect(tiles(page)).toHaveCount(0);

  await show(page, "sk-of-another-index");
  await expect(asked(page).getByRole("alert")).toContainText("not known");
  await expect(asked(page).getByLabel("Key")).toBeFocused();

  await show(page, ` ${key} `);
  await expect(asked(page)).toBeHidden();
  await expect(tiles(page).first()).toHaveAccessibleName(/zebra/);
  await page.reload();
  await expect(tiles(page).first()).toHaveAccessibleName(/zebra/);
  await expect(asked(page)).toBeHidden();

  await page.getByRole("link", { name: "Index" }).click();
  await expect(page.getByRole("button", { name: "Add a folder" })).toBeVisible();
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(asked(page)).toBeVisible();
  await page.goBack();
  await expect(asked(page)).toBeVisible();
  await expect(tiles(page)).toHaveCount(0);
});

test("no key opens the page to Escape or a click beside the dialog", async ({ page, start }) => {
  const { known } = await makeKey("read");
  await page.goto(await start(...known));
  await expect(asked(page)).toBeVisible();
  // Browsers close a dialog that refused the first.
  for (let times = 0; times < 3; times++) await page.keyboard.press("Escape");
  await expect(asked(page).getByLabel("Key")).toBeFocused();
  await page.mouse.click(5, 5);
  await expect(asked(page)).toBeVisible();
});

test("every view that was asked for without a key is there with one", async ({ page, start }) => {
  const { key, known } = await makeKey("read");
  const address = await start(...known);
  const views = {
    map: page.getByRole("application", { name: /Map of/ }),
    card: page.getByRole("heading", { name: "No recall card yet" }),
    index: page.getByRole("heading", { name: "Index" }),
  };
  for (const [view, shown] of Object.entries(views)) {
    await page.context().clearCookies();
    await page.goto(`${address}/?view=${view}`);
    await show(page, key);
    await expect(shown).toBeVisible();
  }
});

test("a session that ends asks for the key again, and the search is still there", async ({ page, start }) => {
  const { key, known } = await makeKey("read");
  await page.goto(await start(...known));
  await show(page, key);
  await expect(tiles(page).first()).toBeVisible();
  await page.context().clearCookies();
  await box(page).fill("a zebra");
  await expect(asked(page)).toBeVisible();
  await show(page, key);
  await expect(box(page)).toHaveValue("a zebra");
  await expect(tiles(page).first()).toHaveAccessibleName(/zebra/);
});

test("a key to read offers to search and not to change anything, and the server sees to it", async ({
  page,
  start,
}) => {
  const { key, known } = await makeKey("read");
  const address = await start(...known);
  await page.goto(`${address}/?view=index`);
  await show(page, key);
  await expect(page.getByText("Your key lets you search and look, not add or remove anything.")).toBeVisible();
  await expect(page.getByTitle("Search in this folder").first()).toBeVisible();
  for (const name of ["Add a folder", "Look for changes", /^Forget/]) {
    await expect(page.getByRole("button", { name })).toHaveCount(0);
  }
  const refused = await page.evaluate(async () => {
    const answer = await fetch("/api/v1/jobs", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ paths: ["/"] }),
    });
    return { status: answer.status, detail: ((await answer.json()) as { detail: string }).detail };
  });
  expect(refused).toEqual({ status: 403, detail: expect.stringContaining("nothing may be changed with this key") });
});

test("a server that is read-only says so", async ({ page, start }) => {
  await page.goto(`${await start("--read-only")}/?view=index`);
  await expect(page.getByText("This server lets you search and look")).toBeVisible();
  await expect(page.getByRole("button", { name: "Add a folder" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Log out" })).toHaveCount(0);
});

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme, contextOptions: { reducedMotion: "reduce" } });

    test("the dialog for the key and what it opens have nothing that keeps anyone out", async ({ page, start }) => {
      const { key, known } = await makeKey("read");
      await page.goto(`${await start(...known)}/?view=index`);
      await expect(asked(page)).toBeVisible();
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
      await show(page, "sk-of-another-index");
      await expect(asked(page).getByRole("alert")).toBeVisible();
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
      await show(page, key);
      await expect(page.getByRole("button", { name: "Log out" })).toBeVisible();
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    });
  });
}

test("on a phone, the dialog for the key fits, and its key is entered by hand", async ({ browser, start }) => {
  const { key, known } = await makeKey("read");
  const context = await browser.newContext({
    baseURL: await start(...known),
    viewport: { width: 360, height: 640 },
    hasTouch: true,
    isMobile: true,
  });
  const page = await context.newPage();
  await page.goto("/");
  const frame = (await asked(page).boundingBox())!;
  expect(frame.x).toBeGreaterThanOrEqual(0);
  expect(frame.x + frame.width).toBeLessThanOrEqual(360);
  expect(frame.y + frame.height).toBeLessThanOrEqual(640);
  await asked(page).getByLabel("Key").fill(key);
  await asked(page).getByRole("button", { name: "Open" }).tap();
  await expect(tiles(page).first()).toBeVisible();
  await page.goto("/?view=index");
  await expect(page.getByRole("button", { name: "Log out" })).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await context.close();
});
