"use strict";
// Draws each figure's data with uPlot, anew where the width, the colours or the medium change.
(() => {
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const grouped = (value) => value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 2 : 0 });
  const seconds = (value) => {
    const size = Math.abs(value);
    if (size >= 1) return `${+value.toPrecision(3)} s`;
    if (size >= 1e-3) return `${+(value * 1e3).toPrecision(3)} ms`;
    return size === 0 ? "0" : `${+(value * 1e6).toPrecision(3)} µs`;
  };
  const percentile = (nines) => `p${+(100 * (1 - 10 ** -nines)).toPrecision(6)}`;
  const words = {
    s: seconds,
    count: grouped,
    per_s: grouped,
    tokens: grouped,
    usd: (value) => `$${+value.toPrecision(3)}`,
    nines: percentile,
  };
  const say = (unit) => (_plot, value) => (value == null ? "–" : words[unit](value));
  const between = (lower, unit) => (_plot, value, _series, at) =>
    value == null ? "–" : `${words[unit](lower.values[at])} – ${words[unit](value)}`;
  // 0 %, 50 %, 75 %, then a nine a step.
  const nineTicks = (last) => [0, 0.30103, 0.60206, 1, 2, 3, 4, 5, 6, 7, 8].filter((nines) => nines <= last + 1e-9);

  const seriesOf = (lines, i, unit, isPrint) => {
    const line = lines[i];
    const colour = style(line.colour);
    return {
      label: line.band ? "95 % interval" : line.label,
      stroke: colour,
      width: line.label.startsWith("95 %") ? 1 : 2 / (isPrint ? 1.5 : 1),
      dash: line.dashed ? [6, 4] : undefined,
      fill: line.filled ? `${colour}2e` : undefined,
      points: { show: line.values.length < 3, size: 6 },
      value: line.band ? between(lines[i - 1], unit) : say(unit),
      spanGaps: false,
    };
  };

  const axes = (chart) => {
    const common = { stroke: style("quiet"), grid: { stroke: style("rule"), width: 1 }, ticks: { show: false } };
    const isNines = chart.x.unit === "nines";
    return [
      {
        ...common,
        font: "12px system-ui, sans-serif",
        size: 30,
        values: (_plot, splits) => splits.map((at) => (isNines ? percentile(at) : chart.x.unit === "s" ? `${at} s` : at)),
        splits: isNines ? (_plot, _axis, _low, high) => nineTicks(high) : undefined,
        space: isNines ? 20 : 70,
      },
      {
        ...common,
        font: "12px system-ui, sans-serif",
        size: 62,
        values: (_plot, splits) => splits.map((at) => (at == null ? "" : words[chart.y.unit](at))),
      },
    ];
  };

  const bands = (lines) =>
    lines.flatMap((line, i) => (line.band ? [{ series: [i + 1, i], fill: `${style(line.colour)}24` }] : []));

  // A whole number of 1 to 10 times a power of ten: from another start uPlot's steps can miss the next power, and not end.
  const whole = (value, round) => {
    const [digits, exponent] = value.toExponential().split("e");
    return Number(`${round(digits)}e${exponent}`);
  };

  const range = (chart) => {
    const values = chart.lines.flatMap((line) => line.values).filter((value) => value != null && value > 0);
    const low = Math.min(...values);
    const high = Math.max(...values);
    return [whole(low / 1.1, Math.floor), whole(high * 1.1, Math.ceil)];
  };

  const draw = (figure, isPrint) => {
    const chart = JSON.parse(figure.querySelector("script").textContent);
    const place = figure.querySelector(".plot");
    place.replaceChildren();
    const width = isPrint ? Math.min(640, place.clientWidth || 640) : place.clientWidth;
    if (!width) return;
    const options = {
      width,
      height: Math.max(180, Math.min(280, Math.round(width * 0.45))),
      scales: {
        x: { time: false },
        y: chart.y.log ? { distr: 3, range: () => range(chart) } : { range: (_plot, low, high) => span(low, high) },
      },
      series: [{ label: chart.x.unit === "s" ? "time" : chart.x.label, value: say(chart.x.unit) }, ...chart.lines.map((_line, i) => seriesOf(chart.lines, i, chart.y.unit, isPrint))],
      axes: axes(chart),
      bands: bands(chart.lines),
      cursor: { drag: { x: true, y: false }, points: { size: 7 } },
      legend: { live: !isPrint },
      // The bounds of a band come and go together.
      hooks: { setSeries: [(plot, i, { show }) => show != null && chart.lines[i - 1]?.band && plot.setSeries(i - 1, { show })] },
    };
    const plot = new uPlot(options, [chart.x.values, ...chart.lines.map((line) => line.values)], place);
    const rows = place.querySelectorAll(".u-series");
    chart.lines.forEach((line, i) => line.band && (rows[i].style.display = "none"));
    place.onkeydown = (event) => walk(plot, event);
  };

  // Arrow keys move the cursor from point to point, as a mouse would; the legend says what is there.
  const walk = (plot, event) => {
    const last = plot.data[0].length - 1;
    const now = plot.cursor.idx;
    const next = { ArrowLeft: (now ?? last + 1) - 1, ArrowRight: (now ?? -1) + 1, Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const left = plot.valToPos(plot.data[0][Math.min(Math.max(next, 0), last)], "x");
    plot.setCursor({ left, top: plot.over.clientHeight / 2 });
  };

  // From zero on, for a rate that is cut off below looks like another; differences may lie below it.
  const span = (low, high) => {
    const most = Math.max(0, high ?? 1);
    const least = Math.min(0, low ?? 0);
    const room = (most - least || 1) * 0.08;
    return [least < 0 ? least - room : 0, most + room];
  };

  const drawAll = (isPrint) => document.querySelectorAll("figure.chart").forEach((figure) => draw(figure, isPrint));
  let waiting = 0;
  const soon = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => drawAll(false));
  };
  let width = document.documentElement.clientWidth;
  addEventListener("resize", () => {
    if (document.documentElement.clientWidth === width) return;
    width = document.documentElement.clientWidth;
    soon();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon);
  matchMedia("print").addEventListener("change", (event) => drawAll(event.matches));
  addEventListener("beforeprint", () => drawAll(true));
  addEventListener("afterprint", () => drawAll(false));
  drawAll(false);
})();
