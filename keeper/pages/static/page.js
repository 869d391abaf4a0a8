// Reads charts out and zooms them, switches the theme, copies addresses. The page shows without it.
(() => {
  "use strict";
  const WIDTH = 100000, HEIGHT = 10000;
  const SVG = "http://www.w3.org/2000/svg";
  const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  const TIME_STEPS = [1, 2, 5, 10, 15, 30].map(n => n * SECOND)
    .concat([1, 2, 5, 10, 15, 30].map(n => n * MINUTE), [1, 2, 4, 6, 12].map(n => n * HOUR),
      [1, 2, 7, 14, 30, 90, 365].map(n => n * DAY));

  /* NUMBERS: exact, from integers */

  function written(value, decimals) {
    const digits = Math.abs(value).toString().padStart(decimals + 1, "0");
    const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+$)/g, ",");
    const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
    return (value < 0 ? "-" : "") + whole + (fraction ? "." + fraction : "");
  }

  function clock(ms, step) {
    const at = new Date(ms), two = n => String(n).padStart(2, "0");
    const day = at.getUTCDate() + " " + at.toLocaleString("en", { month: "short", timeZone: "UTC" });
    if (step >= DAY) return day;
    const time = two(at.getUTCHours()) + ":" + two(at.getUTCMinutes());
    return step < MINUTE ? time + ":" + two(at.getUTCSeconds()) : time;
  }

  function fullClock(ms) { return clock(ms, DAY) + " " + clock(ms, SECOND) + " UTC"; }

  /* CHARTS */

  function decoded(series) {
    let at = 0, value = 0;
    const times = series.t.map(gap => (at += gap));
    const values = series.v.map(step => (step === null ? null : (value += step)));
    return { ...series, times, values };
  }

  function indexAt(times, at) {
    let low = 0, high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] <= at) low = middle + 1; else high = middle;
    }
    return low - 1;
  }

  class Chart {
    constructor(figure) {
      this.figure = figure;
      this.plot = figure.querySelector(".plot");
      const body = JSON.parse(figure.querySelector("script").textContent);
      this.spans = body.spans;
      this.group = JSON.stringify(body.spans);
      this.decimals = body.decimals;
      this.bounds = body.y;
      this.series = body.series.map(decoded);
      this.lines = this.series.filter(s => s.shape === "line");
      this.dots = this.series.filter(s => s.shape !== "line");
      this.outputs = [...figure.querySelectorAll(".key output")];
      this.times = [...new Set(this.series.flatMap(s => s.times))].sort((a, b) => a - b);
      this.view = [0, WIDTH];
      this.drawing = this.plot.querySelector(".drawing");
      this.marks = this.plot.querySelector(".marks");
      this.original = this.marks.innerHTML;
      this.cursor = this.added("cursor");
      this.label = this.added("at");
      this.chosen = this.added("chosen");
      this.reset = figure.querySelector(".reset");
      this.index = this.times.length - 1;
      this.listen();
      this.rest();
      this.declutter();
    }

    added(name) {
      const element = document.createElement("div");
      element.className = name;
      element.hidden = true;
      this.plot.append(element);
      return element;
    }

    listen() {
      const plot = this.plot;
      plot.tabIndex = 0;
      plot.setAttribute("role", "slider");
      plot.setAttribute("aria-valuemin", "0");
      plot.setAttribute("aria-valuemax", String(this.times.length - 1));
      plot.setAttribute("aria-valuenow", String(this.index));
      plot.setAttribute("aria-valuetext", plot.dataset.summary);
      plot.addEventListener("pointermove", event => this.moved(event));
      plot.addEventListener("pointerdown", event => this.pressed(event));
      plot.addEventListener("pointerup", event => this.released(event));
      plot.addEventListener("pointerleave", () => { if (this.from === undefined) all(this.group, c => c.rest()); });
      plot.addEventListener("dblclick", () => this.zoom(0, WIDTH));
      plot.addEventListener("keydown", event => this.typed(event));
      plot.addEventListener("blur", () => all(this.group, c => c.rest()));
      this.reset.addEventListener("click", () => this.zoom(0, WIDTH));
    }

    /* places and times */

    fraction(event) {
      const box = this.plot.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    }

    placeOf(at) {
      for (const [start, end, from, to] of this.spans) {
        if (at <= start) return from;
        if (at <= end) return end === start ? from : from + (at - start) * (to - from) / (end - start);
      }
      return WIDTH;
    }

    timeAt(place) {
      for (const [start, end, from, to] of this.spans) {
        if (place <= from) return start;
        if (place <= to) return to === from ? end : start + (place - from) * (end - start) / (to - from);
      }
      return this.spans[this.spans.length - 1][1];
    }

    across(place) { return (place - this.view[0]) / (this.view[1] - this.view[0]); }

    /* reading */

    moved(event) {
      const fraction = this.fraction(event);
      if (this.from !== undefined) {
        const [left, right] = [Math.min(this.from, fraction), Math.max(this.from, fraction)];
        this.chosen.hidden = false;
        this.chosen.style.left = left * 100 + "%";
        this.chosen.style.width = (right - left) * 100 + "%";
      }
      const place = this.view[0] + fraction * (this.view[1] - this.view[0]);
      const at = this.nearest(this.timeAt(place), place);
      all(this.group, chart => chart.show(at));
    }

    /* A fill close to the pointer is what one wants to read. */
    nearest(at, place) {
      const reach = (this.view[1] - this.view[0]) / this.plot.clientWidth * 7;
      let best = at, least = reach;
      for (const group of this.dots) {
        for (const time of group.times) {
          const distance = Math.abs(this.placeOf(time) - place);
          if (distance < least) { least = distance; best = time; }
        }
      }
      return best;
    }

    show(at) {
      const fraction = this.across(this.placeOf(at));
      this.cursor.hidden = this.label.hidden = fraction < 0 || fraction > 1;
      this.cursor.style.left = fraction * 100 + "%";
      this.label.style.left = Math.min(.93, Math.max(.07, fraction)) * 100 + "%";
      this.label.textContent = fullClock(at);
      const read = this.series.map(s => this.valueAt(s, at));
      read.forEach((text, n) => { this.outputs[n].textContent = text; });
      this.index = Math.max(0, indexAt(this.times, at));
      this.plot.setAttribute("aria-valuenow", String(this.index));
      const spoken = this.series.map((s, n) => (read[n] ? s.name + " " + read[n] : "")).filter(Boolean);
      this.plot.setAttribute("aria-valuetext", fullClock(at) + ": " + spoken.join(", "));
    }

    valueAt(series, at) {
      const index = indexAt(series.times, at);
      if (index < 0) return "";
      if (series.shape !== "line" && series.times[index] !== at) return "";
      const value = series.values[index];
      return value === null ? "none" : written(value, this.decimals);
    }

    rest() {
      this.cursor.hidden = this.label.hidden = this.chosen.hidden = true;
      this.series.forEach((series, n) => {
        const value = series.shape === "line" ? series.values[series.values.length - 1] : undefined;
        this.outputs[n].textContent =
          value === undefined ? "×" + series.times.length : value === null ? "none" : written(value, this.decimals);
      });
    }

    typed(event) {
      const step = event.shiftKey ? 20 : 1, last = this.times.length - 1;
      const moves = { ArrowLeft: -step, ArrowRight: step, Home: -last, End: last };
      if (event.key === "Escape") { this.zoom(0, WIDTH); return; }
      if (!(event.key in moves)) return;
      event.preventDefault();
      const at = this.times[Math.min(last, Math.max(0, this.index + moves[event.key]))];
      all(this.group, chart => chart.show(at));
    }

    /* zooming: a drag with a mouse or pen chooses a span; touch scrolls the page */

    pressed(event) {
      if (event.pointerType === "touch" || event.button !== 0) return;
      this.from = this.fraction(event);
      this.plot.setPointerCapture(event.pointerId);
    }

    released(event) {
      if (this.from === undefined) return;
      const [from, to] = [this.from, this.fraction(event)].sort((a, b) => a - b);
      this.from = undefined;
      this.chosen.hidden = true;
      if ((to - from) * this.plot.clientWidth < 8) return;
      const span = this.view[1] - this.view[0];
      this.zoom(this.view[0] + from * span, this.view[0] + to * span);
    }

    zoom(from, to) { all(this.group, chart => chart.look(from, to)); }

    get isZoomed() { return this.view[0] > 0 || this.view[1] < WIDTH; }

    look(from, to) {
      this.view = [from, to];
      this.reset.hidden = !this.isZoomed;
      if (!this.isZoomed) {
        this.drawing.setAttribute("viewBox", "0 0 " + WIDTH + " " + HEIGHT);
        this.marks.innerHTML = this.original;
        this.declutter();
        return;
      }
      const [low, high] = this.seen();
      const top = this.heightOf(high), bottom = this.heightOf(low);
      this.drawing.setAttribute("viewBox", [from, top, to - from, bottom - top].join(" "));
      this.relabel(low, high);
    }

    heightOf(value) {
      return HEIGHT - (value - this.bounds[0]) * HEIGHT / (this.bounds[1] - this.bounds[0]);
    }

    seen() {
      const start = this.timeAt(this.view[0]), end = this.timeAt(this.view[1]), found = [];
      for (const series of this.series) {
        const first = series.shape === "line" ? Math.max(0, indexAt(series.times, start)) : 0;
        for (let n = first; n < series.times.length && series.times[n] <= end; n++) {
          const inside = series.shape === "line" || series.times[n] >= start;
          if (inside && series.values[n] !== null) found.push(series.values[n]);
        }
      }
      if (!found.length) return this.bounds;
      const low = found.reduce((a, b) => Math.min(a, b)), high = found.reduce((a, b) => Math.max(a, b));
      const margin = Math.max(1, (high - low) / 12);
      return [low - margin, high + margin];
    }

    relabel(low, high) {
      this.marks.replaceChildren();
      const step = niceStep(high - low);
      for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
        this.text("y", 0, (high - value) / (high - low), written(Math.round(value), this.decimals), -8, ".32em");
      }
      const start = this.timeAt(this.view[0]), end = this.timeAt(this.view[1]);
      const pace = TIME_STEPS.find(s => s >= (end - start) / 6) || 365 * DAY;
      let last = -1;
      for (const [from, to] of this.spans) {
        const begin = Math.max(from, start);
        for (let at = Math.ceil(begin / pace) * pace; at <= Math.min(to, end); at += pace) {
          const fraction = this.across(this.placeOf(at));
          if (fraction - last < .125) continue;
          last = fraction;
          this.text("x " + (fraction > .95 ? "last" : "mid"), fraction, 1, clock(at, pace), 0, "1.5em");
        }
      }
      for (const group of this.dots) this.circles(group, low, high);
      this.declutter();
    }

    /* Hide what would be written over its neighbour on a narrow page. */
    declutter() {
      let end = -Infinity;
      this.marks.querySelectorAll("text.x").forEach(text => {
        text.removeAttribute("visibility");
        const box = text.getBoundingClientRect();
        if (box.left < end + 8) text.setAttribute("visibility", "hidden"); else end = box.right;
      });
    }

    text(name, x, y, words, dx, dy) {
      const element = document.createElementNS(SVG, "text");
      const attributes = { class: name, x: x * 100 + "%", y: y * 100 + "%", dx, dy };
      Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
      element.textContent = words;
      this.marks.append(element);
    }

    circles(group, low, high) {
      const holder = document.createElementNS(SVG, "g");
      holder.setAttribute("class", "dots " + group.style);
      group.times.forEach((at, n) => {
        const x = this.across(this.placeOf(at)), y = (high - group.values[n]) / (high - low);
        if (x < 0 || x > 1 || y < 0 || y > 1) return;
        holder.append(marker(group.shape, x * 100 + "%", y * 100 + "%"));
      });
      this.marks.append(holder);
    }
  }

  function marker(shape, x, y) {
    const attributes = shape === "diamond" ? { x, y, width: 7, height: 7 } : { cx: x, cy: y, r: 4 };
    const element = document.createElementNS(SVG, shape === "diamond" ? "rect" : "circle");
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    return element;
  }

  function niceStep(span) {
    const rough = Math.max(1, span / 4), power = Math.pow(10, Math.floor(Math.log10(rough)));
    return [1, 2, 5, 10].map(n => n * power).find(step => step >= rough);
  }

  let charts = [];

  function all(group, act) { charts.filter(chart => chart.group === group).forEach(act); }

  /* Take over what is inside `root`; charts that left the page are forgotten. */
  function adopt(root) {
    charts = charts.filter(chart => chart.figure.isConnected);
    root.querySelectorAll("figure.chart").forEach(figure => charts.push(new Chart(figure)));
    reach(root);
  }

  function isInUse() { return charts.some(chart => chart.isZoomed || !chart.cursor.hidden); }

  /* What scrolls sideways has to be reached by the keyboard, and nothing else needs to be. */
  function reach(root) {
    root.querySelectorAll(".scroll").forEach(box => {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0; else box.removeAttribute("tabindex");
    });
  }

  addEventListener("resize", () => {
    charts.forEach(chart => chart.declutter());
    reach(document);
  });

  /* THEME AND COPYING */

  function toggleTheme() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  }

  document.querySelectorAll(".theme").forEach(button => button.addEventListener("click", toggleTheme));
  document.querySelectorAll("[data-copy]").forEach(button => {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "copied";
    });
  });
  adopt(document);
  window.athanor = { adopt, isInUse };
})();
