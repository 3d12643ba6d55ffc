import { justify, type Layout, type Options } from "./justified";

export interface Arrangement extends Layout {
  /** Where the line between sure and less sure answers stands; absent when all are on one side. */
  line?: number;
}

/** Height of that line with its words. */
export const LINE = 64;

/** Rows of the first `sure` boxes, and below a line those of the others. */
export function arrange(ratios: readonly number[], sure: number, options: Options): Arrangement {
  if (sure <= 0 || sure >= ratios.length) return justify(ratios, options);
  const above = justify(ratios.slice(0, sure), options);
  const below = justify(ratios.slice(sure), { ...options, extra: options.extra?.slice(sure) });
  const start = above.height + LINE;
  const moved = below.rows.map((row) => ({
    ...row,
    top: row.top + start,
    boxes: row.boxes.map((box) => ({ ...box, index: box.index + sure })),
  }));
  return { rows: [...above.rows, ...moved], height: start + below.height, line: above.height };
}
