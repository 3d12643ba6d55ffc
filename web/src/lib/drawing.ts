import { url } from "../api/endpoints";
import { MODALITIES, type MapPoint, type Modality } from "../api/types";
import { toScreen, wholeScale, type Camera } from "./mapping";

/** With no more points than this in the window, pictures are drawn in place of dots. */
const MOST_PICTURES = 220;

/** Pictures that are kept for drawing. */
const KEPT = 600;

/** Draws points; `loaded` is called when a picture has come that the next drawing can use. */
export function draw(
  canvas: HTMLCanvasElement,
  points: readonly MapPoint[],
  camera: Camera,
  chosen: number,
  loaded: () => void,
) {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (width === 0 || camera.scale === 0) return;
  const context = fitted(canvas, width, height);
  const colours = coloursOf(canvas);
  const seen: { point: MapPoint; left: number; top: number; chosen: boolean }[] = [];
  points.forEach((point, index) => {
    const [left, top] = toScreen(camera, width, height, point);
    if (left < -60 || top < -60 || left > width + 60 || top > height + 60) return;
    seen.push({ point, left, top, chosen: index === chosen });
  });
  const closeness = camera.scale / wholeScale(width, height);
  const crowd = Math.max(1, Math.sqrt(points.length / 400));
  const radius = Math.min(9, Math.max(1.6, (5.5 / crowd) * Math.sqrt(closeness)));
  const side = seen.length <= MOST_PICTURES && closeness > 0.95 ? Math.min(96, 36 * Math.sqrt(closeness)) : 0;
  // The chosen one is drawn last, above the others.
  seen.sort((one, other) => Number(one.chosen) - Number(other.chosen));
  for (const { point, left, top, chosen } of seen) {
    const picture = side > 0 ? pictureOf(point, loaded) : undefined;
    context.fillStyle = colours[point.modality];
    if (picture) drawPicture(context, picture, left, top, chosen ? side * 1.25 : side);
    else drawDot(context, left, top, chosen ? radius + 3 : radius);
  }
}

/** The canvas in the dots of the screen, emptied. */
function fitted(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const dots = devicePixelRatio;
  if (canvas.width !== Math.round(width * dots) || canvas.height !== Math.round(height * dots)) {
    canvas.width = Math.round(width * dots);
    canvas.height = Math.round(height * dots);
  }
  const context = canvas.getContext("2d")!;
  context.setTransform(dots, 0, 0, dots, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** The colours of the style sheet, which depend on light and dark, as a canvas takes them. */
function coloursOf(canvas: HTMLCanvasElement): Record<Modality, string> {
  const before = canvas.style.color;
  const colour = (modality: Modality) => {
    canvas.style.color = `var(--${modality})`;
    return getComputedStyle(canvas).color;
  };
  const colours = Object.fromEntries(MODALITIES.map((one) => [one, colour(one)])) as Record<Modality, string>;
  canvas.style.color = before;
  return colours;
}

function drawDot(context: CanvasRenderingContext2D, left: number, top: number, radius: number) {
  context.globalAlpha = 0.88;
  context.beginPath();
  context.arc(left, top, radius, 0, 2 * Math.PI);
  context.fill();
  context.globalAlpha = 1;
}

/** The middle of a picture in a frame of its modality's colour. */
function drawPicture(
  context: CanvasRenderingContext2D,
  image: HTMLImageElement,
  left: number,
  top: number,
  side: number,
) {
  const cut = Math.min(image.naturalWidth, image.naturalHeight);
  const [x, y] = [(image.naturalWidth - cut) / 2, (image.naturalHeight - cut) / 2];
  const [from, above] = [left - side / 2, top - side / 2];
  context.beginPath();
  context.roundRect(from - 2, above - 2, side + 4, side + 4, 9);
  context.fill();
  context.save();
  context.beginPath();
  context.roundRect(from, above, side, side, 7);
  context.clip();
  context.drawImage(image, x, y, cut, cut, from, above, side, side);
  context.restore();
}

const pictures = new Map<string, HTMLImageElement>();

/** The picture of a point once it is there; asked for when it is not. */
function pictureOf({ item, modality }: MapPoint, loaded: () => void): HTMLImageElement | undefined {
  if (modality !== "image" && modality !== "video") return undefined;
  const known = pictures.get(item);
  if (known) return known.complete && known.naturalWidth > 0 ? known : undefined;
  const oldest = pictures.keys().next().value;
  if (pictures.size >= KEPT && oldest !== undefined) pictures.delete(oldest);
  const image = new Image();
  image.addEventListener("load", loaded);
  image.src = url.thumbnail(item, 160);
  pictures.set(item, image);
  return undefined;
}
