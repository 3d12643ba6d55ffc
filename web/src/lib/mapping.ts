/** The camera of the map: what stands in the middle of the window, and how many pixels a unit takes. */
export interface Camera {
  x: number;
  y: number;
  scale: number;
}

export interface Place {
  x: number;
  y: number;
}

/** The scale at which all points, from -1 to 1, stand in the window, with room for what is written at its edges. */
export const wholeScale = (width: number, height: number) => Math.min(width, height) / 2.55;

export const toScreen = (camera: Camera, width: number, height: number, { x, y }: Place): [number, number] => [
  width / 2 + (x - camera.x) * camera.scale,
  height / 2 - (y - camera.y) * camera.scale,
];

export const toMap = (camera: Camera, width: number, height: number, left: number, top: number): Place => ({
  x: camera.x + (left - width / 2) / camera.scale,
  y: camera.y - (top - height / 2) / camera.scale,
});

/** Brings the camera nearer by `factor`, the place below the pointer kept where it is. */
export function zoomAt(
  camera: Camera,
  width: number,
  height: number,
  left: number,
  top: number,
  factor: number,
): Camera {
  const least = Math.min(width, height) / 4;
  const scale = Math.min(Math.max(camera.scale * factor, least), least * 400);
  const fixed = toMap(camera, width, height, left, top);
  return {
    x: fixed.x - (left - width / 2) / scale,
    y: fixed.y + (top - height / 2) / scale,
    scale,
  };
}

/** The point nearest to a place on the screen, no farther than `reach` pixels; -1 when there is none. */
export function nearest(points: readonly Place[], place: Place, reach: number): number {
  let best = -1;
  let least = reach * reach;
  points.forEach(({ x, y }, index) => {
    const distance = (x - place.x) ** 2 + (y - place.y) ** 2;
    if (distance <= least) [best, least] = [index, distance];
  });
  return best;
}

/** The nearest point in a direction (a unit vector), within a quarter turn; -1 when there is none. */
export function towards(points: readonly Place[], from: number, dx: number, dy: number): number {
  const start = points[from];
  if (!start) return points.length > 0 ? 0 : -1;
  let best = -1;
  let least = Infinity;
  points.forEach(({ x, y }, index) => {
    const along = (x - start.x) * dx + (y - start.y) * dy;
    const aside = Math.abs((x - start.x) * dy - (y - start.y) * dx);
    if (index === from || along <= 0 || aside > along) return;
    const cost = along + 2 * aside;
    if (cost < least) [best, least] = [index, cost];
  });
  return best;
}
