import { describe, expect, it } from "vitest";

import {
  asksSomething,
  condition,
  EMPTY,
  formatRoute,
  parseRoute,
  searchRequest,
  splitText,
  type Query,
  type Route,
} from "../src/state/query";

const route = (query: Partial<Query>, rest: Partial<Route> = {}): Route => ({
  view: "search",
  query: { ...EMPTY, ...query },
  open: "",
  ...rest,
});

describe("the address", () => {
  it("says nothing of an empty search", () => {
    expect(formatRoute(route({}))).toBe("");
    expect(parseRoute("")).toEqual(route({}));
  });

  it.each<[string, Route]>([
    ["words", route({ text: "a dog & a cat = 50% + #1?" })],
    ["every filter", route({ to: ["image", "video"], since: "2024-06-01", until: "2025", folder: "/home/me/Übung" })],
    ["a condition and a second look", route({ where: 'path ~ "2024/*" and duration > 60', rerank: true })],
    ["an open item on a view", route({}, { view: "map", open: "b3:0a1b" })],
    [
      "weighted parts",
      route({
        text: "sea",
        weight: 2,
        parts: [
          { kind: "text", value: "2*text:no part -of it", weight: 1, without: true },
          { kind: "item", value: "b3:ff", weight: 0.25, without: false },
          { kind: "upload", value: "u-1", weight: 4, without: true },
        ],
      }),
    ],
  ])("keeps %s", (_, there) => {
    expect(parseRoute(formatRoute(there))).toEqual(there);
  });

  it("stays readable", () => {
    const part = { kind: "item" as const, value: "b3:ff", weight: 2, without: true };
    expect(formatRoute(route({ text: "a dog", to: ["image", "video"], parts: [part] }))).toBe(
      "?q=a+dog&part=-2*item:b3:ff&to=image,video",
    );
  });

  it("forgets what it does not understand", () => {
    const broken = "?view=admin&to=smell,image&since=yesterday&weight=1e9&part=text:&part=script:x&part=-9*text:dog";
    expect(parseRoute(broken)).toEqual(
      route({ to: ["image"], parts: [{ kind: "text", value: "dog", weight: 1, without: true }] }),
    );
  });
});

describe("words that are not wanted", () => {
  it.each([
    ["beach -people", "beach", ["people"]],
    ['-"two people" beach -dogs', "beach", ["two people", "dogs"]],
    ["a T-shirt, 5 -3 and well-known", "a T-shirt, 5 -3 and well-known", []],
    ["beach -", "beach -", []],
    ["Strand -Möwen", "Strand", ["Möwen"]],
  ])("are taken out of %j", (text, wanted, unwanted) => {
    expect(splitText(text)).toEqual({ wanted, unwanted });
  });

  it("alone find nothing", () => {
    expect(asksSomething({ ...EMPTY, text: "-people" })).toBe(false);
    expect(asksSomething({ ...EMPTY, text: "beach -people" })).toBe(true);
  });
});

describe("what the server is asked", () => {
  it("has a part for the words, for each unwanted word and for each chip", () => {
    const parts = [{ kind: "upload" as const, value: "u-1", weight: 1, without: false }];
    expect(searchRequest({ ...EMPTY, text: "beach -people", weight: 2, parts, to: ["image"] })).toEqual({
      parts: [{ text: "beach", weight: 2 }, { text: "people", without: true }, { upload: "u-1" }],
      to: ["image"],
      moments: true,
    });
  });

  it("joins filters into one condition", () => {
    expect(condition(EMPTY)).toBe("");
    expect(condition({ ...EMPTY, where: "width > 10 or height > 10" })).toBe("width > 10 or height > 10");
    expect(condition({ ...EMPTY, since: "2024", folder: '/a "b"/', where: "width > 10 or height > 10" })).toBe(
      "(taken >= 2024 or (not taken >= 1800 and modified >= 2024))" +
        ' and path ~ "/a ?b?/*" and (width > 10 or height > 10)',
    );
  });
});
