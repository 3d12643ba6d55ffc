import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

interface Props {
  /** What the button says to a screen reader, when its content does not. */
  label?: string;
  /** The panel's name. */
  title: string;
  class?: string;
  button: ComponentChildren;
  /** The panel; `close` takes it away and gives the focus back. */
  children: (close: () => void) => ComponentChildren;
}

/** A button that opens a small panel below it; Escape, a click elsewhere or leaving it closes it. */
export function Popup({ label, title, class: kind = "", button, children }: Props) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const trigger = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const id = useId();

  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    keepInside(panel.current!);
    panel.current!.querySelector<HTMLElement>("[data-first], input, button")?.focus();
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
    };
  }, [open]);

  const close = () => {
    setOpen(false);
    trigger.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open) return;
    event.stopPropagation();
    event.preventDefault();
    close();
  };

  return (
    <div class="popup" ref={root} onKeyDown={onKeyDown}>
      <button
        type="button"
        class={kind}
        ref={trigger}
        aria-label={label}
        aria-expanded={open}
        aria-haspopup="dialog"
        aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}
      >
        {button}
      </button>
      {open && (
        <div class="panel" id={id} role="dialog" aria-label={title} ref={panel}>
          {children(close)}
        </div>
      )}
    </div>
  );
}

/** Moves a panel to the left when it would stand out of the window. */
function keepInside(panel: HTMLElement) {
  const { right } = panel.getBoundingClientRect();
  const over = right - document.documentElement.clientWidth + 12;
  if (over > 0) panel.style.translate = `${-over}px 0`;
}
