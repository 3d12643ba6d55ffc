import { describe, expect, it } from "vitest";

import { arrange, LINE } from "../src/lib/arrange";
import { justify, neighbour, rowsWithin } from "../src/lib/justified";

const options = { width: 1000, rowHeight: 200, gap: 10, caption: 30 };
const mixed = Array.from({ length: 500 }, (_, index) => [1.5, 0.66, 1, 1.78, 2.4, 0.5, 9, 0.01][(index * 7) % 8]!);

describe("rows", () => {
  it("hold every box once, in order", () => {
    const { rows } = justify(mixed, options);
    expect(rows.flatMap(({ boxes }) => boxes.map(({ index }) => index))).toEqual(mixed.map((_, index) => index));
  });

  it("fill the width, all but the last", () => {
    const { rows } = justify(mixed, options);
    for (const { boxes } of rows.slice(0, -1)) {
      const last = boxes.at(-1)!;
      expect(last.left + last.width).toBeCloseTo(1000, 3);
    }
  });

  it("are about as high as is wished", () => {
    const { rows } = justify(mixed, options);
    for (const { height } of rows.slice(0, -1)) {
      expect(height).toBeGreaterThan(110);
      expect(height).toBeLessThanOrEqual(300);
    }
  });

  it("do not overlap", () => {
    const { rows, height } = justify(mixed, options);
    rows.reduce((bottom, row) => {
      expect(row.top).toBeCloseTo(bottom, 3);
      return row.top + row.height + options.caption + options.gap;
    }, 0);
    expect(height).toBeCloseTo(rows.at(-1)!.top + rows.at(-1)!.height + options.caption, 3);
  });

  it("do not blow up a single picture", () => {
    const { rows } = justify([1], options);
    expect(rows).toEqual([{ top: 0, height: 200, boxes: [{ index: 0, left: 0, width: 200 }] }]);
  });

  it("take sizes that are unknown or absurd", () => {
    const { rows } = justify([NaN, 0, -1, Infinity], options);
    expect(rows.flatMap(({ boxes }) => boxes).every(({ width }) => width > 0 && width <= 1000)).toBe(true);
  });

  it("are none without boxes", () => {
    expect(justify([], options)).toEqual({ rows: [], height: 0 });
  });

  it("of a hundred thousand boxes take no time", () => {
    const many = Array.from({ length: 100_000 }, (_, index) => mixed[index % mixed.length]!);
    const start = performance.now();
    const { rows } = justify(many, options);
    expect(performance.now() - start).toBeLessThan(1000);
    expect(rows.at(-1)!.boxes.at(-1)!.index).toBe(99_999);
  });
});

describe("what the window shows", () => {
  const { rows } = justify(mixed, options);

  it("is what reaches into it", () => {
    const [top, bottom] = [1000, 1900];
    const [from, to] = rowsWithin(rows, top, bottom);
    rows.forEach((row, index) => {
      const next = rows[index + 1]?.top ?? Infinity;
      expect(index >= from && index < to).toBe(next > top && row.top < bottom);
    });
  });

  it("is nothing below the last row's end but that row", () => {
    expect(rowsWithin([], 0, 100)).toEqual([0, 0]);
    expect(rowsWithin(rows, 1e9, 2e9)).toEqual([rows.length - 1, rows.length]);
  });
});

describe("arrow keys", () => {
  const { rows } = justify(Array(10).fill(1), options);

  it("go to the box above or below, and back", () => {
    const below = neighbour(rows, 1, true)!;
    expect(rows[1]!.boxes.map(({ index }) => index)).toContain(below);
    expect(neighbour(rows, below, false)).toBe(1);
  });

  it("end at the first and the last row", () => {
    expect(neighbour(rows, 0, false)).toBeUndefined();
    expect(neighbour(rows, 9, true)).toBeUndefined();
    expect(neighbour(rows, 99, true)).toBeUndefined();
  });
});

describe("what stands below some boxes besides", () => {
  it("makes room in their rows alone, on both sides of the line", () => {
    const extra = mixed.map((_, index) => (index === 0 || index === 8 ? 40 : 0));
    for (const sure of [0, 7]) {
      const plain = arrange(mixed, sure, options);
      const roomy = arrange(mixed, sure, { ...options, extra });
      expect(roomy.height - plain.height).toBeCloseTo(80, 3);
      expect(roomy.rows[1]!.top - plain.rows[1]!.top).toBeCloseTo(40, 3);
    }
  });
});

describe("the less sure line", () => {
  it("parts the rows and keeps the order", () => {
    const { rows, line, height } = arrange(mixed, 7, options);
    const above = rows.filter(({ top }) => top < line!).flatMap(({ boxes }) => boxes.map(({ index }) => index));
    expect(above).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const first = rows.find(({ boxes }) => boxes[0]!.index === 7)!;
    expect(first.top).toBeCloseTo(line! + LINE, 3);
    expect(height).toBeGreaterThan(rows.at(-1)!.top);
  });

  it("is absent when all are on one side", () => {
    expect(arrange(mixed, 0, options).line).toBeUndefined();
    expect(arrange(mixed, mixed.length, options).line).toBeUndefined();
  });
});
