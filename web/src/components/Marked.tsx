import type { Piece } from "../lib/format";

/** Text with marks on words of the query. */
export function Marked({ pieces }: { pieces: Piece[] }) {
  return <>{pieces.map(({ text, marked }, index) => (marked ? <mark key={index}>{text}</mark> : text))}</>;
}
