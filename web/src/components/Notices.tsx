import type { ComponentChildren } from "preact";

import type { ApiError } from "../api/client";
import { Icon } from "./icons";

/** That something small did not work, beside where it was tried. */
export function Refusal({ children }: { children: ComponentChildren }) {
  return (
    <p class="refusal" role="alert">
      <Icon name="alert" />
      <span>{children}</span>
    </p>
  );
}

/** That a whole view cannot be shown. */
export function Failure({ error }: { error: ApiError }) {
  return (
    <section class="state" role="alert">
      <h2>{error.headline}</h2>
      <p>{error.detail}</p>
    </section>
  );
}
