// Draws the figures in the data of the page. Only this file knows uPlot.
"use strict";

const Charts = (() => {
  const data = JSON.parse(document.getElementById("data").textContent).experiments;
  const HEIGHT = 230, PAD_TOP = 46, FINE_ENOUGH = 48;
  const charts = new Map(); // plot element → uPlot
  const views = data.map((each) => ({ min: each.begin, max: each.end }));

  // A canvas needs the computed colour, not a custom property.
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const font = (size, weight = "") => `${weight} ${size}px ${getComputedStyle(document.body).fontFamily}`.trim();

  const number = (value, digits) => value.toLocaleString("en", { maximumFractionDigits: digits });
  const signed = (value) => (Math.abs(value) < 0.005 ? "0" : (value > 0 ? "+" : "−") + number(Math.abs(value), 2));
  const latency = (ms) => (ms === null ? "–" : ms < 999.5 ? `${number(ms, ms < 10 ? 1 : 0)} ms` : `${number(ms / 1000, 2)} s`);

  // The widest bins of which enough are in view. For the view of the whole, the widest of all are enough.
  function levelOf(journey, view, experiment) {
    const enough = Math.min(FINE_ENOUGH, (0.99 * (experiment.end - experiment.begin)) / journey.levels[0].width);
    const fine = journey.levels.find((each) => (view.max - view.min) / each.width >= enough);
    return fine || journey.levels[journey.levels.length - 1];
  }

  const seconds = (level, experiment, i) => {
    const left = level.start + i * level.width;
    return Math.max(0, Math.min(left + level.width, experiment.end) - Math.max(left, experiment.begin));
  };
  const perSecond = (counts, level, experiment) =>
    counts.map((count, i) => (seconds(level, experiment, i) > 0 ? count / seconds(level, experiment, i) : null));

  // A step is drawn from its x to the next x, so the last value is repeated at the end.
  function columns(chart) {
    const { level, experiment, kind } = chart;
    const edges = level.requests.map((_, i) => level.start + i * level.width);
    edges.push(Math.min(level.start + edges.length * level.width, experiment.end));
    const closed = (column) => [...column, column[column.length - 1]];
    if (kind === "rate")
      return [edges, closed(perSecond(level.requests, level, experiment)), closed(perSecond(level.failed, level, experiment))];
    return [edges, closed(level.p50_ms), closed(level.p95_ms), closed(level.p99_ms)];
  }

  // One bin in words, for the eye and for a screen reader.
  function says(chart, i) {
    const { level, experiment, kind } = chart;
    const left = level.start + i * level.width, requests = level.requests[i], failed = level.failed[i];
    const when = `${signed(left)} … ${signed(left + level.width)} s:`;
    if (kind === "rate") {
      const span = seconds(level, experiment, i) || level.width;
      const share = requests ? ` (${number((100 * failed) / requests, 1)}%)` : "";
      return `${when} ${number(requests / span, 1)}/s arrive, ${number(failed / span, 1)}/s fail${share}`;
    }
    if (level.p50_ms[i] === null) return `${when} none of ${requests} succeeded`;
    const figures = `p50 ${latency(level.p50_ms[i])}, p95 ${latency(level.p95_ms[i])}, p99 ${latency(level.p99_ms[i])}`;
    return level.worst ? `${when} worst ${level.worst} s: ${figures}` : `${when} ${figures}; ${requests - failed} succeeded`;
  }

  function shadesAndMarks(chart) {
    const { experiment, journey } = chart;
    const marks = [...experiment.marks, ...journey.marks].sort((a, b) => a.at - b.at);
    return {
      drawClear: (u) => {
        const { ctx, bbox } = u;
        ctx.save();
        for (const shade of experiment.shades) {
          const from = Math.max(bbox.left, u.valToPos(shade.from, "x", true));
          const to = Math.min(bbox.left + bbox.width, u.valToPos(shade.to, "x", true));
          ctx.fillStyle = colour(shade.full ? "shade" : "shade-edge");
          if (to > from) ctx.fillRect(from, bbox.top, to - from, bbox.height);
        }
        ctx.restore();
      },
      draw: (u) => {
        const { ctx, bbox } = u, ratio = devicePixelRatio, right = bbox.left + bbox.width;
        ctx.save();
        ctx.font = font(11 * ratio);
        ctx.textBaseline = "bottom";
        ctx.textAlign = "left"; // uPlot leaves it as its axes set it
        ctx.lineWidth = ratio;
        const rows = [-Infinity, -Infinity, -Infinity]; // where the last label of each row ends
        for (const mark of marks) {
          const x = u.valToPos(mark.at, "x", true);
          if (x < bbox.left - 1 || x > right + 1) continue;
          const bad = ["broke", "lapsed", "stop"].includes(mark.name), label = mark.label || mark.name;
          ctx.strokeStyle = ctx.fillStyle = colour(bad ? "broken" : mark.name === "recovered" ? "held" : "muted");
          ctx.setLineDash(bad || mark.name === "recovered" ? [] : [3 * ratio, 3 * ratio]);
          ctx.beginPath();
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bbox.top + bbox.height);
          ctx.stroke();
          const width = ctx.measureText(label).width;
          const start = Math.min(x + 3 * ratio, right - width);
          const row = rows.findIndex((end) => start > end);
          if (row < 0) continue; // no room for the label; the table of moments has it
          rows[row] = start + width + 6 * ratio;
          ctx.fillText(label, start, bbox.top - (2 + 14 * row) * ratio);
        }
        if (chart.kind === "latency") drawBounds(u, journey.bounds);
        ctx.restore();
      },
    };
  }

  function drawBounds(u, bounds) {
    const { ctx, bbox } = u, ratio = devicePixelRatio;
    ctx.strokeStyle = ctx.fillStyle = colour("bound");
    ctx.lineWidth = 1.5 * ratio;
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    ctx.font = font(11 * ratio);
    ctx.textBaseline = "bottom";
    let said = "";
    for (const bound of bounds) {
      const y = u.valToPos(bound.ms, "y", true);
      const from = Math.max(bbox.left, u.valToPos(bound.from, "x", true));
      const to = Math.min(bbox.left + bbox.width, u.valToPos(bound.to, "x", true));
      if (to <= from) continue;
      ctx.beginPath();
      ctx.moveTo(from, y);
      ctx.lineTo(to, y);
      ctx.stroke();
      const text = `${bound.name} ≤ ${latency(bound.ms)}`;
      if (text !== said && ctx.measureText(text).width < to - from - 8 * ratio) {
        ctx.fillText(text, from + 4 * ratio, y - 2 * ratio);
        said = text;
      }
    }
  }

  function decades(u, axis, min, max) {
    const steps = Math.log10(max / min) > 2.5 ? [1] : [1, 2, 5], found = [];
    for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); power++)
      for (const step of steps) found.push(step * 10 ** power);
    return found.filter((value) => value >= min * 0.999 && value <= max * 1.001);
  }

  function latencyRange(chart) {
    return (u, low, high) => {
      const view = views[chart.number];
      const bounds = chart.journey.bounds.filter((each) => each.to > view.min && each.from < view.max).map((each) => each.ms);
      const values = [low, high, ...bounds].filter((value) => value !== null && Number.isFinite(value) && value > 0);
      if (!values.length) return [1, 1000];
      const min = Math.min(...values) / 1.6, max = Math.max(...values) * 1.6;
      const more = Math.max(1, Math.sqrt(10 / (max / min))); // show at least a decade, so that the axis has ticks
      return [min / more, max * more];
    };
  }

  function options(chart, width) {
    const { kind, number: at } = chart, stepped = uPlot.paths.stepped({ align: 1 });
    const line = (name, more) => ({ stroke: colour(name), width: 1.5, paths: stepped, points: { show: false }, ...more });
    const series =
      kind === "rate"
        ? [{}, line("arrive"), line("broken", { fill: colour("broken"), width: 0.5 })]
        : [{}, line("p50"), line("p95", { width: 2.5 }), line("p99", { dash: [6, 3] })];
    const axis = { stroke: colour("muted"), font: font(11), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
    return {
      width, height: HEIGHT, padding: [PAD_TOP, 20, 0, 0], legend: { show: false },
      scales: {
        x: { time: false, range: () => [views[at].min, views[at].max] },
        y: kind === "rate" ? { range: (u, low, high) => [0, Math.max(1, high || 0) * 1.15] } : { distr: 3, log: 10, range: latencyRange(chart) },
      },
      series,
      axes: [
        { ...axis, values: (u, splits) => splits.map((each) => signed(each)), label: "seconds", labelFont: font(11), labelSize: 16, labelGap: 0, size: 26, gap: 4 },
        kind === "rate"
          ? { ...axis, size: 52 }
          : { ...axis, size: 52, splits: decades, filter: (u, splits) => splits, values: (u, splits) => splits.map((each) => latency(each)) },
      ],
      cursor: {
        points: { show: false }, y: false, drag: { x: true, y: false, setScale: false },
        bind: { dblclick: () => () => Charts.zoom(at, null) },
      },
      hooks: {
        ...Object.fromEntries(Object.entries(shadesAndMarks(chart)).map(([name, hook]) => [name, [hook]])),
        setCursor: [(u) => u.over.matches(":hover") && Charts.point(at, u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null)],
        setSelect: [
          (u) => {
            if (u.select.width < 4) return;
            Charts.zoom(at, [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")]);
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    };
  }

  function make(plot) {
    const number = Number(plot.closest("[data-experiment]").dataset.experiment), experiment = data[number];
    const journey = experiment.journeys[Number(plot.dataset.journey)];
    const chart = { plot, number, experiment, journey, kind: plot.dataset.kind, readout: plot.previousElementSibling };
    chart.level = levelOf(journey, views[number], experiment);
    chart.u = new uPlot(options(chart, plot.clientWidth), columns(chart), plot);
    chart.u.over.addEventListener("mouseleave", () => Charts.point(number, null));
    charts.set(plot, chart);
  }

  const of = (number) => [...charts.values()].filter((chart) => chart.number === number);
  const all = () => document.querySelectorAll(".plot");

  return {
    ensure: (plot) => charts.has(plot) || make(plot),
    ensureAll: () => all().forEach((plot) => Charts.ensure(plot)),
    of: (plot) => charts.get(plot),

    // The charts of one experiment always show the same span of time.
    zoom(number, range) {
      const whole = data[number];
      const min = range ? Math.max(whole.begin, Math.min(...range)) : whole.begin;
      const max = range ? Math.min(whole.end, Math.max(...range)) : whole.end;
      const finest = Math.min(...whole.journeys.map((each) => each.levels[each.levels.length - 1].width));
      if (max - min < 3 * finest) return;
      views[number] = { min, max };
      for (const chart of of(number)) {
        chart.level = levelOf(chart.journey, views[number], whole);
        chart.u.setData(columns(chart));
      }
      document.dispatchEvent(new CustomEvent("zoomed", { detail: number }));
    },
    view: (number) => views[number],
    whole: (number) => data[number],

    // Show the figures of one moment on all charts of an experiment; return the text of the given chart.
    point(number, moment, plot = null) {
      let said = "";
      for (const chart of of(number)) {
        const { u, level, readout } = chart;
        if (moment === null) {
          readout.textContent = "";
          u.setCursor({ left: -10, top: -10 }, false);
          continue;
        }
        const i = Math.max(0, Math.min(level.requests.length - 1, Math.floor((moment - level.start) / level.width + 1e-9)));
        readout.textContent = says(chart, i);
        if (!u.over.matches(":hover")) u.setCursor({ left: u.valToPos(moment, "x"), top: 1 }, false);
        if (chart.plot === plot) said = readout.textContent;
      }
      return said;
    },

    resize(plot) {
      const chart = charts.get(plot);
      if (chart && plot.clientWidth && chart.u.width !== plot.clientWidth) chart.u.setSize({ width: plot.clientWidth, height: HEIGHT });
    },

    // A chart keeps the colours it was made with, so a new theme needs new charts.
    redraw(width = null) {
      for (const plot of [...charts.keys()]) {
        charts.get(plot).u.destroy();
        make(plot);
        if (width) charts.get(plot).u.setSize({ width, height: HEIGHT });
      }
    },
  };
})();
