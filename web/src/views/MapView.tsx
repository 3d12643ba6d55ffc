import { useEffect, useRef, useState } from "preact/hooks";

import * as api from "../api/endpoints";
import { useLoaded } from "../api/loaded";
import { MODALITIES, type MapPoint, type Modality } from "../api/types";
import { Icon } from "../components/icons";
import { Failure } from "../components/Notices";
import { draw } from "../lib/drawing";
import { noun, plural } from "../lib/format";
import { nearest, toMap, toScreen, towards, wholeScale, zoomAt, type Camera } from "../lib/mapping";
import { searchFor } from "../state/router";
import { learn, titles } from "../state/titles";
import { theme } from "../state/theme";

/** The whole collection as a plane: what is alike is near. */
export function MapView() {
  const { answer, error } = useLoaded(api.map);
  const points = answer?.points;
  const [hidden, setHidden] = useState<Modality[]>([]);
  if (error) return <Failure error={error} />;
  if (!points) {
    return (
      <section class="state" role="status">
        <span class="spinner large" aria-hidden="true" />
        <p>Drawing the map…</p>
      </section>
    );
  }
  if (points.length === 0) {
    return (
      <section class="state">
        <h2>Nothing to draw yet</h2>
        <p>Add a folder under Index first.</p>
      </section>
    );
  }
  return (
    <section class="map">
      <h2 class="unseen">Map of the collection</h2>
      <Plane points={points.filter(({ modality }) => !hidden.includes(modality))} />
      <div class="kinds map-kinds" role="group" aria-label="Shown kinds">
        {MODALITIES.map((modality) => {
          const shown = !hidden.includes(modality);
          return (
            <button
              type="button"
              key={modality}
              class={`kind ${modality}`}
              aria-pressed={shown}
              onClick={() => setHidden(shown ? [...hidden, modality] : hidden.filter((one) => one !== modality))}
            >
              <Icon name={modality} />
              <span>{plural(modality)}</span>
            </button>
          );
        })}
      </div>
    </section>
  );
}

/** How near a pointer has to come to a point, in pixels. */
const REACH = 14;

