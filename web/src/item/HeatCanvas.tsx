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

/** Dark where nothing was looked at, through red to a clear yellow. */
function colour(heat: number): [number, number, number, number] {
  const warm = Math.min(1, heat * 1.4);
  return [255 * warm, 60 + 150 * heat * heat, 30 * (1 - heat), 150 - 60 * heat];
}
