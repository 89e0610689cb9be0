/* Keeps spans and moments true: <time data-tick="elapsed|remaining|ago"> and <time data-local>. */
const language = document.documentElement.lang;
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat(language, { numeric: "always" });
const absolute = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const counts = Object.fromEntries(
  UNITS.map(([unit]) => [
    unit,
    new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }),
  ]),
);
/* The server's clock counts: a laptop that is minutes off must not show a deadline as passed. */
const skew = Date.parse(document.documentElement.dataset.now) - Date.now();

export function span(seconds) {
  let rest = Math.max(0, Math.floor(seconds));
  const parts = [];
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count || parts.length) parts.push([count, unit]);
  }
  const shown = parts.slice(0, 2).filter(([count]) => count);
  return (shown.length ? shown : [[0, "second"]])
    .map(([count, unit]) => counts[unit].format(count))
    .join(" ");
}

function ago(seconds) {
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) / size >= 0.85) ?? UNITS[3];
  return relative.format(Math.round(-seconds / length), unit);
}

const WRITERS = {
  elapsed: (seconds) => span(seconds),
  remaining: (seconds) => span(-seconds),
  ago,
};

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function tick() {
  const now = Date.now() + skew;
  for (const element of document.querySelectorAll("time[data-tick]")) {
    const seconds = (now - Date.parse(element.dateTime)) / 1000;
    write(element, WRITERS[element.dataset.tick](seconds));
  }
}

function localise() {
  for (const element of document.querySelectorAll("time[data-local]")) {
    element.title = element.dateTime;
    write(element, absolute.format(new Date(element.dateTime)));
  }
  tick();
}

export function startClock() {
  localise();
  document.addEventListener("htmx:after:swap", localise);
  setInterval(() => document.hidden || tick(), 1000);
  document.addEventListener("visibilitychange", tick);
}
