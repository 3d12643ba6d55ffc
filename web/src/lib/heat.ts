import type { HeatMap } from "../api/types";

/** The weights, drawn out to `width` by `height` without steps and scaled to 0 to 1. */
export function smooth({ rows, columns, weights }: HeatMap, width: number, height: number): Float32Array {
  const least = Math.min(...weights);
  const range = Math.max(...weights) - least || 1;
  const at = (row: number, column: number) => ((weights[row * columns + column] ?? least) - least) / range;
  const drawn = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const [top, bottom, down] = between(y, height, rows);
    for (let x = 0; x < width; x++) {
      const [left, right, along] = between(x, width, columns);
      const above = at(top, left) * (1 - along) + at(top, right) * along;
      const below = at(bottom, left) * (1 - along) + at(bottom, right) * along;
      drawn[y * width + x] = above * (1 - down) + below * down;
    }
  }
  return drawn;
}

/** The two cells between whose middles a pixel lies, and how far it is from the first. */
function between(pixel: number, pixels: number, cells: number): [number, number, number] {
  const place = Math.min(cells - 1, Math.max(0, ((pixel + 0.5) / pixels) * cells - 0.5));
  const first = Math.floor(place);
  return [first, Math.min(cells - 1, first + 1), place - first];
}
