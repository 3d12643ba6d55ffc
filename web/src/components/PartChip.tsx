import { url } from "../api/endpoints";
import { capital, noun } from "../lib/format";
import { WEIGHTS, type Part } from "../state/query";
import { query, search } from "../state/router";
import { titles } from "../state/titles";
import { uploads } from "../state/uploads";
import { Icon, ModalityIcon } from "./icons";
import { Popup } from "./Popup";

/** A part of the search beside the text in the box: what it is, how much it counts, whether it is wanted. */
export function PartChip({ part, index }: { part: Part; index: number }) {
  const change = (changed: Partial<Part>) =>
    search({ parts: query.value.parts.map((one, at) => (at === index ? { ...one, ...changed } : one)) });
  const remove = () => search({ parts: query.value.parts.filter((_, at) => at !== index) });
  const name = nameOf(part);
  return (
    <div class={`chip ${part.without ? "without" : ""}`}>
      <Popup
        class="chip-face"
        title={`How ${name} counts`}
        label={`${part.without ? "Without " : ""}${name}, weight ${part.weight}: change`}
        button={
          <>
            {part.without && <Icon name="minus" />}
            <Face part={part} />
            <span class="chip-name">{name}</span>
            {part.weight !== 1 && <span class="chip-weight">×{part.weight}</span>}
          </>
        }
      >
        {() => (
          <>
            {part.kind === "text" && (
              <label class="field">
                <span>Words</span>
                <input
                  data-first
                  value={part.value}
                  maxLength={500}
                  onChange={(event) => event.currentTarget.value.trim() && change({ value: event.currentTarget.value })}
                />
              </label>
            )}
            <Sides without={part.without} onChange={(without) => change({ without })} />
            <Weight weight={part.weight} onChange={(weight) => change({ weight })} />
          </>
        )}
      </Popup>
      <button type="button" class="chip-remove" aria-label={`Remove ${name}`} onClick={remove}>
        <Icon name="close" />
      </button>
    </div>
  );
}

function Face({ part }: { part: Part }) {
  const known = part.kind === "upload" ? uploads.value[part.value] : titles.value[part.value];
  if (!known) return null;
  const address =
    part.kind === "item"
      ? known.modality === "image" || known.modality === "video"
        ? url.thumbnail(part.value, 160)
        : undefined
      : known.modality === "image"
        ? uploads.value[part.value]?.url
        : undefined;
  return address ? <img class="chip-picture" src={address} alt="" /> : <ModalityIcon modality={known.modality} />;
}

function nameOf(part: Part): string {
  if (part.kind === "text") return part.value;
  if (part.kind === "item") return titles.value[part.value]?.name ?? "an item";
  const known = uploads.value[part.value];
  return known ? known.name || capital(noun(known.modality)) : "an upload";
}

function Sides({ without, onChange }: { without: boolean; onChange: (without: boolean) => void }) {
  return (
    <div class="segmented" role="group" aria-label="Look for it or not">
      <button type="button" aria-pressed={!without} onClick={() => onChange(false)}>
        Like this
      </button>
      <button type="button" aria-pressed={without} onClick={() => onChange(true)}>
        Without
      </button>
    </div>
  );
}

/** A slider in steps of a quarter. */
export function Weight({ weight, onChange }: { weight: number; onChange: (weight: number) => void }) {
  return (
    <label class="field">
      <span>
        Counts <span class="number">×{weight}</span>
      </span>
      <input
        type="range"
        min={WEIGHTS.least}
        max={WEIGHTS.most}
        step="0.25"
        value={weight}
        onChange={(event) => onChange(Number(event.currentTarget.value))}
      />
    </label>
  );
}
