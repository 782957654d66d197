/* What script adds to pages that say everything without it: theme, search, keyboard, sorting and filtering of
   tables, names of the tiles of mosaics, pinning. Classic and without dependencies, so that it runs from a file. */
"use strict";
(() => {
  const root = document.documentElement;
  const base = new URL(root.dataset.root || "./", location.href).href;
  const tools = document.getElementById("tools");

  // Storage may be denied (private windows, sandboxes): then choices last for the page only.
  const memory = {};
  const key = (name) => `reportgen:${name}`;
  function recall(name) {
    try { return localStorage.getItem(key(name)); } catch { return memory[name] ?? null; }
  }
  function keep(name, value) {
    memory[name] = value;
    try {
      if (value === null) localStorage.removeItem(key(name)); else localStorage.setItem(key(name), value);
    } catch { /* it stays in memory */ }
  }

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "onclick") element.addEventListener("click", value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  // --- theme: the system's, light or dark ---------------------------------------------------------------
  const THEMES = { system: "Theme: system", light: "Theme: light", dark: "Theme: dark" };
  function setTheme(theme) {
    if (theme === "system") delete root.dataset.theme; else root.dataset.theme = theme;
  }
  let theme = recall("theme");
  if (!(theme in THEMES)) theme = "system";
  setTheme(theme);
  const themeButton = make("button", { type: "button", onclick: nextTheme }, THEMES[theme]);
  function nextTheme() {
    const names = Object.keys(THEMES);
    theme = names[(names.indexOf(theme) + 1) % names.length];
    keep("theme", theme);
    setTheme(theme);
    themeButton.textContent = THEMES[theme];
  }

  // --- search: the index is a script of its own, loaded when it is first asked for -----------------------
  const MOST_RESULTS = 12;
  let results, searchField, active = -1;
  function loadIndex() {
    if (loadIndex.begun || !root.dataset.search) return;
    loadIndex.begun = true;
    const index = make("script", { src: base + root.dataset.search });
    // Who types faster than it loads is answered when it is there.
    index.addEventListener("load", showResults);
    document.head.append(index);
  }
  function buildSearch() {
    if (!root.dataset.search) return null;
    results = make("ul", { id: "results", role: "listbox", "aria-label": "Found", hidden: true });
    searchField = make("input", {
      type: "search", placeholder: "Search", role: "combobox", "aria-label": "Search layers, channels, images and classes",
      "aria-controls": "results", "aria-expanded": "false", "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false",
    });
    searchField.addEventListener("focus", loadIndex);
    searchField.addEventListener("input", showResults);
    searchField.addEventListener("keydown", searchKey);
    searchField.addEventListener("blur", () => setTimeout(hideResults, 200));
    return make("div", { class: "search", role: "search" }, searchField, results);
  }
  function find(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const index = globalThis.reportgenSearch || [];
    const found = [];
    for (const [kind, name, page, more = ""] of index) {
      const all = `${kind} ${name} ${more}`.toLowerCase();
      if (words.every((word) => all.includes(word))) {
        // What is called so comes first, then what begins so; else the order of the index stays.
        const start = name.toLowerCase();
        found.push([`${start} `.startsWith(`${words[0]} `) ? 0 : start.startsWith(words[0]) ? 1 : 2, kind, name, page]);
      }
    }
    return found.sort((a, b) => a[0] - b[0]).slice(0, MOST_RESULTS);
  }
  function showResults() {
    const text = searchField.value.trim();
    active = -1;
    searchField.removeAttribute("aria-activedescendant");
    results.replaceChildren(...(text ? find(text) : []).map(([, kind, name, page], place) =>
      make("li", { role: "option", id: `result-${place}`, "aria-selected": "false", "data-page": page, onclick: () => go(page) },
        make("span", { class: "kind" }, kind), " ", make("span", { class: "name" }, name))));
    if (text && !results.children.length) results.append(make("li", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, "Nothing found"));
    results.hidden = !text;
    searchField.setAttribute("aria-expanded", String(Boolean(text)));
  }
  function hideResults() {
    results.hidden = true;
    searchField.setAttribute("aria-expanded", "false");
  }
  function searchKey(event) {
    const options = [...results.querySelectorAll("[data-page]")];
    if (event.key === "Escape") { searchField.value = ""; hideResults(); searchField.blur(); }
    if (event.key === "Enter" && options.length) go(options[Math.max(0, active)].dataset.page);
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp" || !options.length) return;
    event.preventDefault();
    active = (active + (event.key === "ArrowDown" ? 1 : options.length - 1 + (active < 0))) % options.length;
    options.forEach((option, place) => option.setAttribute("aria-selected", String(place === active)));
    options[active].scrollIntoView({ block: "nearest" });
    searchField.setAttribute("aria-activedescendant", options[active].id);
  }
  function go(page) { location.href = new URL(page, base).href; }

  // --- keyboard: single keys, which can be switched off --------------------------------------------------
  const KEYS = {
    n: ["next page", () => follow('a[rel="next"]')],
    p: ["previous page", () => follow('a[rel="prev"]')],
    h: ["overview", () => go("index.html")],
    "/": ["search", () => searchField && searchField.focus()],
    z: ["enlarge the figure in view", zoom],
    t: ["theme", nextTheme],
    "?": ["this list", showKeys],
  };
  function showKeys() {
    help.togglePopover();
    // The list stands at the end of the page: who opens it by a key would go through all links to its switch.
    if (help.matches(":popover-open")) keySwitch.focus();
  }
  function follow(selector) {
    const link = document.querySelector(selector);
    if (link) link.click();
  }
  function zoom() {
    const open = document.querySelector(".lightbox:popover-open");
    if (open) { open.hidePopover(); return; }
    const middle = innerHeight / 2;
    const boxes = [...document.querySelectorAll(".zoom")].filter((button) => button.offsetParent)
      .map((button) => [button, button.parentElement.getBoundingClientRect()]);
    const away = (box) => Math.max(box.top - middle, middle - box.bottom, 0);
    boxes.sort((a, b) => away(a[1]) - away(b[1]));
    if (boxes.length) boxes[0][0].click();
  }
  const help = make("div", { popover: true, id: "keys", class: "keys", role: "dialog", "aria-label": "Keyboard" });
  const keySwitch = make("input", { type: "checkbox" });
  keySwitch.checked = recall("keys") !== "off";
  keySwitch.addEventListener("change", () => keep("keys", keySwitch.checked ? null : "off"));
  help.append(
    make("h2", {}, "Keyboard"),
    make("dl", {}, ...Object.entries(KEYS).flatMap(([name, [what]]) => [make("dt", {}, make("kbd", {}, name)), make("dd", {}, what)])),
    make("label", {}, keySwitch, " Single keys are on"),
  );
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !keySwitch.checked || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key][1]();
  });

  // --- tables: sort by a column, keep rows that hold a text ----------------------------------------------
  function number(text) {
    const plain = text.replace(/,/g, "").replace(/−/g, "-").replace(/^[<>]/, "");
    const power = plain.match(/^(-?[\d.]+) × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)/);
    if (power) return Number(power[1]) * 10 ** Number([...power[2]].map((sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(sign)).join("").replace("-1", "-"));
    return parseFloat(plain);
  }
  function sortRows(table, place, descending) {
    const rows = [...table.tBodies[0].rows].map((row) => [row.cells[place].textContent.trim(), row]);
    const numeric = rows.some(([text]) => !Number.isNaN(number(text))) && table.tHead.rows[0].cells[place].classList.contains("number");
    const sign = descending ? -1 : 1;
    rows.sort(([a], [b]) => {
      if (!numeric) return sign * a.localeCompare(b, undefined, { numeric: true });
      const x = number(a), y = number(b);
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      return sign * (x - y);
    });
    table.tBodies[0].append(...rows.map(([, row]) => row));
  }
  function makeSortable(table) {
    [...table.tHead.rows[0].cells].forEach((cell, place) => {
      const button = make("button", { type: "button", class: "sort", onclick: () => {
        // Numbers are first sorted from the highest: that is what one looks for.
        const before = cell.getAttribute("aria-sort");
        const first = cell.classList.contains("number") ? "descending" : "ascending";
        const order = before ? (before === "ascending" ? "descending" : "ascending") : first;
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        cell.setAttribute("aria-sort", order);
        sortRows(table, place, order === "descending");
      } });
      button.append(...cell.childNodes);
      cell.append(button);
    });
    if (table.tBodies[0].rows.length < 8) return;
    const field = make("input", { type: "search", "aria-label": "Show rows that hold this text", placeholder: "Filter rows" });
    const said = make("span", { role: "status", class: "small" });
    field.addEventListener("input", () => {
      const text = field.value.trim().toLowerCase();
      let shown = 0;
      for (const row of table.tBodies[0].rows) {
        row.hidden = !row.textContent.toLowerCase().includes(text);
        shown += !row.hidden;
      }
      said.textContent = text ? `${shown} of ${table.tBodies[0].rows.length} rows` : "";
    });
    table.parentElement.before(make("p", { class: "filter" }, field, " ", said));
  }

  // --- mosaics: the tile under the pointer, the same channel in all mosaics of the layer, pinned tiles ----
  const tip = make("div", { class: "tip", hidden: true });
  const list = (text) => (text ? text.split(",") : []);
  function setUpMosaic(canvas, { dataset }) {
    const [columns, rows, width, height, gap, count] = dataset.grid.split(" ").map(Number);
    const picture = canvas.querySelector("img");
    const frame = make("div", { class: "tile-frame", hidden: true });
    canvas.append(frame);
    const mosaic = {
      picture, frame, columns, width, height, gap, layer: dataset.layer,
      channels: dataset.channels ? list(dataset.channels) : Array.from({ length: count }, (_, tile) => String(tile)),
      values: list(dataset.values), marks: list(dataset.marks), units: new Set(list(dataset.units)), folder: dataset.unitFolder,
      across: columns * (width + gap) - gap, down: rows * (height + gap) - gap,
    };
    picture.addEventListener("pointermove", (event) => point(mosaic, event));
    picture.addEventListener("pointerleave", () => mark(mosaic.layer, null));
    picture.addEventListener("click", (event) => choose(mosaic, tileAt(mosaic, event)));
    return mosaic;
  }
  function tileAt(mosaic, event) {
    const box = mosaic.picture.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / box.width * (mosaic.across + mosaic.gap) / (mosaic.width + mosaic.gap));
    const row = Math.floor((event.clientY - box.top) / box.height * (mosaic.down + mosaic.gap) / (mosaic.height + mosaic.gap));
    const tile = row * mosaic.columns + column;
    return column < mosaic.columns && tile >= 0 && tile < mosaic.channels.length ? tile : null;
  }
  function point(mosaic, event) {
    const tile = tileAt(mosaic, event);
    mark(mosaic.layer, tile === null ? null : mosaic.channels[tile]);
    tip.hidden = tile === null;
    if (tile === null) return;
    const value = mosaic.values[tile] ? `, up to ${mosaic.values[tile]}` : "";
    const peculiar = mosaic.marks[tile] ? `, ${mosaic.marks[tile]}` : "";
    const more = mosaic.units.has(mosaic.channels[tile]) ? " (click for its page)" : "";
    tip.textContent = `channel ${mosaic.channels[tile]}${value}${peculiar}${more}`;
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.max(8, event.clientY - tip.offsetHeight - 10)}px`;
  }
  function mark(layer, channel) {
    if (channel === null) tip.hidden = true;
    for (const mosaic of mosaics) {
      const tile = channel === null || mosaic.layer !== layer ? -1 : mosaic.channels.indexOf(channel);
      mosaic.frame.hidden = tile < 0;
      if (tile < 0) continue;
      const scale = [mosaic.picture.clientWidth / mosaic.across, mosaic.picture.clientHeight / mosaic.down];
      const place = [tile % mosaic.columns * (mosaic.width + mosaic.gap), Math.floor(tile / mosaic.columns) * (mosaic.height + mosaic.gap)];
      const size = [mosaic.width, mosaic.height];
      ["left", "top"].forEach((side, axis) => { mosaic.frame.style[side] = `${place[axis] * scale[axis]}px`; });
      ["width", "height"].forEach((side, axis) => { mosaic.frame.style[side] = `${size[axis] * scale[axis]}px`; });
    }
  }
  function choose(mosaic, tile) {
    if (tile !== null && mosaic.units.has(mosaic.channels[tile])) {
      location.href = new URL(`${mosaic.folder}/${mosaic.channels[tile]}.html`, location.href).href;
    }
  }
  // Drawings of the same maps hold the description of their tiles together.
  const mosaics = [...document.querySelectorAll("[data-grid]")].flatMap((holder) =>
    (holder.matches(".canvas") ? [holder] : [...holder.querySelectorAll(".canvas")]).map((canvas) => setUpMosaic(canvas, holder)));

  // --- pinning: two units or images stay beside each other while one goes on reading ----------------------
  const MOST_PINNED = 2;
  const dock = make("aside", { class: "dock", "aria-label": "Pinned for comparison", hidden: true });
  const pinKey = `pins:${base}`;
  function pins() {
    try { return JSON.parse(recall(pinKey) || "[]"); } catch { return []; }
  }
  function showDock() {
    const kept = pins();
    dock.hidden = !kept.length;
    dock.replaceChildren(...kept.map((pin) => {
      const card = make("div", { class: "pin" }, make("a", { class: "name", href: base + pin.page }, pin.title),
        make("button", { type: "button", "aria-label": `Unpin ${pin.title}`, onclick: () => unpin(pin.page) }, "✕"));
      for (const shown of pin.pictures) {
        const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
        const image = document.createElementNS("http://www.w3.org/2000/svg", "image");
        for (const [name, value] of [["viewBox", shown.box], ["role", "img"], ["aria-label", shown.label]]) svg.setAttribute(name, value);
        for (const [name, value] of [["href", base + shown.picture], ["width", shown.width], ["height", shown.height]]) image.setAttribute(name, value);
        svg.append(image);
        card.append(svg);
      }
      card.append(make("p", { class: "small" }, pin.words));
      return card;
    }));
  }
  function unpin(page) {
    keep(pinKey, JSON.stringify(pins().filter((pin) => pin.page !== page)));
    showDock();
  }
  function pinThis(source) {
    const page = location.href.split(/[?#]/)[0].slice(base.length);
    const pictures = [...source.querySelectorAll(".crop:not(:has(.place)), img")].slice(0, 4).map((shown) => {
      const image = shown.matches("img") ? shown : shown.querySelector("image");
      const size = shown.matches("img") ? [shown.naturalWidth, shown.naturalHeight] : [image.getAttribute("width"), image.getAttribute("height")];
      return {
        picture: new URL(image.getAttribute("src") || image.getAttribute("href"), location.href).href.slice(base.length),
        box: shown.querySelector("svg")?.getAttribute("viewBox") || `0 0 ${size.join(" ")}`, label: shown.getAttribute("aria-label") || shown.alt,
        width: size[0], height: size[1],
      };
    });
    const words = [...source.querySelectorAll(".answers li:first-child, .top li:first-child strong, .made-one:first-child .facts div:nth-child(-n+2)")]
      .map((part) => (part.matches("div") ? [...part.children].map((child) => child.textContent).join(": ") : part.textContent))
      .map((words) => words.trim().replace(/\s+/g, " ")).join("; ");
    const title = document.querySelector("h1").textContent;
    const kept = pins().filter((pin) => pin.page !== page);
    keep(pinKey, JSON.stringify([...kept, { page, title, pictures, words }].slice(-MOST_PINNED)));
    showDock();
  }

  // --- put it all on the page ------------------------------------------------------------------------------
  const search = buildSearch();
  if (search) tools.prepend(search);
  tools.append(themeButton, make("button", { type: "button", popovertarget: "keys", "aria-label": "Keyboard" }, "?"));
  document.body.append(help, tip, dock);
  document.querySelectorAll("table.sortable").forEach(makeSortable);
  const pinned = document.querySelector("[data-pin]");
  if (pinned) document.querySelector("h1").after(make("p", { class: "pin-this" }, make("button", { type: "button", onclick: () => pinThis(pinned) }, "Pin for comparison")));
  showDock();
  const outline = document.getElementById("outline");
  const here = outline.querySelector("[aria-current]");
  if (here) outline.scrollTop = here.offsetTop - outline.clientHeight / 2;
  const strip = document.getElementById("strip");
  const bar = strip && strip.querySelector(".here");
  if (bar) strip.scrollLeft += bar.getBoundingClientRect().left - innerWidth / 2;
  document.querySelectorAll(".canvas > img").forEach((image) => {
    if (!image.closest("[data-unit-folder]")) image.addEventListener("dblclick", () => image.parentElement.querySelector(".zoom")?.click());
  });
})();
