// A room from above, drawn from its boxes: x to the right, y up, centimetres.

function makeScenes(payload) {
  const table = makeTable(payload);
  const things = makeTable({ rows: payload.objects.label.values ? payload.objects.label.values.length
    : payload.objects.label.codes.length, columns: payload.objects });
  const places = new Map();
  for (let row = 0; row < table.rows; row++) places.set(table.get("scene_id", row), row);
  function scene(id) {
    const row = places.get(id);
    if (row === undefined) return null;
    const first = table.start("objects", row);
    const outline = table.get("outline", row);
    const points = [];
    for (let i = 0; i < outline.length; i += 2) points.push([outline[i], outline[i + 1]]);
    const objects = [];
    for (let i = first; i < table.start("objects", row + 1); i++) {
      objects.push({
        label: things.get("label", i), top: things.get("top", i),
        x: things.get("x", i), y: things.get("y", i), corners: footprint(things, i),
      });
    }
    return {
      id, outline: points, objects, dataset: table.get("dataset", row),
      licence: table.get("licence", row), area: table.get("area", row),
    };
  }
  return scene;
}

function footprint(things, i) {
  const angle = things.get("turn", i) * Math.PI / 1800;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [w, d] = [things.get("width", i) / 2, things.get("depth", i) / 2];
  return [[-w, -d], [w, -d], [w, d], [-w, d]].map(([u, v]) => [
    things.get("x", i) + u * cos - v * sin, things.get("y", i) + u * sin + v * cos,
  ]);
}

function bounds(scene) {
  const points = [...scene.outline, ...scene.objects.flatMap((each) => each.corners)];
  if (!points.length) return null;
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

function path(points) {
  // SVG's y runs down.
  return "M" + points.map(([x, y]) => x.toFixed(1) + " " + (-y).toFixed(1)).join("L") + "Z";
}

// `named`: with labels and a scale bar, for the large plan; without, for the small one in a row.
function planOf(scene, used, named) {
  const box = scene && bounds(scene);
  if (!box) return el("p", { class: "quiet" }, "no boxes");
  const [x0, y0, x1, y1] = box;
  const span = Math.max(x1 - x0, y1 - y0, 100);
  const pad = span * (named ? 0.07 : 0.03);
  const foot = named ? span * 0.09 : 0;
  const view = [x0 - pad, -y1 - pad, x1 - x0 + 2 * pad, y1 - y0 + 2 * pad + foot];
  const chosen = new Set(used);
  const order = scene.objects.map((each, i) => i).sort((a, b) =>
    chosen.has(a) - chosen.has(b) || scene.objects[a].top - scene.objects[b].top);
  const root = svg("svg", {
    class: "plan", viewBox: view.map((each) => each.toFixed(1)).join(" "), role: "img",
    "aria-label": planWords(scene, used), "data-used": used.length,
  });
  if (scene.outline.length > 2) root.append(svg("path", { class: "floor", d: path(scene.outline) }));
  for (const i of order) {
    const thing = scene.objects[i];
    const shape = svg("path", {
      class: chosen.has(i) ? "used" : "thing", d: path(thing.corners), "data-label": thing.label,
    });
    if (named) shape.append(svg("title", {}, words(thing.label)));
    root.append(shape);
  }
  if (named) root.append(...names(scene, used, span), ...scaleBar(x0, -y0 + pad, span, foot));
  return root;
}

function planWords(scene, used) {
  const labels = used.map((i) => words(scene.objects[i].label));
  const marked = labels.length ? `; marked: ${labels.join(", ")}` : "";
  return `Plan of ${scene.id}, ${scene.objects.length} objects${marked}`;
}

function names(scene, used, span) {
  const size = span * 0.042;
  const placed = [];
  const labels = used.map((i) => scene.objects[i]).sort((a, b) => b.y - a.y);
  return labels.map((thing) => {
    const text = words(thing.label);
    const half = text.length * size * 0.32;
    let y = -thing.y + size * 0.35;
    // From the top down: a name that would cover an earlier one moves below it.
    for (const other of placed) {
      if (Math.abs(other.x - thing.x) < half + other.half && Math.abs(other.y - y) < size) {
        y = other.y + size;
      }
    }
    placed.push({ x: thing.x, y, half });
    return svg("text", {
      class: "name", x: thing.x.toFixed(1), y: y.toFixed(1), "font-size": size.toFixed(1),
      "stroke-width": (size * 0.22).toFixed(1),
    }, text);
  });
}

function scaleBar(x, y, span, foot) {
  const metres = span > 1200 ? 5 : span > 500 ? 2 : 1;
  const at = y + foot * 0.35;
  const tick = foot * 0.16;
  const size = span * 0.038;
  return [
    svg("path", {
      class: "scale",
      d: `M${x} ${at - tick}V${at + tick}M${x} ${at}H${x + metres * 100}M${x + metres * 100} `
        + `${at - tick}V${at + tick}`,
    }),
    svg("text", {
      class: "scale-name", x: x + metres * 100 + size * 0.5, y: (at + size * 0.35).toFixed(1),
      "font-size": size.toFixed(1),
    }, `${metres} m`),
  ];
}
