"use strict";
/* Colours, numbers and axes of a report's charts: what report.js draws with. */
const servesimAxes = (() => {
  const light = {
    palette: ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#8C6D1F",
              "#5D3A9B"],
    grey: "#8A8A8A", pale: "#CBD0D7", ink: "#1c1f24", soft: "#565d68", grid: "#E3E6EB",
    paper: "#ffffff",
  };
  const dark = {
    palette: ["#3C97DB", "#E69F00", "#22B88B", "#F0763A", "#DB94BB", "#A9DCF8", "#C2A24E",
              "#A98BE0"],
    grey: "#9A9FA8", pale: "#4A525E", ink: "#e8eaee", soft: "#a5adba", grid: "#2B313A",
    paper: "#14171c",
  };
  const SI = ["W", "J", "Wh", "g", "FLOP/s", "B/s"];

  /* --- numbers, as report_text.py writes them --- */
  function digits(number) {
    if (number === 0) return "0";
    const size = Math.abs(number);
    if (size >= 100) return Math.round(number).toLocaleString("en-US");
    if (size < 1e-4) return number.toExponential(2);
    return String(Number(number.toPrecision(3)));
  }
  function span(seconds) {
    if (seconds === 0) return "0\u00a0s";
    const units = [["d", 259200, 86400], ["h", 3600, 3600], ["min", 120, 60], ["s", 1, 1],
                   ["ms", 1e-3, 1e-3]];
    for (const [unit, least, size] of units) {
      if (Math.abs(seconds) >= least * 0.9995) return digits(seconds / size) + "\u00a0" + unit;
    }
    return digits(seconds / 1e-6) + "\u00a0µs";
  }
  function quantity(number, unit) {
    if (number === null || !Number.isFinite(number)) return "–";
    if (unit === "s") return span(number);
    if (unit === "%") return digits(number) + "\u00a0%";
    if (unit === "$") {
      const size = Math.abs(number);
      return (number < 0 ? "−$" : "$") + (size >= 1 && size < 1000 ? size.toFixed(2)
                                                                   : digits(size));
    }
    let prefix = "";
    if (SI.includes(unit) || Math.abs(number) >= 1e4) {
      for (const [name, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
        if (Math.abs(number) >= size * 0.9995) {
          number /= size;
          prefix = name;
          break;
        }
      }
    }
    if (SI.includes(unit)) return digits(number) + "\u00a0" + prefix + unit;
    return digits(number) + (prefix ? "\u00a0" + prefix : "") + (unit ? "\u00a0" + unit : "");
  }

  /* --- axes --- */
  function tick(value, unit) {
    return unit === "$" ? "$" + digits(value) : quantity(value, unit);
  }
  function logTick(unit) {
    return function (value) {
      const mantissa = value / Math.pow(10, Math.floor(Math.log10(value) + 1e-9));
      const decades = Math.log10(this.max / this.min);
      const shown = decades > 1.7 ? [1] : decades > 0.7 ? [1, 2, 5]
                                                        : [1, 2, 3, 4, 5, 6, 7, 8, 9];
      if (!shown.some((m) => Math.abs(mantissa - m) < 1e-6)) return "";
      return unit === "s" && value >= 1 ? digits(value) + "\u00a0s" : tick(value, unit);
    };
  }
  /* Whole steps of a clock: 15 min, 2 h; Chart.js knows tens only. */
  const clock = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800,
                 21600, 43200, 86400];
  function clockTicks(along) {
    if (along.max - along.min <= 60) return;
    const step = clock.find((each) => (along.max - along.min) / each <= 7);
    if (step === undefined) return;
    along.clockStep = step;
    along.ticks = [];
    for (let at = Math.ceil(along.min / step - 1e-9) * step; at <= along.max; at += step) {
      along.ticks.push({ value: at });
    }
  }
  function clockText(value) {
    if (this.clockStep === undefined) return span(value);
    const [unit, size] = this.clockStep >= 3600 ? ["h", 3600]
      : this.clockStep >= 60 ? ["min", 60] : ["s", 1];
    return digits(value / size) + " " + unit;
  }
  function scale(axis, theme) {
    const made = {
      type: axis.log ? "logarithmic" : "linear",
      title: { display: axis.label !== "", text: axis.label, color: theme.soft,
               font: { size: 12 } },
      grid: { color: theme.grid, borderColor: theme.soft },
      ticks: { color: theme.soft, maxRotation: 0, autoSkipPadding: 14, font: { size: 11 } },
    };
    const unit = ["s", "%", "$"].includes(axis.unit) || SI.includes(axis.unit) ? axis.unit : "";
    made.ticks.callback = axis.log ? logTick(unit) : (value) => tick(value, unit);
    made.ticks.includeBounds = false;
    if (axis.whole) made.ticks.precision = 0; /* no 0.2 of a GPU */
    if (unit === "s" && !axis.log) {
      made.afterBuildTicks = clockTicks;
      made.ticks.callback = clockText;
    }
    if (axis.min !== undefined) made.min = axis.min;
    if (axis.max !== undefined) made.max = axis.max;
    if (axis.max === undefined && !axis.log) made.grace = "4%";
    return made;
  }

  return { light, dark, quantity, tick, scale };
})();
