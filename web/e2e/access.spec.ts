import AxeBuilder from "@axe-core/playwright";

import { expect, test } from "./sensorium";

const VIEWS = {
  home: "/",
  results: "/?q=a+bird",
  index: "/?view=index",
  map: "/?view=map",
  card: "/?view=card",
};

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    // Colours that are on their way are of no use to measure.
    test.use({ colorScheme, contextOptions: { reducedMotion: "reduce" } });

    for (const [name, address] of Object.entries(VIEWS)) {
      test(`${name} has nothing that keeps anyone out`, async ({ page }) => {
        await page.goto(address);
        await page.waitForLoadState("networkidle");
        expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
      });
    }

    for (const modality of ["image", "audio", "video", "text"]) {
      test(`an open ${modality} has nothing that keeps anyone out`, async ({ page }) => {
        await page.goto(`/?q=a+bird&to=${modality}`);
        await page.locator(".tile-open").first().click();
        await expect(page.locator(".strip").last()).toBeVisible();
        expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
      });
    }
  });
}

test("the page breaks none of the server's rules for its content", async ({ page }) => {
  const broken: string[] = [];
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) broken.push(message.text());
  });
  for (const address of Object.values(VIEWS)) {
    await page.goto(address);
    await page.waitForLoadState("networkidle");
  }
  expect(broken).toEqual([]);
});
