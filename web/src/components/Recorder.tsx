import { useEffect, useRef, useState } from "preact/hooks";

import { addFiles, refusals } from "../state/uploads";
import { clock } from "../lib/format";
import { Icon } from "./icons";

/** Longer recordings end by themselves. */
const LONGEST = 60;

/** Records from the microphone; what was recorded becomes a part of the search. */
export function Recorder() {
  const [seconds, setSeconds] = useState<number | undefined>(undefined);
  const recorder = useRef<MediaRecorder>();
  const asking = useRef(false);

  useEffect(() => {
    if (seconds === undefined) return;
    if (seconds >= LONGEST) return recorder.current?.stop();
    const timer = setTimeout(() => setSeconds(seconds + 1), 1000);
    return () => clearTimeout(timer);
  }, [seconds]);
  useEffect(() => () => recorder.current?.stop(), []);

  const start = async () => {
    // A second click while the browser asks for leave would record twice.
    if (asking.current) return;
    asking.current = true;
    try {
      if (!navigator.mediaDevices) throw new Error("browsers record only on pages from this machine or by https");
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const mine = (recorder.current = new MediaRecorder(stream));
      const pieces: Blob[] = [];
      mine.addEventListener("dataavailable", ({ data }) => pieces.push(data));
      mine.addEventListener("stop", () => {
        for (const track of stream.getTracks()) track.stop();
        setSeconds(undefined);
        const type = mine.mimeType || "audio/webm";
        const name = `recording.${type.includes("ogg") ? "ogg" : type.includes("mp4") ? "m4a" : "webm"}`;
        addFiles([new File(pieces, name, { type })]);
      });
      mine.start();
      setSeconds(0);
    } catch (error) {
      const denied = error instanceof DOMException && error.name === "NotAllowedError";
      const absent = error instanceof DOMException && error.name === "NotFoundError";
      const reason = denied
        ? "the browser was not allowed to use the microphone; allow it beside the address and try again"
        : absent
          ? "no microphone was found"
          : String(error instanceof Error ? error.message : error);
      refusals.value = [{ key: -1, name: "Recording", reason }];
    } finally {
      asking.current = false;
    }
  };

  if (seconds === undefined) {
    return (
      <button type="button" class="round" aria-label="Record a sound" title="Record a sound" onClick={start}>
        <Icon name="microphone" />
      </button>
    );
  }
  return (
    <button
      type="button"
      class="recording"
      aria-label="Stop recording and search"
      onClick={() => recorder.current?.stop()}
    >
      <span class="pulse" aria-hidden="true" />
      <span class="number">{clock(seconds)}</span>
      <Icon name="stop" />
    </button>
  );
}
