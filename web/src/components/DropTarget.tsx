import { useEffect, useState } from "preact/hooks";

import { query, search } from "../state/router";
import { addFiles } from "../state/uploads";
import { ITEM_TYPE } from "./SearchBox";

/** Takes what is dropped or pasted anywhere on the page. */
export function DropTarget() {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const takes = (data: DataTransfer | null) =>
      !!data && (data.types.includes(ITEM_TYPE) || data.types.includes("Files"));
    const onDragOver = (event: DragEvent) => {
      if (!takes(event.dataTransfer)) return;
      event.preventDefault();
      setOver(true);
    };
    const onDragLeave = (event: DragEvent) => {
      if (!event.relatedTarget) setOver(false);
    };
    const onDrop = (event: DragEvent) => {
      setOver(false);
      const data = event.dataTransfer;
      if (!data || !takes(data)) return;
      event.preventDefault();
      const value = data.getData(ITEM_TYPE);
      if (value) search({ parts: [...query.value.parts, { kind: "item", value, weight: 1, without: false }] });
      else addFiles([...data.files]);
    };
    const onPaste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      addFiles(files);
    };
    addEventListener("dragover", onDragOver);
    addEventListener("dragleave", onDragLeave);
    addEventListener("drop", onDrop);
    addEventListener("paste", onPaste);
    return () => {
      removeEventListener("dragover", onDragOver);
      removeEventListener("dragleave", onDragLeave);
      removeEventListener("drop", onDrop);
      removeEventListener("paste", onPaste);
    };
  }, []);
  if (!over) return null;
  return (
    <div class="drop" aria-hidden="true">
      <p>Drop to search with it</p>
    </div>
  );
}
