import { useState } from "preact/hooks";

import * as api from "../api/endpoints";
import { useLoaded } from "../api/loaded";
import { MODALITIES, type DirectionCard, type Modality, type RecallCard } from "../api/types";
import { Icon } from "../components/icons";
import { Failure } from "../components/Notices";
import { count, plural } from "../lib/format";
import { directionOf } from "../lib/card";

type Metric = "r1" | "r10" | "map" | "median_rank";

const METRICS: Record<Metric, { name: string; says: string }> = {
  r1: { name: "R@1", says: "How often the first answer is right." },
  r10: { name: "R@10", says: "How often a right answer is among the first ten." },
  map: { name: "MAP", says: "How far up the right answers are, all together." },
  median_rank: { name: "Median rank", says: "Where the first right answer stands in half of the searches." },
};

/** How well the modalities find each other. */
export function CardView() {
  const { answer: card, error } = useLoaded(api.card);
  const [metric, setMetric] = useState<Metric>("r1");
  if (error?.status === 404) return <NoCard />;
  if (error) return <Failure error={error} />;
  if (!card) return <p class="state">Reading…</p>;
  return (
    <section class="page">
      <header class="page-head">
        <h2>Recall card</h2>
        <p>
          How well each kind finds each other, measured on pairs that belong together. <code>{card.space}</code>
        </p>
      </header>
      <div class="segmented" role="group" aria-label="Measure">
        {(Object.keys(METRICS) as Metric[]).map((one) => (
          <button type="button" key={one} aria-pressed={metric === one} onClick={() => setMetric(one)}>
            {METRICS[one].name}
          </button>
        ))}
      </div>
      <p class="hint">{METRICS[metric].says}</p>
      <Matrix card={card} metric={metric} />
      {card.plots && card.plots.length > 0 && (
        <div class="plots">
          {inOrder(card.plots).map((plot) => (
            <a key={plot} href={api.url.plot(plot)} target="_blank" rel="noreferrer" title="Open it by itself">
              <img src={api.url.plot(plot)} alt={`Plot: ${title(plot)}`} />
            </a>
          ))}
        </div>
      )}
    </section>
  );
}

const title = (plot: string) => plot.replace(/\.svg$/, "").replaceAll("-", " ");

/** Plots of recall first, which is what the card is about. */
function inOrder(plots: readonly string[]): string[] {
  const key = (plot: string) => `${plot.startsWith("recall") ? 0 : 1}${title(plot)}`;
  return [...plots].sort((one, other) => (key(one) < key(other) ? -1 : 1));
}

function Matrix({ card, metric }: { card: RecallCard; metric: Metric }) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Table of directions">
      <table class="matrix">
        <thead>
          <tr>
            <th scope="col">from ↓ to →</th>
            {MODALITIES.map((to) => (
              <Head key={to} modality={to} scope="col" />
            ))}
          </tr>
        </thead>
        <tbody>
          {MODALITIES.map((from) => (
            <tr key={from}>
              <Head modality={from} scope="row" />
              {MODALITIES.map((to) => (
                <Cell key={to} of={directionOf(card, from, to)} metric={metric} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Head({ modality, scope }: { modality: Modality; scope: "row" | "col" }) {
  return (
    <th scope={scope} class={`modality ${modality}`}>
      <span>
        <Icon name={modality} /> {plural(modality)}
      </span>
    </th>
  );
}

function Cell({ of, metric }: { of?: DirectionCard; metric: Metric }) {
  if (!of) return <td class="none">–</td>;
  const value = of[metric];
  const interval = of.ci95?.[metric];
  const rank = metric === "median_rank";
  const write = (number: number) => (rank ? count(number) : (number * 100).toFixed(1));
  // A rank of one is the best that can be; the others are shares.
  const good = rank ? 1 / value : value;
  return (
    <td style={{ "--good": `${Math.round(good * 100)}%` }}>
      <strong class="number">{write(value)}</strong>
      {interval && (
        <span class="number">
          {write(interval[0])} – {write(interval[1])}
        </span>
      )}
      <span class="number">of {count(of.gallery)}</span>
    </td>
  );
}

function NoCard() {
  return (
    <section class="state">
      <Icon name="chart" class="icon large" />
      <h2>No recall card yet</h2>
      <p>
        It measures how well your own kinds of media find each other. Write which files belong together, and let it be
        measured:
      </p>
      <p>
        <code>sensorium eval pairs.jsonl --out card</code>
      </p>
      <p>
        <code>sensorium serve --card card</code>
      </p>
    </section>
  );
}
