import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { arrange, LINE } from "../lib/arrange";
import { neighbour, rowsWithin, type Row } from "../lib/justified";
import { toggle } from "../state/player";
import { openItem, searchFor } from "../state/router";
import { momentOf, more, sureHits, type Entry, type Results } from "../state/results";
import { Tile } from "./Tile";

const CAPTION = 30;
/** Height of a line that is said or to be read. */
const QUOTE = 46;
const NARROW = 640;

/** Sounds and texts have no shape of their own. */
function ratioOf({ modality, media }: Entry): number {
  if (modality === "audio") return 1.7;
  if (modality === "text") return 1.35;
  return media.width && media.height ? media.width / media.height : 1.4;
}

/** Rows of results, of which only those near the window exist. */
export function Gallery({ results }: { results: Results }) {
  const { entries, noMatch } = results;
  const list = useRef<HTMLUListElement>(null);
  const width = useWidth(list);
  const [top, bottom] = useVisible(list);
  const [active, setActive] = useState(0);
  /** Set when the focus shall follow as soon as the tile exists. */
  const follows = useRef(false);

  const sure = noMatch ? entries.length : sureHits(entries);
  const narrow = width < NARROW;
  const layout = useMemo(() => {
    const extra = entries.map(({ hit }) => (hit?.lines?.length ? QUOTE : 0));
    const options = { width, rowHeight: narrow ? 150 : 230, gap: narrow ? 10 : 18, caption: CAPTION, extra };
    return arrange(entries.map(ratioOf), sure, options);
  }, [entries, sure, width]);

  const first = entries[0]?.item;
  useEffect(() => setActive(0), [results.request, first]);

  const reach = bottom - top;
  const [from, to] = rowsWithin(layout.rows, top - reach / 2, bottom + reach / 2);
  useEffect(() => {
    if (width > 0 && to >= layout.rows.length) void more();
  }, [to, layout, width]);

  useLayoutEffect(() => {
    if (!follows.current) return;
    const tile = list.current?.querySelector<HTMLElement>(`[data-index="${active}"] .tile-open`);
    if (!tile) return;
    follows.current = false;
    tile.focus({ preventScroll: true });
    tile.closest("li")?.scrollIntoView({ block: "nearest" });
  });

  const move = (index: number | undefined) => {
    if (index === undefined || index < 0 || index >= entries.length) return;
    follows.current = true;
    setActive(index);
    const row = layout.rows.find(({ boxes }) => boxes.some((box) => box.index === index));
    // A row that is far away has to come near before it exists.
    if (row && list.current && (row.top < top || row.top > bottom)) scrollToRow(list.current, row);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const entry = entries[active];
    const step: Record<string, () => void> = {
      ArrowRight: () => move(active + 1),
      ArrowLeft: () => move(active - 1),
      ArrowDown: () => move(neighbour(layout.rows, active, true)),
      ArrowUp: () => {
        const above = neighbour(layout.rows, active, false);
        if (above === undefined) document.querySelector<HTMLElement>("#search")?.focus();
        else move(above);
      },
      Home: () => move(0),
      End: () => move(entries.length - 1),
      " ": () => entry?.modality === "audio" && toggle(entry.item, entry.media, momentOf(entry)?.start),
      m: () =>
        entry && searchFor({ text: "", parts: [{ kind: "item", value: entry.item, weight: 1, without: false }] }),
    };
    const act = step[event.key];
    if (!act || (event.key === " " && (event.target as HTMLElement).matches("button"))) return;
    event.preventDefault();
    act();
  };

  const shown = layout.rows.slice(from, to);
  const activeRow = layout.rows.find(({ boxes }) => boxes.some((box) => box.index === active));
  if (activeRow && !shown.includes(activeRow)) shown.push(activeRow);
  return (
    <ul
      class={`gallery ${results.loading && results.request ? "loading" : ""}`}
      ref={list}
      aria-label="Results"
      style={{ height: `${layout.height}px` }}
      onKeyDown={onKeyDown}
    >
      {width > 0 &&
        shown.flatMap((row) =>
          row.boxes.map(({ index, left, width: boxWidth }) => {
            const entry = entries[index];
            if (!entry) return null;
            return (
              <Tile
                key={entry.item}
                entry={entry}
                index={index}
                of={results.total ?? (results.next ? -1 : entries.length)}
                left={left}
                top={row.top}
                width={boxWidth}
                height={row.height}
                active={index === active}
                unsure={noMatch || index >= sure}
                onFocus={() => setActive(index)}
                onOpen={() => openItem(entry.item)}
              />
            );
          }),
        )}
      {layout.line !== undefined && (
        <li class="line" style={{ top: `${layout.line}px`, height: `${LINE}px` }}>
          <span>less sure</span>
        </li>
      )}
    </ul>
  );
}

function scrollToRow(list: HTMLElement, row: Row) {
  const middle = row.top + row.height / 2;
  scrollTo({ top: list.getBoundingClientRect().top + scrollY + middle - innerHeight / 2 });
}

function useWidth(element: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const watched = element.current!;
    setWidth(watched.clientWidth);
    const observer = new ResizeObserver(() => setWidth(watched.clientWidth));
    observer.observe(watched);
    return () => observer.disconnect();
  }, []);
  return width;
}

/** The stretch of the list that the window shows, in steps, so that not every pixel draws anew. */
function useVisible(element: { current: HTMLElement | null }): [number, number] {
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(innerHeight);
  useLayoutEffect(() => {
    const STEP = 100;
    const look = () => {
      setTop(Math.floor(-element.current!.getBoundingClientRect().top / STEP) * STEP);
      setHeight(innerHeight + STEP);
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, []);
  return [top, top + height];
}
