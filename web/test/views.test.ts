import { describe, expect, it } from "vitest";

import type { DirectionCard } from "../src/api/types";
import { directionOf } from "../src/lib/card";
import { smooth } from "../src/lib/heat";
import { nearest, toMap, toScreen, towards, zoomAt, type Camera } from "../src/lib/mapping";

describe("the heat map", () => {
  it("is brightest in the middle of the heaviest cell", () => {
    const drawn = smooth({ rows: 2, columns: 2, weights: [0.1, 0.2, 0.3, 0.4] }, 40, 40);
    expect(drawn[30 * 40 + 30]).toBeCloseTo(1, 1);
    expect(drawn[5 * 40 + 5]).toBeCloseTo(0, 1);
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(1);
  });

  it("is a number where all weighs the same", () => {
    expect([...smooth({ rows: 1, columns: 1, weights: [0.5] }, 2, 2)].every(Number.isFinite)).toBe(true);
  });
});

describe("the map", () => {
  const camera: Camera = { x: 0.2, y: -0.1, scale: 300 };

  it("finds the place below the pointer again", () => {
    const [left, top] = toScreen(camera, 800, 600, { x: 0.5, y: 0.4 });
    const place = toMap(camera, 800, 600, left, top);
    expect(place.x).toBeCloseTo(0.5);
    expect(place.y).toBeCloseTo(0.4);
  });

  it("keeps that place where it is while it zooms", () => {
    const before = toMap(camera, 800, 600, 700, 50);
    const after = toMap(zoomAt(camera, 800, 600, 700, 50, 3), 800, 600, 700, 50);
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
  });

  it("does not zoom without end", () => {
    expect(zoomAt(camera, 800, 600, 0, 0, 1e9).scale).toBeLessThan(1e6);
    expect(zoomAt(camera, 800, 600, 0, 0, 1e-9).scale).toBeGreaterThan(10);
  });

  const points = [
    { x: 0, y: 0 },
    { x: 1, y: 0.1 },
    { x: 0.4, y: 0.9 },
    { x: -1, y: 0 },
  ];

  it("takes the nearest point within reach", () => {
    expect(nearest(points, { x: 0.9, y: 0 }, 0.3)).toBe(1);
    expect(nearest(points, { x: 0.9, y: 0 }, 0.01)).toBe(-1);
  });

  it("goes by arrow keys in their direction", () => {
    expect(towards(points, 0, 1, 0)).toBe(1);
    expect(towards(points, 0, -1, 0)).toBe(3);
    expect(towards(points, 0, 0, 1)).toBe(2);
    expect(towards(points, 1, 1, 0)).toBe(-1);
    expect(towards(points, -1, 1, 0)).toBe(0);
    expect(towards([], -1, 1, 0)).toBe(-1);
  });
});

describe("the recall card", () => {
  it("is read by direction, however that is written", () => {
    const some = { r1: 0.5 } as DirectionCard;
    expect(directionOf({ space: "", directions: { "text->image": some } }, "text", "image")).toBe(some);
    expect(directionOf({ space: "", directions: { "text:image": some } }, "text", "image")).toBe(some);
    expect(directionOf({ space: "", directions: { "text->image": some } }, "image", "text")).toBeUndefined();
  });
});
