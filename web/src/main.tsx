import { render } from "preact";

import { App } from "./components/App";
import { loadJobs } from "./state/jobs";
import { followQuery } from "./state/results";
import { loadStatus } from "./state/status";
import { followTheme } from "./state/theme";
import "./styles/base.css";
import "./styles/filters.css";
import "./styles/box.css";
import "./styles/gallery.css";
import "./styles/dialog.css";
import "./styles/item.css";
import "./styles/lines.css";
import "./styles/views.css";

followTheme();
followQuery();
void loadStatus().then(loadJobs);
// A page that the browser kept may be of a session that has ended.
addEventListener("pageshow", ({ persisted }) => persisted && void loadStatus());
render(<App />, document.getElementById("page")!);
