import { useEffect, useState } from "preact/hooks";

import * as api from "../api/endpoints";
import { MODALITIES, type Hit, type Modality } from "../api/types";
import { markWords, nameOf, noun, plural } from "../lib/format";
import { openItem } from "../state/router";
import type { Entry } from "../state/results";
import { status } from "../state/status";
import { Icon } from "../components/icons";

const SHOWN = 6;

/** What is nearest, in its own modality and in the others. */
export function Similar({ entry }: { entry: Entry }) {
  const [near, setNear] = useState<Partial<Record<Modality, Hit[]>>>();
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      const kinds = MODALITIES.filter((modality) => (status.value?.items[modality] ?? 1) > 0);
      for (const modality of kinds) {
        const answer = await api.similar(entry.item, modality, SHOWN + 1, abort.signal).catch(() => undefined);
        if (abort.signal.aborted) return;
        const hits = answer?.hits.filter(({ item }) => item !== entry.item).slice(0, SHOWN) ?? [];
        setNear((before) => ({ ...before, [modality]: hits }));
      }
    }, 250);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [entry.item]);
  return (
    <section class="similar">
      <h3>Near it</h3>
      {MODALITIES.map((modality) => {
        const hits = near?.[modality];
        if (!hits || hits.length === 0) return null;
        return (
          <div key={modality} class="strip">
            <h4 class={`modality ${modality}`}>
              <Icon name={modality} /> {plural(modality)}
            </h4>
            <ul>
              {hits.map((hit) => (
                <Near key={hit.item} hit={hit} />
              ))}
            </ul>
          </div>
        );
      })}
      {!near && (
        <p class="hint" role="status">
          Looking…
        </p>
      )}
    </section>
  );
}

function Near({ hit }: { hit: Hit }) {
  const { item, modality, segment } = hit;
  const mask = `url("${api.url.waveform(item, 200)}")`;
  const at =
    modality === "video" && segment.start !== undefined
      ? (segment.start + (segment.end ?? segment.start)) / 2
      : undefined;
  return (
    <li>
      <button
        type="button"
        class={`near ${modality}`}
        aria-label={`${nameOf(hit)}, ${noun(modality)}`}
        title={nameOf(hit)}
        onClick={() => openItem(item)}
      >
        {(modality === "image" || modality === "video") && (
          <img src={api.url.thumbnail(item, 320, at)} alt="" loading="lazy" />
        )}
        {modality === "audio" && <span class="wave" style={{ maskImage: mask, WebkitMaskImage: mask }} />}
        {modality === "text" && <span class="passage">{markWords(hit.text ?? nameOf(hit), [])[0]?.text}</span>}
      </button>
    </li>
  );
}
