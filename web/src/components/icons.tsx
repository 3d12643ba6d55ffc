import type { JSX } from "preact";

import type { Modality } from "../api/types";

/** Drawings of 24 by 24, in strokes of the text's colour. */
const PATHS = {
  search: "M10.500 17a6.500 6.500 0 1 1 0-13 6.500 6.500 0 0 1 0 13Zm4.800-1.700L20 20",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  microphone:
    "M12 4a2.500 2.500 0 0 1 2.500 2.500v5a2.500 2.500 0 0 1-5 0v-5A2.500 2.500 0 0 1 12 4ZM6 11.500a6 6 0 0 0 12 0M12 17.500V20",
  attach:
    "M4 17V7a2 2 0 0 1 2-2h12a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2Zm0-1 4.500-4.500 4 4M11 14l3-3 6 5.500M15 8.500h.01",
  stop: "M8 8h8v8H8z",
  play: "M8 5.500v13l10.500-6.500z",
  pause: "M9 6v12M15 6v12",
  down: "m7 10 5 5 5-5",
  previous: "m14 6-6 6 6 6",
  next: "m10 6 6 6-6 6",
  time: "M12 7.500V12l3 2M12 20a8 8 0 1 1 0-16 8 8 0 0 1 0 16Z",
  folder: "M4 18V7a1 1 0 0 1 1-1h4.500l2 2H19a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1Z",
  tune: "M5 8h8M17 8h2M5 16h2M11 16h8M15 6v4M9 14v4",
  grid: "M4 5h7v6H4zM14 5h6v6h-6zM4 14h5v5H4zM12 14h8v5h-8z",
  map: "M7 8h.01M12 5.500h.01M9.500 13h.01M16.500 9.500h.01M14 15.500h.01M18 17h.01M6.500 17.500h.01",
  chart: "M5 19V11M10 19V5M15 19v-6M20 19V8",
  stack: "M12 4 4 8l8 4 8-4-8-4ZM4 12l8 4 8-4M4 16l8 4 8-4",
  sun: "M12 16a4 4 0 1 1 0-8 4 4 0 0 1 0 8Zm0-13v1.500M12 19.500V21M4.500 12H3M21 12h-1.500M6.700 6.700 5.600 5.600M18.400 18.400l-1.100-1.100M6.700 17.300l-1.100 1.100M18.400 5.600l-1.100 1.100",
  moon: "M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10Z",
  auto: "M12 20a8 8 0 1 1 0-16 8 8 0 0 1 0 16Zm0-16v16M12 8h5.500M12 12h8M12 16h5.500",
  help: "M9 9.500a3 3 0 1 1 4.300 2.700c-.8.4-1.300 1-1.300 1.800M12 17.500h.01",
  alike:
    "M8.500 15a4.500 4.500 0 1 1 0-9 4.500 4.500 0 0 1 0 9ZM15.500 18a4.500 4.500 0 1 1 0-9 4.500 4.500 0 0 1 0 9Z",
  copy: "M9 9V5h10v10h-4M5 9h10v10H5z",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 2-2 5 4.500M15.500 9h.01",
  audio: "M4 10v4M8 7v10M12 4v16M16 8v8M20 10.500v3",
  video: "M4 6h11v12H4zM15 10.500l5-3v9l-5-3",
  text: "M5 6h14M5 10h14M5 14h14M5 18h8",
  heard: "M5 5h14a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1h-7l-4 4v-4H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1ZM8 9h8M8 12h5",
  read: "M4 8V5h3M17 5h3v3M20 16v3h-3M7 19H4v-3M8.500 16 12 8l3.500 8M9.800 13.200h4.400",
  alert: "M12 8v5M12 16.500h.01M12 20a8 8 0 1 1 0-16 8 8 0 0 1 0 16Z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, ...rest }: { name: IconName } & JSX.SVGAttributes<SVGSVGElement>) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false" {...rest}>
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark of a modality, in its colour. */
export function ModalityIcon({ modality }: { modality: Modality }) {
  return (
    <span class={`modality ${modality}`}>
      <Icon name={modality} />
    </span>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path class="image" d="M6 20a10 10 0 0 1 4-10" />
      <path class="audio" d="M14.500 6.100a10 10 0 0 1 8 2.500" />
      <path class="video" d="M25.600 13.500a10 10 0 0 1-1.800 8.800" />
      <path class="text" d="M19.500 25.500a10 10 0 0 1-8.700-.6" />
      <circle cx="16" cy="16" r="4" />
    </svg>
  );
}
