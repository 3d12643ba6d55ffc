import type { Glance, Hit, Segment } from "../api/types";
import { stretch } from "../lib/format";
import { standsOut } from "../state/results";
import { FoundLines } from "./Lines";

interface Props {
  hit: Hit;
  /** Seconds. */
  length: number;
  at: number;
  onSeek: (seconds: number) => void;
}

/** How well each stretch answers, the moments that stand out and the lines with words of the query; a click plays from there. */
export function Timeline({ hit, length, at, onSeek }: Props) {
  const moments = (hit.moments ?? []).filter((moment) => standsOut(moment, length));
  const curve = hit.curve && hit.curve.length > 1 ? hit.curve : undefined;
  const lines = hit.lines ?? [];
  const attention = hit.explain?.attention ?? [];
  if (!curve && moments.length === 0 && lines.length === 0 && attention.length < 2) return null;
  const share = (seconds: number) => `${Math.min(100, Math.max(0, (seconds / length) * 100))}%`;
  return (
    <div class="timeline">
      <div
        class="timeline-plot"
        onClick={(event) => {
          const { left, width } = event.currentTarget.getBoundingClientRect();
          onSeek(((event.clientX - left) / width) * length);
        }}
      >
        {curve && <Curve curve={curve} length={length} />}
        {moments.map(({ start, end }) => (
          <span
            key={start}
            class="stretch"
            aria-hidden="true"
            style={{ left: share(start), width: share(end - start) }}
          />
        ))}
        {lines.map(({ track, start, end }, index) => (
          <span
            key={index}
            class={`words-at ${track}`}
            aria-hidden="true"
            style={{ left: share(start ?? 0), width: share((end ?? length) - (start ?? 0)) }}
          />
        ))}
        <span class="head" aria-hidden="true" style={{ left: share(at) }} />
      </div>
      {attention.length > 1 && <Attention attention={attention} track={hit.segment.track} share={share} />}
      {moments.length > 0 && (
        <div class="moments" role="group" aria-label="Moments">
          {moments.map(({ start, end, peak }, index) => (
            <button
              type="button"
              class="moment number"
              key={start}
              aria-label={`Play from ${stretch(start, end)}`}
              title={`Best at ${peak.toFixed(1)} s`}
              onClick={() => onSeek(start)}
            >
              {index === 0 ? "Best moment " : ""}
              {stretch(start, end)}
            </button>
          ))}
        </div>
      )}
      {lines.length > 0 && <FoundLines lines={lines} words={hit.words ?? []} onSeek={onSeek} />}
    </div>
  );
}

interface AttentionProps {
  attention: Glance[];
  track: Segment["track"];
  share: (seconds: number) => string;
}

/** When the search looked or listened: the more, the stronger the colour. */
function Attention({ attention, track, share }: AttentionProps) {
  const most = attention.reduce((a, b) => (b.weight > a.weight ? b : a));
  const did = track === "audio" ? "listened" : "looked";
  return (
    <div>
      <div class="attention" aria-hidden="true">
        {attention.map(({ start, end, weight }) => (
          <span
            key={start}
            style={{ left: share(start), width: share(end - start), opacity: weight / (most.weight || 1) }}
          />
        ))}
      </div>
      <p class="hint">
        The search {did} most at <span class="number">{stretch(most.start, most.end)}</span>.
      </p>
    </div>
  );
}

function Curve({ curve, length }: { curve: NonNullable<Hit["curve"]>; length: number }) {
  const most = Math.max(...curve.map(({ score }) => score), 0.01);
  const least = Math.min(...curve.map(({ score }) => score), most);
  const y = (score: number) => 38 - 32 * ((score - least) / (most - least || 1));
  const points = curve.map(
    ({ start, end, score }) => `${(((start + end) / 2 / length) * 1000).toFixed(1)},${y(score).toFixed(1)}`,
  );
  const first = y(curve[0]!.score).toFixed(1);
  const last = y(curve[curve.length - 1]!.score).toFixed(1);
  return (
    <svg class="curve" viewBox="0 0 1000 40" preserveAspectRatio="none" aria-hidden="true">
      <path d={`M0,40 L0,${first} L${points.join(" L")} L1000,${last} L1000,40 Z`} />
    </svg>
  );
}
