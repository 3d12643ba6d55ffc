import { computed } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { keyNeeded } from "../api/client";
import { helpOpen } from "../state/help";
import { asksSomething } from "../state/query";
import { open, query, view } from "../state/router";
import { CardView } from "../views/CardView";
import { IndexView } from "../views/IndexView";
import { MapView } from "../views/MapView";
import { SearchView } from "../views/SearchView";
import { DropTarget } from "./DropTarget";
import { HelpDialog } from "./HelpDialog";
import { ItemDialog } from "./ItemDialog";
import { KeyDialog } from "./KeyDialog";
import { Top } from "./Top";

const VIEWS = { search: SearchView, map: MapView, card: CardView, index: IndexView };

/** Nothing is asked: the box stands large above the collection. */
const isHome = computed(
  () => view.value === "search" && !asksSomething(query.value) && !query.value.text && query.value.parts.length === 0,
);

export function App() {
  useEffect(() => {
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  if (keyNeeded.value) {
    return (
      <main id="main">
        <KeyDialog />
      </main>
    );
  }
  const View = VIEWS[view.value];
  return (
    <>
      <a class="skip" href="#main">
        Skip to the results
      </a>
      <Top home={isHome.value} />
      <main id="main" tabIndex={-1}>
        <View />
      </main>
      <DropTarget />
      {open.value && <ItemDialog id={open.value} />}
      {helpOpen.value && <HelpDialog />}
    </>
  );
}

/** Keys that work wherever no one writes. */
function onKey(event: KeyboardEvent) {
  const target = event.target as HTMLElement;
  const writes = target.matches("input:not([type=range]):not([type=checkbox]), textarea, select");
  if (writes || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "/") {
    event.preventDefault();
    const box = document.querySelector<HTMLInputElement>("#search");
    box?.focus();
    box?.select();
  }
  if (event.key === "?") helpOpen.value = true;
}
