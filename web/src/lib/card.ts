import type { DirectionCard, Modality, RecallCard } from "../api/types";

/** The measurements of one direction, called as in `text:image` or `text->image`. */
export function directionOf(card: RecallCard, from: Modality, to: Modality): DirectionCard | undefined {
  for (const [name, direction] of Object.entries(card.directions)) {
    const [one, other] = name.split(/[^a-z]+(?:to[^a-z]+)?/);
    if (one === from && other === to) return direction;
  }
  return undefined;
}
