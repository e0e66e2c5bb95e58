"use strict";
/* Draws the charts that the page describes in its script of JSON, with Chart.js: legends of
 * buttons, zoom, and colours for light, dark and paper.  Nothing here makes HTML of text. */
(() => {
  const dashes = [[], [7, 4], [2, 3]];
  const { light, dark, quantity, tick, scale } = servesimAxes;
  let theme = light;
  const charts = new Map();

  function colour(which) {
    return typeof which === "number" ? theme.palette[which % theme.palette.length]
                                     : theme[which];
  }
  function pale(which, alpha) {
    const hex = colour(which).slice(1);
    const part = (at) => parseInt(hex.slice(at, at + 2), 16);
    return `rgba(${part(0)},${part(2)},${part(4)},${alpha})`;
  }

  /* --- lines across: bounds of the SLO, events --- */
  const marks = {
    id: "marks",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea: area, spec } = chart;
      for (const mark of spec.marks) {
        if (mark.hidden) continue;
        const along = chart.scales[mark.axis];
        ctx.save();
        ctx.strokeStyle = colour(mark.colour);
        ctx.lineWidth = 1.4;
        ctx.setLineDash([5, 4]);
        for (const at of mark.at) {
          const pixel = along.getPixelForValue(at);
          ctx.beginPath();
          if (mark.axis === "x" && pixel >= area.left && pixel <= area.right) {
            ctx.moveTo(pixel, area.top);
            ctx.lineTo(pixel, area.bottom);
          } else if (mark.axis === "y" && pixel >= area.top && pixel <= area.bottom) {
            ctx.moveTo(area.left, pixel);
            ctx.lineTo(area.right, pixel);
          }
          ctx.stroke();
        }
        ctx.restore();
      }
      if (chart.dragged) {
        const [from, to] = chart.dragged;
        ctx.save();
        ctx.fillStyle = pale("soft", 0.25);
        ctx.fillRect(Math.min(from, to), area.top, Math.abs(to - from),
                     area.bottom - area.top);
        ctx.restore();
      }
    },
  };

  /* --- what a bar is worth, at its end --- */
  const worths = {
    id: "worths",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea: area, spec } = chart;
      if (!spec.values || !chart.isDatasetVisible(0)) return;
      ctx.save();
      ctx.font = "11px " + Chart.defaults.font.family;
      ctx.textBaseline = "middle";
      chart.getDatasetMeta(0).data.forEach((bar, i) => {
        const value = spec.series[0].data[i];
        if (value === null) return;
        const text = quantity(value, spec.x.unit);
        const inside = bar.x + 5 + ctx.measureText(text).width > area.right;
        ctx.textAlign = inside ? "right" : "left";
        ctx.fillStyle = inside ? theme.paper : theme.ink;
        ctx.fillText(text, bar.x + (inside ? -5 : 5), bar.y);
      });
      ctx.restore();
    },
  };

  /* --- one chart --- */
  /* A value between two gaps would not be seen as a line. */
  function alone(context) {
    const has = (at) => at >= 0 && at < context.dataset.data.length &&
      context.dataset.data[at].y !== null;
    const at = context.dataIndex;
    return has(at) && !has(at - 1) && !has(at + 1) ? 2.5 : 0;
  }
  function dataset(spec, series) {
    const shared = { label: series.label, data: series.data, hidden: series.hidden === true };
    if (spec.kind === "bar") {
      return { ...shared, backgroundColor: colour(series.colour), borderWidth: 0,
               maxBarThickness: 22, categoryPercentage: 0.86, barPercentage: 0.92 };
    }
    const made = {
      ...shared,
      data: series.data.map(([x, y]) => ({ x, y })),
      borderColor: colour(series.colour),
      backgroundColor: colour(series.colour),
      borderWidth: 1.8,
      borderDash: dashes[series.dash || 0],
      pointRadius: series.points ? 3.2 : series.dots ? 3 : alone,
      pointHoverRadius: 5,
      pointHitRadius: 8,
      showLine: !series.points,
      stepped: series.step === true,
      spanGaps: false,
      tension: 0,
    };
    if (series.points) made.pointStyle = ["circle", "triangle", "rect",
                                          "rectRot"][series.colour % 4];
    if (series.fill) {
      made.fill = series.fill === "stack" ? "stack" : "origin";
      made.backgroundColor = series.fill === "stack" ? pale(series.colour, 0.75)
                                                     : pale(series.colour, 0.18);
      if (series.fill === "stack") made.borderWidth = 0.5;
    }
    return made;
  }
  function tooltip(spec) {
    const made = {
      backgroundColor: theme === dark ? "#2b323d" : "#ffffff", titleColor: theme.ink,
      bodyColor: theme.ink, borderColor: theme.soft, borderWidth: 1, boxPadding: 4,
      callbacks: {},
    };
    const calls = made.callbacks;
    if (spec.kind === "bar") {
      calls.label = (item) => (item.dataset.label ? item.dataset.label + ": " : "") +
        quantity(item.raw, spec.x.unit);
      if (spec.stacked) {
        calls.footer = (items) => "together: " + quantity(
          items.reduce((sum, item) => sum + (item.raw || 0), 0), spec.x.unit);
      }
    } else if (spec.tooltip === "y") {
      calls.title = (items) => items.length ? quantity(items[0].raw.y, "%") +
        " of requests took at most" : "";
      calls.label = (item) => item.dataset.label + ": " + quantity(item.raw.x, spec.x.unit);
    } else if (spec.kind === "scatter") {
      calls.title = () => "";
      calls.label = (item) => {
        const names = spec.series[item.datasetIndex].names;
        return (names ? names[item.dataIndex] : item.dataset.label) + ": " +
          quantity(item.raw.x, spec.x.unit) + ", " + quantity(item.raw.y, spec.y.unit);
      };
    } else {
      calls.title = (items) => items.length ? spec.x.label + ": " +
        quantity(items[0].raw.x, spec.x.unit) : "";
      calls.label = (item) => item.dataset.label + ": " + quantity(item.raw.y, spec.y.unit);
    }
    return made;
  }
  function options(spec, zoom) {
    const bar = spec.kind === "bar";
    const mode = { y: { mode: "index", axis: "y" }, nearest: { mode: "nearest", axis: "xy" } };
    const interaction = bar ? { mode: "index", axis: "y", intersect: false }
      : { ...(mode[spec.tooltip] || { mode: "index", axis: "x" }), intersect: false };
    const made = {
      animation: false, responsive: true, maintainAspectRatio: false,
      indexAxis: bar ? "y" : "x",
      interaction,
      plugins: { legend: { display: false }, tooltip: tooltip(spec) },
      scales: { x: scale(spec.x, theme) },
    };
    if (bar) {
      made.scales.x.stacked = spec.stacked === true;
      made.scales.y = {
        stacked: spec.stacked === true, grid: { display: false, borderColor: theme.soft },
        ticks: { color: theme.ink, autoSkip: false, crossAlign: "far", font: { size: 11 } },
      };
    } else {
      made.scales.y = scale(spec.y, theme);
      made.scales.y.stacked = spec.stacked === true;
      const xs = spec.series.flatMap((series) => series.data.map((point) => point[0]));
      if (!spec.x.log && spec.x.max === undefined) made.scales.x.grace = "2%";
      if (spec.x.log && spec.x.min === undefined && xs.length) {
        made.scales.x.min = Math.min(...xs) / 1.3;
        made.scales.x.max = Math.max(...xs) * 1.3;
      }
      if (zoom) {
        made.scales.x.min = zoom[0];
        made.scales.x.max = zoom[1];
        if (spec.x.log) made.scales.x.ticks.callback = (value) => tick(value, spec.x.unit);
      }
    }
    return made;
  }
  function build(spec) {
    const figure = document.getElementById(spec.id);
    const canvas = figure.querySelector("canvas");
    const old = charts.get(spec.id);
    if (old) old.destroy();
    const config = {
      type: spec.kind === "bar" ? "bar" : "line",
      data: { labels: spec.categories, datasets: spec.series.map((s) => dataset(spec, s)) },
      options: options(spec, spec.zoom),
      plugins: [marks],
    };
    /* The marks ask for it while the first drawing runs. */
    config.plugins = [{ id: "spec", beforeInit: (chart) => { chart.spec = spec; } }, marks, worths];
    charts.set(spec.id, new Chart(canvas, config));
    legend(spec, figure);
    figure.querySelector(".reset").hidden = !spec.zoom;
    if (!spec.ready) {
      spec.ready = true;
      listen(spec, canvas, figure);
    }
  }

  /* --- legend: buttons, so that keys reach them and they wrap --- */
  function swatch(which, dash, isMark, isBlock) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("width", "20");
    svg.setAttribute("height", "10");
    svg.setAttribute("aria-hidden", "true");
    const shape = document.createElementNS(svg.namespaceURI, isBlock ? "rect" : "line");
    const set = isBlock ? { x: 4, y: 0, width: 12, height: 10, fill: colour(which) }
      : { x1: 0, x2: 20, y1: 5, y2: 5, stroke: colour(which), "stroke-width": 2.4,
          "stroke-dasharray": isMark ? "4 3" : dashes[dash || 0].join(" ") };
    for (const [name, value] of Object.entries(set)) shape.setAttribute(name, value);
    svg.append(shape);
    return svg;
  }
  function legend(spec, figure) {
    const box = figure.querySelector(".legend");
    const focused = [...box.children].indexOf(document.activeElement);
    box.replaceChildren();
    const all = [...spec.series, ...spec.marks].filter((item) => item.label);
    const items = all.length > 1 ? all : []; /* the title says what one alone is */
    for (const item of items) {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", String(!item.hidden));
      const block = spec.kind === "bar" || item.points || item.fill === "stack";
      button.append(swatch(item.colour, item.dash, item.at !== undefined, block), item.label);
      button.addEventListener("click", () => {
        item.hidden = !item.hidden;
        build(spec);
      });
      box.append(button);
    }
    if (focused >= 0) box.children[focused].focus();
  }

  /* --- zoom --- */
  function zoomTo(spec, range) {
    const all = spec.sync ? specs.filter((other) => other.sync === spec.sync &&
                                                    other.group === spec.group) : [spec];
    for (const each of all) {
      each.zoom = range;
      if (charts.has(each.id)) build(each);
    }
  }
  function moveBy(spec, key) {
    const axis = charts.get(spec.id).scales.x;
    const log = spec.x.log;
    const to = (value) => (log ? Math.log10(value) : value);
    const from = (value) => (log ? Math.pow(10, value) : value);
    let [low, high] = [to(axis.min), to(axis.max)];
    const width = high - low;
    if (key === "+" || key === "=") [low, high] = [low + width / 5, high - width / 5];
    else if (key === "-") [low, high] = [low - width / 3, high + width / 3];
    else if (key === "ArrowLeft") [low, high] = [low - width / 5, high - width / 5];
    else if (key === "ArrowRight") [low, high] = [low + width / 5, high + width / 5];
    else return false;
    zoomTo(spec, [from(low), from(high)]);
    return true;
  }
  function listen(spec, canvas, figure) {
    figure.querySelector(".reset").addEventListener("click", () => zoomTo(spec, null));
    if (spec.kind === "bar") return;
    let start = null;
    const inside = (event) => {
      const area = charts.get(spec.id).chartArea;
      return Math.min(Math.max(event.offsetX, area.left), area.right);
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && event.button === 0) start = inside(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (start === null) return;
      charts.get(spec.id).dragged = [start, inside(event)];
      charts.get(spec.id).draw();
    });
    window.addEventListener("pointerup", (event) => {
      if (start === null) return;
      const chart = charts.get(spec.id);
      const from = start;
      const end = event.target === canvas ? inside(event) : (chart.dragged || [0, start])[1];
      start = null;
      chart.dragged = null;
      if (Math.abs(end - from) < 8) {
        chart.draw();
        return;
      }
      const values = [from, end].map((at) => chart.scales.x.getValueForPixel(at));
      zoomTo(spec, [Math.min(...values), Math.max(...values)]);
    });
    canvas.addEventListener("dblclick", () => zoomTo(spec, null));
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "0" || event.key === "Escape") zoomTo(spec, null);
      else if (!moveBy(spec, event.key)) return;
      event.preventDefault();
    });
  }

  /* --- the page --- */
  const specs = JSON.parse(document.getElementById("charts").textContent);
  /* Charts of a closed <details> have no size: they are built when it opens. */
  const shown = (spec) => {
    const fold = document.getElementById(spec.id).closest("details.run");
    return fold === null || fold.open;
  };
  /* The first charts at once, the others one by one behind them, so that the page is there
   * and can be scrolled before the last is drawn; on paper all of them. */
  let pending = [];
  function buildNext() {
    const spec = pending.shift();
    if (spec === undefined) return;
    build(spec);
    setTimeout(buildNext, 0);
  }
  function buildAll(count) {
    const idle = pending.length === 0;
    pending = specs.filter(shown);
    for (const spec of pending.splice(0, count)) build(spec);
    if (idle) setTimeout(buildNext, 0);
  }
  function paint(name, count = 4) {
    theme = name === "dark" ? dark : light;
    document.documentElement.dataset.theme = name;
    document.getElementById("theme").textContent = name === "dark" ? "Light" : "Dark";
    buildAll(count);
  }
  const asked = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const wanted = () => chosen || (asked.matches ? "dark" : "light");
  asked.addEventListener("change", () => paint(wanted()));
  document.getElementById("theme").addEventListener("click", () => {
    chosen = theme === dark ? "light" : "dark";
    paint(chosen);
  });
  window.addEventListener("beforeprint", () => {
    paint("light", specs.length);
    /* The paper's width is not known yet: one that fits A4 and Letter, which CSS shrinks. */
    for (const chart of charts.values()) {
      chart.resize(340, chart.canvas.parentElement.clientHeight);
    }
  });
  window.addEventListener("afterprint", () => {
    paint(wanted(), specs.length);
    for (const chart of charts.values()) chart.resize();
  });
  for (const fold of document.querySelectorAll("details.run")) {
    fold.addEventListener("toggle", () => {
      if (fold.open) {
        for (const spec of specs) {
          if (!charts.has(spec.id) && fold.contains(document.getElementById(spec.id))) {
            build(spec);
          }
        }
      }
    });
  }
  for (const heat of document.querySelectorAll(".heat")) {
    const select = heat.querySelector("select");
    const show = () => {
      for (const body of heat.querySelectorAll("tbody")) {
        body.hidden = body.dataset.map !== select.value;
      }
    };
    select.addEventListener("change", show);
    show();
  }
  paint(wanted());
  window.servesimReport = { specs, charts, isDrawn: () => pending.length === 0 };
})();
