import type { Line } from "../api/types";
import { clock, literal, markPatterns, telling, type Piece } from "./format";

/** "said at 0:12", "to be read at 1:05", "to be read". */
export function whereOf({ track, start }: Line): string {
  const how = track === "audio" ? "said" : "to be read";
  return start === undefined ? how : `${how} at ${clock(start)}`;
}

/** The sign of a line that is heard, or of one that is read. */
export const signOf = ({ track }: Line) => (track === "audio" ? "heard" : "read");

/** Letters that each part of a word that is written as two has at least, as the search has it. */
const SHORTEST_PART = 3;

/** Cuts a line where one of the words stands, also one written as two or two as one: what hears words cannot know which. */
export function markLine(text: string, words: readonly string[]): Piece[] {
  const joined = words.slice(1).map((word, index) => literal(words[index] + word));
  return markPatterns(text, [...joined, ...telling(words).map(perhapsTwo)]);
}

function perhapsTwo(word: string): string {
  const letters = [...word];
  const mayPart = (at: number) => at >= SHORTEST_PART && at <= letters.length - SHORTEST_PART;
  return letters.map((letter, at) => (mayPart(at) ? "[\\s-]?" : "") + literal(letter)).join("");
}

/** Letters that stand before the first mark where there is little room. */
const LEAD = 24;

/** The pieces from shortly before the first mark on. */
export function fromMark(pieces: Piece[]): Piece[] {
  const [first, ...rest] = pieces;
  const letters = [...(first?.text ?? "")];
  if (!first || first.marked || rest.length === 0 || letters.length <= LEAD) return pieces;
  const lead = letters.slice(-LEAD).join("");
  return [{ text: `…${lead.slice(lead.indexOf(" ") + 1)}`, marked: false }, ...rest];
}
