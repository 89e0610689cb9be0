/* What every page needs; charts are loaded only where there are curves.

   htmx and its extension are imported here, not loaded as scripts of their own: htmx starts with a
   timer, and when the extension is still on its way then, the page's streams never open. In one
   module graph nothing comes between them, and ours listens before the first stream. */
import "../vendor/htmx.esm.min.js";
import "../vendor/hx-sse.min.js";
import { startClock } from "./clock.js";
import { watchDialog } from "./dialog.js";
import { keepFocus } from "./focus.js";
import { watchConnection } from "./connection.js";
import { watchMenus } from "./menus.js";
import { watchDrops } from "./drops.js";
import { watchFlashes } from "./flashes.js";

startClock();
watchDialog();
keepFocus();
watchConnection();
watchMenus();
watchDrops();
watchFlashes();

if (document.querySelector("[data-charts]")) {
  import("./charts.js").then((charts) => charts.start());
}
