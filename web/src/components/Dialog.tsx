import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { Icon } from "./icons";

interface Props {
  title: string;
  class?: string;
  /** Takes the dialog away; without it, it stays. */
  onClose?: () => void;
  children: ComponentChildren;
}

/** A modal dialog: the browser keeps the focus within and closes it by Escape. */
export function Dialog({ title, class: kind = "", onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current!;
    const before = document.activeElement as HTMLElement | null;
    element.showModal();
    element.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      element.close();
      before?.focus?.({ preventScroll: true });
    };
  }, []);
  return (
    <dialog
      class={`dialog ${kind}`}
      aria-label={title}
      ref={dialog}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      // Browsers close it all the same when Escape is pressed again.
      onClose={() => dialog.current && (onClose ? onClose() : dialog.current.showModal())}
      onClick={(event) => event.target === dialog.current && onClose?.()}
    >
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}

/** A dialog's headline with its way out. */
export function DialogHead({ title, onClose }: { title: string; onClose: () => void }) {
  return (
    <header class="dialog-head">
      <h2>{title}</h2>
      <button type="button" class="round" aria-label="Close" onClick={onClose}>
        <Icon name="close" />
      </button>
    </header>
  );
}
