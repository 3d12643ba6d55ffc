import type { Hit } from "../api/types";
import { percent, stretch, sureness, telling } from "../lib/format";
import { FoundLines } from "./Lines";

interface Props {
  hit: Hit;
  heat: boolean;
  onHeat: (shown: boolean) => void;
}

/** Why an item was found. */
export function Why({ hit, heat, onHeat }: Props) {
  const { confidence, explain, rank, modality, lines = [] } = hit;
  const words = telling(hit.words ?? []);
  return (
    <section class="why">
      <h3>Why</h3>
      {confidence !== undefined && (
        <div class="confidence">
          <meter min={0} max={1} value={confidence} aria-label="Confidence" />
          <p>
            <strong class="number">{percent(confidence)}</strong> {sureness(confidence)}
          </p>
        </div>
      )}
      {words.length > 0 && (
        <p>
          It has{" "}
          {words.map((word) => (
            <mark key={word}>{word}</mark>
          ))}{" "}
          in its name, folder or text{lines.length > 0 && ", or in what is said or to be read in it"}.
        </p>
      )}
      {modality === "image" && lines.length > 0 && <FoundLines lines={lines} words={hit.words ?? []} />}
      {explain?.words && explain.words.length > 0 && (
        <>
          <p class="hint">Number {rank} here. Without the word it would be:</p>
          <ul class="words">
            {explain.words.map(({ word, rank_without }, index) => (
              <li key={index} class={weightOf(rank, rank_without)}>
                <span>{word}</span>
                <span class="number">{rank_without ?? "> 100"}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      {explain?.heat_map && (
        <button type="button" class="secondary" aria-pressed={heat} onClick={() => onHeat(!heat)}>
          {heat ? "Hide the heat map" : "Show where it looked"} <kbd>H</kbd>
        </button>
      )}
      {explain?.windows && explain.windows.length > 1 && (
        <ul class="windows">
          {explain.windows.slice(0, 4).map(({ track, start, end, score }, index) => (
            <li key={index}>
              <span class="number">{start === undefined ? "All of it" : stretch(start, end ?? start)}</span>
              <span>{track === "audio" ? "heard" : track === "visual" ? "seen" : "read"}</span>
              <meter min={0} max={1} value={score} aria-label="Score" />
            </li>
          ))}
        </ul>
      )}
      {!explain && (
        <p class="hint" role="status">
          Looking for more reasons…
        </p>
      )}
    </section>
  );
}

/** How much a word carries: much when the item falls far without it. */
function weightOf(rank: number, without: number | null): string {
  if (without === null) return "carries";
  return without >= rank * 2 + 2 ? "carries" : without > rank ? "helps" : "idle";
}
