import AxeBuilder from "@axe-core/playwright";

import { expect, test } from "./sensorium";

test("a recall card shows what was measured, direction by direction, and its plots", async ({ page, start, card }) => {
  await page.goto(`${await start("--card", card.folder)}/?view=card`);
  await expect(page.getByRole("heading", { name: "Recall card" })).toBeVisible();
  const cell = (from: string, column: number) =>
    page
      .getByRole("row", { name: new RegExp(`^${from}`) })
      .getByRole("cell")
      .nth(column);
  const percent = (share: number) => (share * 100).toFixed(1);
  const { "text->image": described, "audio->video": heard } = card.directions;
  await expect(cell("Texts", 0).locator("strong")).toHaveText(percent(described!.r1));
  await expect(cell("Texts", 0)).toContainText(`of ${described!.gallery}`);
  await expect(cell("Sounds", 2).locator("strong")).toHaveText(percent(heard!.r1));
  await page.getByRole("button", { name: "R@10" }).click();
  await expect(cell("Texts", 0).locator("strong")).toHaveText(percent(described!.r10));
  await page.getByRole("button", { name: "Median rank" }).click();
  await expect(page.getByText("Where the first right answer stands")).toBeVisible();

  const plots = page.getByRole("img", { name: /^Plot: / });
  await expect(plots.first()).toHaveAccessibleName("Plot: recall");
  expect(await plots.count()).toBeGreaterThanOrEqual(4);
  for (const plot of await plots.all()) {
    await plot.scrollIntoViewIfNeeded();
    await expect.poll(() => plot.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  }
  const [alone] = await Promise.all([page.waitForEvent("popup"), plots.first().click()]);
  await expect(alone.locator("svg")).toBeVisible();
});

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme, contextOptions: { reducedMotion: "reduce" } });

    test("a recall card has nothing that keeps anyone out", async ({ page, start, card }) => {
      await page.goto(`${await start("--card", card.folder)}/?view=card`);
      await expect(page.getByRole("table")).toBeVisible();
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    });
  });
}

test("on a phone, a recall card is as wide as the screen", async ({ browser, start, card }) => {
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  const page = await context.newPage();
  await page.goto(`${await start("--card", card.folder)}/?view=card`);
  await expect(page.getByRole("img", { name: /^Plot: / }).first()).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await context.close();
});
