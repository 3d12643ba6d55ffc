import { useEffect, useRef } from "preact/hooks";

import type { HeatMap } from "../api/types";
import { smooth } from "../lib/heat";

/** Where the search looked, laid over the picture. */
export function HeatCanvas({ map }: { map: HeatMap }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const [width, height] = [map.columns * 16, map.rows * 16];
    const element = canvas.current!;
    element.width = width;
    element.height = height;
    const context = element.getContext("2d")!;
    const image = context.createImageData(width, height);
    smooth(map, width, height).forEach((heat, index) => image.data.set(colour(heat), index * 4));
    context.putImageData(image, 0, 0);
  }, [map]);
  return <canvas class="heat" ref={canvas} role="img" aria-label="Heat map: bright where the search looked" />;
}

/** From what was passed over to what was looked at: red, green, blue and how dense. */
const STOPS = [
  [12, 10, 34, 150],
  [128, 24, 92, 140],
  [236, 92, 40, 122],
  [255, 226, 96, 96],
] as const;

function colour(heat: number): number[] {
  const place = Math.min(0.9999, Math.max(0, heat)) * (STOPS.length - 1);
  const first = Math.floor(place);
  return STOPS[first]!.map((value, index) => value + (STOPS[first + 1]![index]! - value) * (place - first));
}
