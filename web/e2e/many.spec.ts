import type { Page } from "@playwright/test";

import { expect, MANY, test } from "./sensorium";

/** Scrolls on until there is tile `last`; returns the most elements that the page had, and the longest step in milliseconds. */
async function scrollUntil(page: Page, last: number) {
  return page.evaluate(async (last) => {
    let [elements, slowest, steps] = [0, 0, 0];
    for (; !document.querySelector(`.tile[data-index="${last}"]`); steps++) {
      const before = performance.now();
      scrollTo(0, document.documentElement.scrollHeight);
      await new Promise((resolve) => requestAnimationFrame(resolve));
      slowest = Math.max(slowest, performance.now() - before);
      elements = Math.max(elements, document.querySelectorAll("*").length);
    }
    scrollTo(0, document.documentElement.scrollHeight);
    return { elements, slowest, steps };
  }, last);
}

test("the overview of many items is scrolled to its end with few elements", async ({ page, start, many }, about) => {
  test.setTimeout(300_000);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(await start("--index", many));
  await expect(page.getByText(`${MANY.toLocaleString("en")} in the collection`)).toBeVisible();

  const began = Date.now();
  const last = MANY - 1;
  const measured = await scrollUntil(page, last);
  const figures = { items: MANY, seconds: (Date.now() - began) / 1000, ...measured };
  about.annotations.push({ type: "measured", description: JSON.stringify(figures) });
  await expect(page.locator(`.tile[data-index="${last}"]`)).toBeInViewport();
  await expect(page.locator(`.tile[data-index="${last}"]`)).toHaveAttribute("aria-posinset", String(MANY));
  // The last indexed comes first.
  await expect(page.locator(`.tile[data-index="${last}"] .passage`)).toHaveText(/^Note 1: a boat/);
  expect(measured.elements).toBeLessThan(1500);

  await page.locator(`.tile[data-index="${last}"] .tile-open`).click();
  await expect(page.getByRole("dialog")).toContainText("Note 1: a boat");
  await page.keyboard.press("Escape");
  await expect(page.locator(`.tile[data-index="${last}"]`)).toBeInViewport();
  expect(errors).toEqual([]);
});

test("answers among many go on for as long as one scrolls", async ({ page, start, many }) => {
  test.setTimeout(120_000);
  await page.goto(`${await start("--index", many)}/?q=a+boat+in+the+rain`);
  await expect(page.locator(".tile").first()).toContainText(/boat in the rain/);
  const { elements } = await scrollUntil(page, 399);
  expect(elements).toBeLessThan(1500);
  await expect(page.getByRole("status")).toHaveText(/^The first \d{3} results/);
});
