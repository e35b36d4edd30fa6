"use strict";
// Draws the treemap: squarified (Bruls, Huizing, van Wijk, "Squarified Treemaps", 2000), three levels at a time.
// Names come from an artifact that may be hostile: they only ever become text nodes and attributes, never markup.
(() => {
  const root = JSON.parse(document.getElementById("tree").textContent);
  const map = document.getElementById("map");
  const crumbs = document.getElementById("crumbs");
  const said = document.getElementById("said");
  const HEAD = 22;
  let path = [root];

  const size = (bytes) =>
    bytes >= 1e6 ? `${(bytes / 1e6).toFixed(bytes >= 1e8 ? 0 : 1)} MB` : bytes >= 1e3 ? `${(bytes / 1e3).toFixed(1)} kB` : `${bytes} B`;
  const share = (part) => `${((100 * part) / root.s || 0).toFixed(1)} %`;
  const make = (name, attributes, parent) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    parent.append(node);
    return node;
  };

  function squarify(nodes, x, y, w, h) {
    const total = nodes.reduce((sum, node) => sum + node.s, 0);
    const placed = [];
    let rest = nodes.filter((node) => node.s > 0);
    let left = total;
    while (rest.length && w > 0 && h > 0) {
      const side = Math.min(w, h);
      const area = (w * h) / left;
      const worst = (row, sum) => {
        const band = (sum * area) / side;
        return Math.max(...row.map((node) => Math.max((band * band) / (node.s * area), (node.s * area) / (band * band))));
      };
      let row = [rest[0]];
      let sum = rest[0].s;
      for (let next = 1; next < rest.length; next++) {
        const more = [...row, rest[next]];
        if (worst(more, sum + rest[next].s) > worst(row, sum)) break;
        row = more;
        sum += rest[next].s;
      }
      const band = (sum * area) / side;
      let at = 0;
      for (const node of row) {
        const length = (node.s * area) / band;
        placed.push(w >= h ? [node, x, y + at, band, length] : [node, x + at, y, length, band]);
        at += length;
      }
      if (w >= h) { x += band; w -= band; } else { y += band; h -= band; }
      left -= sum;
      rest = rest.slice(row.length);
    }
    return placed;
  }

  // About 7 pixels a character at this size, 8 in bold; measuring each label would cost a layout each.
  function label(text, x, y, width, parent, style) {
    const room = Math.floor((width - 10) / (style === "head" ? 7.9 : 7.1));
    if (room < 3) return;
    const shown = text.length > room ? `${text.slice(0, room - 1)}…` : text;
    make("text", { x: x + 6, y, class: style || "" }, parent).textContent = shown;
  }

  function inner(node, x, y, w, h, parent, depth) {
    for (const [child, cx, cy, cw, ch] of squarify(node.c || [], x, y, w, h)) {
      if (cw < 2 || ch < 2) continue;
      const cache = child.n === "__pycache__";
      make("rect", { x: cx, y: cy, width: cw, height: ch, class: `inner ${cache ? "bytecode" : child.c ? "folder" : child.k}` }, parent);
      if (child.c && !cache && depth > 0 && cw > 24 && ch > 34) {
        label(child.n, cx, cy + 14, cw, parent);
        inner(child, cx + 2, cy + 19, cw - 4, ch - 21, parent, depth - 1);
      } else if (ch > 17) label(child.n, cx, cy + 14, cw, parent);
    }
  }

  function draw(focus) {
    const here = path[path.length - 1];
    const { width, height } = map.getBoundingClientRect();
    map.setAttribute("viewBox", `0 0 ${width} ${height}`);
    map.replaceChildren();
    map.classList.remove("fresh");
    const tiles = [];
    squarify(here.c || [], 0, 0, width, height).forEach(([node, x, y, w, h]) => {
      const tile = make("g", { class: `tile ${node.c ? "" : "leaf"}`, role: node.c ? "button" : "img", tabindex: tiles.length ? -1 : 0 }, map);
      tile.setAttribute("aria-label", `${node.n}, ${size(node.s)}, ${share(node.s)} of the layer`);
      tile.style.setProperty("--hue", `var(--c${(path.length > 1 ? path[1].i : node.i) % 8})`);
      make("title", {}, tile).textContent = `${node.n}\n${size(node.s)}, ${share(node.s)} of the layer`;
      make("rect", { x, y, width: w, height: h, class: node.c ? "group" : `leaf ${node.k}` }, tile);
      if (node.c) {
        if (h > HEAD) label(w > 230 ? `${node.n} \u00b7 ${size(node.s)} \u00b7 ${share(node.s)}` : node.n, x, y + 15.5, w, tile, "head");
        if (h > HEAD + 8) inner(node, x + 3, y + HEAD, Math.max(w - 6, 0), h - HEAD - 3, tile, 2);
      } else if (h > 17) {
        label(node.n, x, y + 15, w, tile);
        if (h > 36) label(size(node.s), x, y + 31, w, tile);
      }
      make("rect", { x: x + 2, y: y + 2, width: Math.max(w - 4, 0), height: Math.max(h - 4, 0), rx: 3, class: "ring" }, tile);
      tile.addEventListener("click", () => enter(node));
      tile.addEventListener("focus", () => { said.textContent = tile.getAttribute("aria-label"); });
      tile.addEventListener("pointerenter", () => { said.textContent = tile.getAttribute("aria-label"); });
      tile.addEventListener("keydown", (event) => key(event, node, tiles.indexOf(tile), tiles));
      tiles.push(tile);
    });
    trail();
    if (focus) {
      map.classList.add("fresh");
      if (tiles.length) tiles[0].focus({ preventScroll: true });
    }
  }

  function key(event, node, index, tiles) {
    const to = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" || event.key === " ") enter(node);
    else if (event.key === "Escape" || event.key === "Backspace") leave(path.length - 2);
    else if (to) {
      const next = tiles[(index + to + tiles.length) % tiles.length];
      tiles.forEach((tile) => tile.setAttribute("tabindex", tile === next ? 0 : -1));
      next.focus();
    } else return;
    event.preventDefault();
  }

  function enter(node) {
    if (!node.c) return;
    path.push(node);
    draw(true);
  }

  function leave(index) {
    if (index < 0) return;
    path = path.slice(0, index + 1);
    draw(true);
  }

  function trail() {
    crumbs.replaceChildren();
    path.forEach((node, index) => {
      const last = index === path.length - 1;
      const step = document.createElement(last ? "span" : "button");
      step.textContent = node.n;
      if (!last) step.addEventListener("click", () => leave(index));
      else step.setAttribute("aria-current", "location");
      crumbs.append(step);
      if (!last) crumbs.append("›");
    });
    const here = path[path.length - 1];
    const note = document.createElement("span");
    note.className = "size";
    note.textContent = `${size(here.s)}${path.length > 1 ? `, ${share(here.s)} of the layer` : ""}`;
    crumbs.append(note);
  }

  let width = 0;
  new ResizeObserver(() => {
    const now = map.getBoundingClientRect().width;
    if (now !== width) { width = now; draw(false); }
  }).observe(map);
  draw(false);
})();
