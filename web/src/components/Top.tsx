import type { ComponentChildren } from "preact";

import { helpOpen } from "../state/help";
import { isOver, jobs } from "../state/jobs";
import { formatRoute, type View } from "../state/query";
import { home, query, show, view } from "../state/router";
import { nextTheme, theme } from "../state/theme";
import { Icon, Mark, type IconName } from "./icons";
import { SearchBox } from "./SearchBox";

/** Whether a click is to be followed here, not in a new tab. */
export const isPlain = (event: MouseEvent) =>
  event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

export function Top({ home: atHome }: { home: boolean }) {
  return (
    <header class={`top ${atHome ? "at-home" : ""}`}>
      <a
        class="brand"
        href="/"
        onClick={(event) => {
          if (!isPlain(event)) return;
          event.preventDefault();
          home();
        }}
      >
        <Mark />
        <span>Sensorium</span>
      </a>
      {atHome && (
        <div class="hero">
          <h1>Find it by what it is.</h1>
          <p>Your pictures, sounds, videos and notes – by words, by ear, by eye. Nothing leaves this machine.</p>
        </div>
      )}
      {!atHome && <h1 class="unseen">Sensorium</h1>}
      <SearchBox />
      <nav class="nav" aria-label="Views">
        <Link to="search" icon="grid">
          Search
        </Link>
        <Link to="map" icon="map">
          Map
        </Link>
        <Link to="card" icon="chart">
          Recall
        </Link>
        <Link to="index" icon="stack">
          Index
          {jobs.value.some((job) => !isOver(job)) && <span class="spinner" role="img" aria-label="indexing" />}
        </Link>
        <ThemeButton />
        <button
          type="button"
          class="round keys-button"
          aria-label="Keys"
          title="Keys (?)"
          onClick={() => (helpOpen.value = true)}
        >
          <Icon name="help" />
        </button>
      </nav>
    </header>
  );
}

function Link({ to, icon, children }: { to: View; icon: IconName; children: ComponentChildren }) {
  const current = view.value === to;
  return (
    <a
      class="nav-link"
      href={formatRoute({ view: to, query: query.value, open: "" }) || "/"}
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        if (!isPlain(event)) return;
        event.preventDefault();
        if (!current) show(to);
      }}
    >
      <Icon name={icon} />
      <span class="nav-name">{children}</span>
    </a>
  );
}

const THEMES = {
  auto: { icon: "auto", label: "Colours as the system's" },
  light: { icon: "sun", label: "Light" },
  dark: { icon: "moon", label: "Dark" },
} as const;

function ThemeButton() {
  const { icon, label } = THEMES[theme.value];
  return (
    <button type="button" class="round" aria-label={`${label}: change`} title={label} onClick={nextTheme}>
      <Icon name={icon} />
    </button>
  );
}
