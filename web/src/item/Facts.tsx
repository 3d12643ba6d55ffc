import type { Item } from "../api/types";
import { bytes, clock, count, date } from "../lib/format";
import type { Entry } from "../state/results";
import { Icon } from "../components/icons";

const OWN = new Set(["width", "height", "duration", "format"]);

/** What the file is and says of itself. */
export function Facts({ entry, item }: { entry: Entry; item?: Item }) {
  const { media, path, locations } = entry;
  const facts: [string, string][] = [["Kind", media.format]];
  if (media.width && media.height) facts.push(["Size", `${count(media.width)} × ${count(media.height)}`]);
  if (media.duration) facts.push(["Length", clock(media.duration)]);
  facts.push(["File", bytes(media.bytes)]);
  if (item?.modified) facts.push(["Changed", date(item.modified)]);
  for (const [name, value] of Object.entries({ ...media.facts, ...item?.fields })) {
    if (OWN.has(name) || value === null || typeof value === "object") continue;
    const said = String(value);
    facts.push([name.replaceAll("_", " "), /^\d{4}-\d\d-\d\dT/.test(said) ? date(said) : said]);
  }
  return (
    <section class="facts">
      <h3>File</h3>
      <dl>
        {facts.slice(0, 24).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {[...new Set([path, ...locations])].slice(0, 10).map((one) => (
        <Path key={one} path={one} />
      ))}
    </section>
  );
}

function Path({ path }: { path: string }) {
  return (
    <p class="path">
      <code>{path}</code>
      {navigator.clipboard && (
        <button
          type="button"
          class="round"
          aria-label="Copy the path"
          title="Copy the path"
          onClick={() => void navigator.clipboard.writeText(path).catch(() => {})}
        >
          <Icon name="copy" />
        </button>
      )}
    </p>
  );
}
