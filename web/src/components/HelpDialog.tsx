import { helpOpen } from "../state/help";
import { Dialog, DialogHead } from "./Dialog";

const KEYS: [string[], string][] = [
  [["/"], "write into the search box"],
  [["↓"], "from the box into the results"],
  [["←", "→", "↑", "↓"], "move among the results"],
  [["Enter"], "open an item"],
  [["Space"], "play a sound or a video"],
  [["M"], "more like it"],
  [["←", "→"], "in an open item: the one before, the next"],
  [["H"], "in an open item: show where the search looked"],
  [["Esc"], "close"],
  [["?"], "this list"],
];

export function HelpDialog() {
  const close = () => (helpOpen.value = false);
  return (
    <Dialog title="Keys and searching" class="small" onClose={close}>
      <DialogHead title="Keys" onClose={close} />
      <dl class="keys">
        {KEYS.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <h3>Searching</h3>
      <p>
        Describe what you look for, or drop, paste or record it: a picture finds sounds, a sound finds videos. Several
        parts count together; click one to give it a weight or to leave it out.
      </p>
      <p>
        <kbd>beach -people</kbd> leaves out what is like the word. Any result can be dragged into the box.
      </p>
    </Dialog>
  );
}