function Plane({ points }: { points: MapPoint[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<[number, number]>([0, 0]);
  const [camera, setCamera] = useState<Camera>({ x: 0, y: 0, scale: 0 });
  const [chosen, setChosen] = useState("");
  const systemDark = useSystemDark();
  const pointers = useRef(new Map<number, [number, number]>());
  const moved = useRef(0);
  const [width, height] = size;
  const index = points.findIndex(({ item }) => item === chosen);
  const point = points[index];

  useEffect(() => {
    const element = canvas.current!;
    const measure = () => {
      const { clientWidth, clientHeight } = element;
      setSize([clientWidth, clientHeight]);
      setCamera((before) => (before.scale ? before : { x: 0, y: 0, scale: wholeScale(clientWidth, clientHeight) }));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const factor = Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002));
      setCamera((now) => zoomAt(now, element.clientWidth, element.clientHeight, event.offsetX, event.offsetY, factor));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      observer.disconnect();
      element.removeEventListener("wheel", onWheel);
    };
  }, []);
  useEffect(() => {
    let frame = 0;
    const later = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => canvas.current && draw(canvas.current, points, camera, index, later));
    };
    later();
    return () => cancelAnimationFrame(frame);
  }, [points, camera, size, index, theme.value, systemDark]);
  useEffect(() => {
    // Only where a pointer rests is it worth to ask for the name.
    const timer = setTimeout(() => chosen && void learn(chosen), 120);
    return () => clearTimeout(timer);
  }, [chosen]);

  const at = (event: PointerEvent | MouseEvent) => {
    const place = toMap(camera, width, height, event.offsetX, event.offsetY);
    return nearest(points, place, REACH / camera.scale);
  };
  const go = ({ item }: MapPoint) =>
    searchFor({ text: "", parts: [{ kind: "item", value: item, weight: 1, without: false }] });

  const onPointerMove = (event: PointerEvent) => {
    const before = pointers.current.get(event.pointerId);
    if (!before) return setChosen(points[at(event)]?.item ?? "");
    const here: [number, number] = [event.offsetX, event.offsetY];
    const [dx, dy] = [here[0] - before[0], here[1] - before[1]];
    moved.current += Math.abs(dx) + Math.abs(dy);
    const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
    pointers.current.set(event.pointerId, here);
    if (other) {
      const distance = (one: [number, number]) => Math.hypot(one[0] - other[0], one[1] - other[1]);
      const factor = distance(here) / (distance(before) || 1);
      setCamera((now) => zoomAt(now, width, height, other[0], other[1], factor));
    } else {
      setCamera((now) => ({ ...now, x: now.x - dx / now.scale, y: now.y + dy / now.scale }));
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const ways: Record<string, [number, number]> = {
      ArrowRight: [1, 0],
      ArrowLeft: [-1, 0],
      ArrowUp: [0, 1],
      ArrowDown: [0, -1],
    };
    const way = ways[event.key];
    if (way) {
      const next = points[towards(points, index, ...way)];
      if (next) {
        setChosen(next.item);
        const [left, top] = toScreen(camera, width, height, next);
        if (left < 40 || top < 40 || left > width - 40 || top > height - 40)
          setCamera({ ...camera, x: next.x, y: next.y });
      }
    } else if (event.key === "+" || event.key === "=") zoom(1.5);
    else if (event.key === "-") zoom(1 / 1.5);
    else if (event.key === "0") setCamera({ x: 0, y: 0, scale: wholeScale(width, height) });
    else if (event.key === "Enter" && point) go(point);
    else return;
    event.preventDefault();
  };
  const zoom = (factor: number) => {
    const middle = point ? toScreen(camera, width, height, point) : [width / 2, height / 2];
    setCamera(zoomAt(camera, width, height, middle[0]!, middle[1]!, factor));
  };

  return (
    <>
      <canvas
        ref={canvas}
        class={`plane ${point ? "over" : ""}`}
        tabIndex={0}
        role="application"
        aria-label={`Map of ${points.length} items. Arrow keys go to the nearest, Enter searches with it, plus and minus zoom.`}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          pointers.current.set(event.pointerId, [event.offsetX, event.offsetY]);
          moved.current = 0;
        }}
        onPointerMove={onPointerMove}
        onPointerUp={(event) => {
          pointers.current.delete(event.pointerId);
          const hit = moved.current < 6 ? points[at(event)] : undefined;
          if (hit) go(hit);
        }}
        onPointerCancel={(event) => pointers.current.delete(event.pointerId)}
        onPointerLeave={() => setChosen("")}
        onKeyDown={onKeyDown}
      />
      <div class="map-tools">
        <button type="button" class="round" aria-label="Nearer" onClick={() => zoom(1.6)}>
          <Icon name="plus" />
        </button>
        <button type="button" class="round" aria-label="Farther" onClick={() => zoom(1 / 1.6)}>
          <Icon name="minus" />
        </button>
      </div>
      {point && <Card point={point} place={toScreen(camera, width, height, point)} width={width} />}
    </>
  );
}

/** Whether the system wants dark colours, followed while the map is shown. */
function useSystemDark(): boolean {
  const media = matchMedia("(prefers-color-scheme: dark)");
  const [dark, setDark] = useState(media.matches);
  useEffect(() => {
    const follow = () => setDark(media.matches);
    media.addEventListener("change", follow);
    return () => media.removeEventListener("change", follow);
  }, []);
  return dark;
}

/** What a point is. */
function Card({ point, place: [left, top], width }: { point: MapPoint; place: [number, number]; width: number }) {
  const { item, modality } = point;
  const seen = modality === "image" || modality === "video";
  const mask = `url("${api.url.waveform(item, 200)}")`;
  const right = left > width - 220;
  return (
    <div class={`map-card ${right ? "left" : ""}`} style={{ left: `${left}px`, top: `${top}px` }} role="status">
      {seen && <img src={api.url.thumbnail(item, 320)} alt="" />}
      {modality === "audio" && <div class="wave" style={{ maskImage: mask, WebkitMaskImage: mask }} />}
      <p class={`modality ${modality}`}>
        <Icon name={modality} />
        <span>{titles.value[item]?.name ?? noun(modality)}</span>
      </p>
    </div>
  );
}
