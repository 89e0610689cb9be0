/* Live curves: one plot a metric, one line a run. The page's JSON holds what is known so far. */
import { addPoint, align, gaps } from "./series.js";
import { listen } from "./stream.js";

const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3], [4, 2], [12, 4]];
const count = new Intl.NumberFormat(document.documentElement.lang);
const number = new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 4 });

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function write(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  return value && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : number.format(value);
}

function markGaps(curves) {
  return (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = colour("--bad");
    ctx.lineWidth = 2 * devicePixelRatio;
    for (const step of curves.flatMap(gaps)) {
      const x = plot.valToPos(step, "x", true);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top + bbox.height - 9 * devicePixelRatio);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  };
}

function options(view) {
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { show: false } };
  const values = (_, splits) => splits.map((split) => (split === null ? "" : write(split)));
  return {
    width: view.box.clientWidth,
    height: 240,
    legend: { show: false },
    cursor: { y: false, points: { size: 7 } },
    scales: { x: { time: false }, y: { distr: view.log ? 3 : 1 } },
    axes: [{ ...axis, size: 32 }, { ...axis, size: 58, values }],
    series: [
      {},
      ...view.curves.map((curve, index) => ({
        label: curve.label,
        stroke: colour(`--series-${(index % 6) + 1}`),
        width: 1.75,
        dash: DASHES[index % 6],
        spanGaps: false,
        points: { show: curve.steps.length < 2 },
      })),
    ],
    hooks: { draw: [markGaps(view.curves)], setCursor: [(plot) => readOut(view, plot)] },
  };
}

function readOut(view, plot) {
  if (!view.output) return;
  const index = plot.cursor.idx;
  if (index === null || index === undefined) {
    view.output.replaceChildren(...view.resting);
    return;
  }
  const values = view.curves.map((_, line) => write(plot.data[line + 1][index]));
  view.output.textContent = `${view.stepWord} ${plot.data[0][index]}: ${values.join(" · ")}`;
}

/* A line can't be drawn through 0 or less on a logarithmic scale: it is left out there. */
function data(view) {
  const columns = align(view.curves, view.weight);
  if (!view.log) return columns;
  return columns.map((column, index) =>
    index ? column.map((value) => (value > 0 ? value : value === undefined ? undefined : null)) : column,
  );
}

function draw(view) {
  view.plot?.destroy();
  view.box.replaceChildren();
  view.plot = new window.uPlot(options(view), data(view), view.box);
}

function update(view) {
  view.plot.setData(data(view));
  const curve = view.curves[0];
  const last = curve.values[curve.values.length - 1];
  const strong = document.createElement("strong");
  strong.textContent = last === null ? "NaN" : write(last);
  view.resting = [strong];
  if (view.output && view.plot.cursor.idx == null) view.output.replaceChildren(...view.resting);
}

function makeView(article, runs) {
  const output = article.querySelector("output");
  return {
    box: article.querySelector(".plot"),
    output,
    resting: output ? [...output.childNodes] : [],
    stepWord: article.dataset.step,
    log: false,
    weight: 0,
    curves: runs.map((run) => {
      const found = run.curves.find((curve) => curve.metric === article.dataset.metric);
      const curve = found ?? { metric: article.dataset.metric, steps: [], values: [], times: [] };
      return { ...curve, times: [...curve.times], steps: [...curve.steps], values: [...curve.values], label: run.run };
    }),
  };
}

function watchTools(area, views) {
  const log = area.querySelector("[data-log]");
  const weight = area.querySelector("[data-smooth]");
  const redraw = () => {
    for (const view of views) {
      view.log = log.checked;
      view.weight = Number(weight.value);
      draw(view);
    }
  };
  log.addEventListener("change", redraw);
  weight.addEventListener("input", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new ResizeObserver(() => {
    for (const view of views) {
      if (view.plot.width !== view.box.clientWidth) {
        view.plot.setSize({ width: view.box.clientWidth, height: 240 });
      }
    }
  }).observe(area);
}

/* The figures above the curves follow along. */
function showFigures(run) {
  for (const metric of run.metrics) {
    const place = document.querySelector(`[data-figure="${CSS.escape(metric.name)}"]`);
    if (place) place.textContent = metric.last === null ? metric.last_text : write(metric.last);
  }
  document.querySelector("[data-points]").textContent = count.format(run.points);
}

function follow(area, views) {
  const events = area.dataset.live;
  const known = new Set(views.map((view) => view.curves[0].metric));
  let position = area.dataset.position;
  const receive = (event) => {
    const message = JSON.parse(event.data);
    position = String(message.position);
    for (const point of message.points ?? []) {
      for (const view of views) {
        const name = view.curves[0].metric;
        if (name in point.values) addPoint(view.curves[0], point.step, point.time, point.values[name]);
      }
    }
    if (message.points?.length) views.forEach(update);
    if (message.run) showFigures(message.run);
    const fresh = (message.points ?? []).some((point) => Object.keys(point.values).some((name) => !known.has(name)));
    if (fresh || (message.run && message.run.state !== "running")) location.reload();
  };
  listen({
    address: () => `${events}?after=${position}`,
    subject: events.replace(/\/events$/, ""),
    kinds: ["message", "points", "run"],
    receive,
  });
}

export function start() {
  const area = document.querySelector("[data-charts]");
  const runs = JSON.parse(document.getElementById("curves").textContent);
  const views = [...area.querySelectorAll("[data-metric]")].map((article) => makeView(article, runs));
  views.forEach(draw);
  if (views.length) watchTools(area, views);
  if (area.dataset.live) follow(area, views);
}
