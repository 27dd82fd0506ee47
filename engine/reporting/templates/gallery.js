// A list of which only what is on screen is in the document, with filters, an order, and details.

function makeGallery(root, options) {
  const list = root.querySelector(".list");
  const spacer = root.querySelector(".spacer");
  const detail = root.querySelector(".detail");
  const frame = root.querySelector(".gallery");
  const count = root.querySelector(".count");
  const form = root.querySelector(".filters");
  const { table } = options;
  let shown = [];
  let selected = null;
  let rowHeight = 1;
  const searched = [];
  const controls = {};

  function haystack(row) {
    if (searched[row] === undefined) searched[row] = options.search(row).toLowerCase();
    return searched[row];
  }

  function filterSelect(filter) {
    const counts = filter.counts ? filter.counts() : table.tally(filter.column);
    const values = [...counts].filter(([value]) => value !== null)
      .sort(([a], [b]) => typeof a === "number" ? a - b : a < b ? -1 : 1);
    if (values.length < 2 && !filter.always) return null;
    controls[filter.name] = el("select", { name: filter.name },
      el("option", { value: "" }, "all"),
      ...values.map(([value, times]) =>
        el("option", { value }, `${words(filter.say ? filter.say(value) : value)} (${grouped(times)})`)));
    return el("label", {}, filter.title, controls[filter.name]);
  }

  function build() {
    const ids = [...new Set(options.scenes())].sort();
    controls.scene = el("input", { type: "search", name: "scene", list: root.id + "-scenes",
      placeholder: "any", autocomplete: "off" });
    controls.search = el("input", { type: "search", name: "search", autocomplete: "off",
      placeholder: options.searchHint });
    controls.sort = el("select", { name: "sort" },
      ...options.sorts.map((sort, i) => el("option", { value: i }, sort.title)));
    form.append(
      el("label", { class: "search" }, "Search", controls.search),
      ...options.filters.map(filterSelect).filter(Boolean),
      el("label", {}, "Scene", controls.scene,
        el("datalist", { id: root.id + "-scenes" }, ...ids.map((id) => el("option", { value: id })))),
      el("label", {}, "Order", controls.sort),
      el("button", { type: "reset" }, "Clear"));
    let timer = 0;
    form.addEventListener("input", () => {
      clearTimeout(timer);
      list.setAttribute("aria-busy", "true");
      timer = setTimeout(refresh, 120);
    });
    form.addEventListener("reset", () => {
      clearTimeout(timer);
      list.setAttribute("aria-busy", "true");
      // The controls have their first values only after this event.
      timer = setTimeout(refresh);
    });
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  function matching() {
    const tests = [];
    for (const filter of options.filters) {
      const value = controls[filter.name] ? controls[filter.name].value : "";
      if (value === "") continue;
      tests.push(filter.test ? (row) => filter.test(row, value)
        : (row) => String(table.get(filter.column, row)) === value);
    }
    const scene = controls.scene.value.trim().toLowerCase();
    if (scene) tests.push((row) => String(table.get("scene_id", row)).toLowerCase().includes(scene));
    const wanted = controls.search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    if (wanted.length) tests.push((row) => wanted.every((word) => haystack(row).includes(word)));
    const rows = [];
    for (let row = 0; row < table.rows; row++) if (tests.every((test) => test(row))) rows.push(row);
    return rows;
  }

  function sorted(rows) {
    const sort = options.sorts[Number(controls.sort.value)];
    if (!sort.key) return rows;
    const keys = new Map(rows.map((row) => [row, sort.key(row)]));
    const sign = sort.down ? -1 : 1;
    // Rows without a value come last in either direction.
    return rows.sort((a, b) => {
      const [x, y] = [keys.get(a), keys.get(b)];
      if (x === null || y === null) return (x === null) - (y === null) || a - b;
      return sign * (x - y) || a - b;
    });
  }

  function refresh() {
    shown = sorted(matching());
    count.textContent = shown.length === table.rows ? `${grouped(table.rows)} ${options.noun}`
      : `${grouped(shown.length)} of ${grouped(table.rows)} ${options.noun}`;
    list.scrollTop = 0;
    list.setAttribute("aria-busy", "false");
    select(shown.length ? shown[0] : null, false);
    layOut();
  }

  function layOut() {
    rowHeight = parseFloat(getComputedStyle(list).getPropertyValue("--row"));
    spacer.style.height = shown.length * rowHeight + "px";
    render();
  }

  function render() {
    const first = Math.max(0, Math.floor(list.scrollTop / rowHeight) - 2);
    const last = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / rowHeight) + 2);
    const nodes = [];
    for (let place = first; place < last; place++) {
      const row = shown[place];
      const node = el("div", {
        class: "row", role: "option", id: `${root.id}-${row}`, "data-row": row,
        "aria-selected": row === selected ? "true" : "false", "aria-posinset": place + 1,
        "aria-setsize": shown.length, style: `top:${place * rowHeight}px`,
      }, ...options.row(row));
      nodes.push(node);
    }
    spacer.replaceChildren(...nodes);
    if (selected !== null) list.setAttribute("aria-activedescendant", `${root.id}-${selected}`);
  }

  function select(row, open) {
    selected = row;
    for (const node of spacer.children) {
      node.setAttribute("aria-selected", Number(node.dataset.row) === row ? "true" : "false");
    }
    const back = el("button", { type: "button", class: "back" }, "Back to the list");
    back.addEventListener("click", () => {
      frame.classList.remove("open");
      list.focus();
    });
    detail.replaceChildren(...(row === null
      ? [el("p", { class: "quiet" }, `No ${options.noun} match.`)] : [back, ...options.detail(row)]));
    detail.scrollTop = 0;
    if (row !== null) list.setAttribute("aria-activedescendant", `${root.id}-${row}`);
    else list.removeAttribute("aria-activedescendant");
    if (open) frame.classList.add("open");
    if (row !== null && open && options.onOpen) options.onOpen(row);
  }

  function move(by) {
    if (!shown.length) return;
    const at = Math.max(0, shown.indexOf(selected));
    reveal(shown[Math.min(shown.length - 1, Math.max(0, at + by))], false);
  }

  function reveal(row, open) {
    const top = shown.indexOf(row) * rowHeight;
    if (top < list.scrollTop) list.scrollTop = top;
    const below = top + rowHeight - list.clientHeight;
    if (below > list.scrollTop) list.scrollTop = below;
    select(row, open);
    render();
  }

  list.addEventListener("scroll", render, { passive: true });
  list.addEventListener("click", (event) => {
    const node = event.target.closest(".row");
    if (node) select(Number(node.dataset.row), true);
  });
  list.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(list.clientHeight / rowHeight) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity,
      End: Infinity };
    if (event.key in steps) move(steps[event.key]);
    else if (event.key === "Enter" && selected !== null) select(selected, true);
    else return;
    event.preventDefault();
  });
  new ResizeObserver(layOut).observe(list);
  build();
  refresh();
  return {
    open(row) {
      if (!shown.includes(row)) {
        form.reset();
        refresh();
      }
      reveal(row, true);
    },
  };
}
