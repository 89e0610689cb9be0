/* Curves as plain arrays: joining new points, smoothing, and where values were not finite. */
export function addPoint(curve, step, time, value) {
  const finite = typeof value === "number" && Number.isFinite(value);
  curve.steps.push(step);
  curve.times.push(time);
  curve.values.push(finite ? value : null);
}

/* Exponential moving average with a start that is not pulled to zero; gaps stay gaps. */
export function smooth(values, weight) {
  if (!weight) return values;
  let sum = 0;
  let mass = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = sum * weight + value * (1 - weight);
    mass = mass * weight + (1 - weight);
    return sum / mass;
  });
}

export function gaps(curve) {
  return curve.steps.filter((_, index) => curve.values[index] === null);
}

/* One shared axis for several curves, as uPlot wants it. */
export function align(curves, weight) {
  const steps = [...new Set(curves.flatMap((curve) => curve.steps))].sort((a, b) => a - b);
  const place = new Map(steps.map((step, index) => [step, index]));
  const columns = curves.map((curve) => {
    const column = new Array(steps.length).fill(undefined);
    smooth(curve.values, weight).forEach((value, index) => {
      column[place.get(curve.steps[index])] = value;
    });
    return column;
  });
  return [steps, ...columns];
}
