/* What every page needs; charts are loaded only where there are curves. */
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
