/**
 * Lays boxes out in rows of one width, in their order, like a page of text: a row is closed where its height comes nearest
 * to what is wished, and its boxes are scaled to fill it.
 */

export interface Box {
  /** Index of the item. */
  index: number;
  left: number;
  width: number;
}

export interface Row {
  top: number;
  /** Height of the boxes, without caption and gap. */
  height: number;
  boxes: Box[];
}

export interface Layout {
  rows: Row[];
  height: number;
}

export interface Options {
  width: number;
  /** Height that rows should have. */
  rowHeight: number;
  gap: number;
  /** Height of what stands below each box. */
  caption: number;
  /** Height of what stands below some boxes besides. */
  extra?: readonly number[];
}

/** Boxes are never flatter or slimmer than this, so that a panorama or a scroll leaves room for others. */
const NARROWEST = 0.5;
const WIDEST = 3.2;

/** Rows of boxes with these aspect ratios (width by height). A row that is not full keeps the wished height. */
export function justify(ratios: readonly number[], { width, rowHeight, gap, caption, extra = [] }: Options): Layout {
  const rows: Row[] = [];
  let top = 0;
  let first = 0;
  const close = (end: number, height: number) => {
    const boxes: Box[] = [];
    let left = 0;
    for (let index = first; index < end; index++) {
      const boxWidth = Math.min(width, height * clamp(ratios[index]!));
      boxes.push({ index, left, width: boxWidth });
      left += boxWidth + gap;
    }
    rows.push({ top, height, boxes });
    top += height + caption + Math.max(0, ...extra.slice(first, end)) + gap;
    first = end;
  };
  const heightOf = (sum: number, boxes: number) => (width - gap * (boxes - 1)) / sum;

  let sum = 0;
  for (let index = 0; index < ratios.length; index++) {
    const ratio = clamp(ratios[index]!);
    const before = heightOf(sum, index - first);
    sum += ratio;
    const after = heightOf(sum, index - first + 1);
    if (after > rowHeight) continue;
    const shorterFits = index > first && before - rowHeight < rowHeight - after && before < rowHeight * 1.5;
    if (shorterFits) {
      close(index, before);
      sum = ratio;
      if (heightOf(sum, 1) <= rowHeight) {
        close(index + 1, heightOf(sum, 1));
        sum = 0;
      }
    } else {
      close(index + 1, after);
      sum = 0;
    }
  }
  if (first < ratios.length) {
    close(ratios.length, Math.min(rowHeight, heightOf(sum, ratios.length - first)));
  }
  return { rows, height: Math.max(0, top - gap) };
}

const clamp = (ratio: number) => (ratio > 0 ? Math.min(WIDEST, Math.max(NARROWEST, ratio)) : 1);

/** The rows `[from, to)` that reach into the stretch `[top, bottom)`. */
export function rowsWithin(rows: readonly Row[], top: number, bottom: number): [number, number] {
  return [firstRow(rows, (_, next) => (next?.top ?? Infinity) > top), firstRow(rows, (row) => row.top >= bottom)];
}

/** The first row for which the condition holds, which holds for all behind it, too. */
function firstRow(rows: readonly Row[], holds: (row: Row, next: Row | undefined) => boolean): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(rows[middle]!, rows[middle + 1])) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The box above or below the one of `index`, nearest to its middle. */
export function neighbour(rows: readonly Row[], index: number, down: boolean): number | undefined {
  const at = rows.findIndex((row) => index <= row.boxes[row.boxes.length - 1]!.index);
  const box = rows[at]?.boxes.find((one) => one.index === index);
  const row = rows[at + (down ? 1 : -1)];
  if (!box || !row) return undefined;
  const middle = box.left + box.width / 2;
  const distance = (one: Box) => Math.abs(one.left + one.width / 2 - middle);
  return row.boxes.reduce((best, one) => (distance(one) < distance(best) ? one : best)).index;
}
