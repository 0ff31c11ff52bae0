/* Draws any figure found as JSON on the page, in the colours of the theme; its table, PNG and CSV.

   A card `[data-figure]` holds the place of the plot `[data-figure-plot]`, the figure as
   `<script type="application/json">` and the table `[data-figure-rows]`. Colours are names of custom
   properties ("category-3", "accent", "text-faint/30" with an opacity in percent), or a trace says what it
   is in `meta`: `role` ("accent", "rest") or `colour_rank` (of a category). A trace of the role "links" has
   addresses in `customdata`: a click on the vertical line of a point, from `low` to `high` as shares of the
   plot's height, goes there; the page lists the same addresses. */
(() => {
  "use strict";

  const NAME = /^(category-(?:\d+|other)|accent|alarm|text|text-soft|text-faint|line|line-strong|card|sunken)(?:\/(\d+))?$/;
  const READ = new Set(["name", "text", "meta", "customdata", "x", "y", "label", "categoryarray"]);
  const FORMULA = /^[=+\-@\t\r]/;
  const NUMBER = /^[+\-]?[\d.,]+( ?%)?$/;
  const PALETTE_SIZE = 12;
  // A line is thin; a finger or a pointer that is this near means it.
  const REACH_PIXELS = 9;
  const ROLES = { accent: "accent", rest: "line-strong" };
  const NARROW = matchMedia("(max-width: 45rem)");
  const CONFIG = {
    responsive: true,
    displaylogo: false,
    displayModeBar: "hover",
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d"]],
    doubleClick: "reset",
  };

  let probe;
  let context;

  /* Return the theme's value of a custom property as rgba(), however it is written there. */
  function colour(name, percent) {
    probe.style.color = `var(--${name})`;
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = getComputedStyle(probe).color;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    return `rgba(${red}, ${green}, ${blue}, ${(percent ?? 100) / 100})`;
  }

  /* Return a copy of a figure with the names of colours replaced by the theme's. */
  function withColours(value) {
    if (typeof value === "string") {
      const found = NAME.exec(value);
      return found ? colour(found[1], found[2]) : value;
    }
    // Numbers are no colours; a step of a colour scale is a number with one.
    if (Array.isArray(value)) return typeof value[0] === "number" && typeof value[1] !== "string" ? value : value.map(withColours);
    if (value && typeof value === "object") {
      // A category may be called "card" or "line": what is read is no colour.
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, READ.has(key) ? part : withColours(part)]));
    }
    return value;
  }

  function nameOf(meta, isBar) {
    if (!meta) return null;
    if (meta.role === "rest" && !isBar) return "text-faint";
    if (meta.role in ROLES) return ROLES[meta.role];
    if (!("colour_rank" in meta)) return null;
    const rank = meta.colour_rank;
    return Number.isInteger(rank) && rank < PALETTE_SIZE ? `category-${rank}` : "category-other";
  }

  function paint(trace) {
    const name = nameOf(trace.meta, trace.type === "bar");
    if (!name) return trace;
    const painted = { ...trace };
    if (trace.type === "bar") painted.marker = { color: name, ...trace.marker };
    else painted.line = { color: name, ...trace.line };
    if (trace.stackgroup || (trace.fill && trace.fill !== "none")) painted.fillcolor = trace.fillcolor ?? `${name}/88`;
    if (trace.error_x) painted.error_x = { color: "text-soft", thickness: 1.4, width: 4, ...trace.error_x };
    return painted;
  }

  function axis(own) {
    return {
      ...own,
      gridcolor: own.gridcolor ?? "line",
      linecolor: own.linecolor ?? "line-strong",
      zerolinecolor: own.zerolinecolor ?? "line-strong",
      tickfont: { color: "text-faint", ...own.tickfont },
      title: typeof own.title === "object" ? { ...own.title, font: { color: "text-soft", size: 12, ...own.title.font } } : own.title,
    };
  }

  function layout(own) {
    const font = getComputedStyle(document.body).fontFamily;
    const axes = Object.fromEntries(Object.entries(own).filter(([key]) => /^[xy]axis\d*$/.test(key)).map(([key, value]) => [key, axis(value)]));
    const styled = {
      ...own,
      ...axes,
      paper_bgcolor: "rgba(0, 0, 0, 0)",
      plot_bgcolor: "rgba(0, 0, 0, 0)",
      annotations: (own.annotations ?? []).map((label) => ({
        bgcolor: "card/72",
        borderpad: 2,
        ...label,
        font: { color: "text", size: 11, ...label.font },
      })),
      font: { family: font, size: 12, color: "text-soft", ...own.font },
      hoverlabel: { bgcolor: "card", bordercolor: "line-strong", font: { family: font, size: 12, color: "text" }, ...own.hoverlabel },
      modebar: { bgcolor: "rgba(0, 0, 0, 0)" },
    };
    // A finger that scrolls the page must not be caught by the plot.
    return NARROW.matches ? { ...styled, dragmode: false } : styled;
  }

  function read(card) {
    return JSON.parse(card.querySelector('script[type="application/json"]').textContent);
  }

  function themed(figure) {
    return { data: withColours(figure.data.map(paint)), layout: withColours(layout(figure.layout)) };
  }

  /* Leave out labels that lie on one before them: where they were placed, the plot was taken to be wider. */
  async function leaveOutLabels(plot) {
    const kept = [];
    const changes = {};
    for (const label of plot.querySelectorAll(".annotation")) {
      // Of a label with an arrow only the text: the arrow may pass others.
      const box = (label.querySelector(".annotation-text-g") ?? label).getBoundingClientRect();
      const isFree = kept.every((other) => box.right <= other.left || other.right <= box.left || box.bottom <= other.top || other.bottom <= box.top);
      if (isFree) kept.push(box);
      else changes[`annotations[${label.dataset.index}].visible`] = false;
    }
    if (Object.keys(changes).length) await Plotly.relayout(plot, changes);
  }

  async function draw(card) {
    const plot = card.querySelector("[data-figure-plot]");
    const { data, layout: shown } = themed(read(card));
    // The place that it fills when the window changes, too.
    if (shown.height) plot.style.minHeight = `${shown.height + 8}px`;
    await Plotly.react(plot, data, shown, CONFIG);
    await leaveOutLabels(plot);
    plot.dataset.drawn = String(data.length);
  }

  /* Return the address of the line that is nearest to a pointer, null where none is within reach. */
  function linkAt(plot, event) {
    const { xaxis, _size: size } = plot._fullLayout;
    const box = plot.getBoundingClientRect();
    const across = event.clientX - box.left;
    const down = event.clientY - box.top;
    let nearest = { distance: REACH_PIXELS, href: null };
    for (const { meta, x, customdata } of plot.data) {
      if (meta?.role !== "links") continue;
      const isBeside = down >= size.t + size.h * (1 - meta.high) - REACH_PIXELS && down <= size.t + size.h * (1 - meta.low);
      if (!isBeside) continue;
      x.forEach((at, place) => {
        const distance = Math.abs(xaxis._offset + xaxis.d2p(at) - across);
        if (customdata[place] && distance <= nearest.distance) nearest = { distance, href: customdata[place] };
      });
    }
    return nearest.href;
  }

  function followLinks(plot) {
    if (!plot.data.some((trace) => trace.meta?.role === "links")) return;
    // Plotly tells of clicks only where it has shown a hover before, which a finger does not wait for.
    plot.addEventListener("pointerdown", (down) => {
      const href = down.button === 0 && !down.target.closest(".modebar") ? linkAt(plot, down) : null;
      if (!href) return;
      const follow = (up) => {
        if (Math.hypot(up.clientX - down.clientX, up.clientY - down.clientY) < REACH_PIXELS) location.assign(href);
      };
      document.addEventListener("pointerup", follow, { capture: true, once: true });
      document.addEventListener("pointercancel", () => document.removeEventListener("pointerup", follow, true), { once: true });
    }, true);
    plot.addEventListener("mousemove", (event) => plot.classList.toggle("on-link", linkAt(plot, event) !== null));
  }

  function openTable(card, isOpen) {
    const rows = card.querySelector("[data-figure-rows]");
    const button = card.querySelector("[data-figure-table]");
    rows.toggleAttribute("data-open", isOpen);
    button.setAttribute("aria-expanded", String(isOpen));
  }

  function save(address, file) {
    const link = document.createElement("a");
    link.href = address;
    link.download = file;
    link.click();
  }

  function saveCsv(card) {
    // A spreadsheet would run a name that begins like a formula.
    const safe = (text) => (FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text);
    const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = [...card.querySelectorAll("[data-figure-rows] tr")].map((row) =>
      [...row.cells].map((cell) => quoted(safe(cell.textContent.trim()))).join(","),
    );
    const address = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
    save(address, `${card.dataset.file}.csv`);
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  /* Plotly would load its picture from a blob: address, which the policy forbids; a data: address is allowed. */
  async function savePng(card) {
    const plot = card.querySelector("[data-figure-plot]");
    const { width, height } = plot.getBoundingClientRect();
    const picture = new Image();
    picture.src = await Plotly.toImage(plot, { format: "svg", width, height });
    await picture.decode();
    const canvas = document.createElement("canvas");
    canvas.width = width * 2;
    canvas.height = height * 2;
    const pen = canvas.getContext("2d");
    pen.fillStyle = colour("card");
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    save(canvas.toDataURL("image/png"), `${card.dataset.file}.png`);
  }

  async function begin(card) {
    const [table, png, csv] = ["table", "png", "csv"].map((name) => card.querySelector(`[data-figure-${name}]`));
    table.addEventListener("click", () => openTable(card, table.getAttribute("aria-expanded") !== "true"));
    csv.addEventListener("click", () => saveCsv(card));
    png.addEventListener("click", () => savePng(card));
    table.hidden = csv.hidden = false;
    try {
      await draw(card);
      followLinks(card.querySelector("[data-figure-plot]"));
      png.hidden = false;
    } catch (error) {
      console.error(error);
      openTable(card, true);
    }
  }

  function drawAll() {
    for (const card of document.querySelectorAll("[data-figure]")) draw(card);
  }

  document.addEventListener("DOMContentLoaded", () => {
    probe = document.createElement("span");
    probe.hidden = true;
    document.body.append(probe);
    context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    for (const card of document.querySelectorAll("[data-figure]")) begin(card);
    document.addEventListener("themechange", drawAll);
    NARROW.addEventListener("change", drawAll);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  });
})();
