// The gallery of samples: a row in the list, and everything known about one of them.

function facts_list(pairs) {
  return el("dl", { class: "facts" }, ...pairs
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function sectioned(title, ...children) {
  return el("section", {}, el("h4", {}, title), ...children);
}

function withUnit(answer, unit) {
  const sign = { m2: "m²", deg: "°" }[unit] || unit;
  return unit && answer !== null && !String(answer).endsWith(sign) ? `${answer} ${sign}` : answer;
}

function drawnWords(table, row) {
  const times = table.get("drawn_times", row);
  return table.get("drawn_rounds", row)
    .map((round, i) => `round ${round}${times[i] > 1 ? ` × ${times[i]}` : ""}`).join(", ");
}

function frameFigures(scene, used, pictures) {
  const wanted = new Set(used);
  const scored = (pictures || []).map((picture) => ({
    picture, seen: picture.seen.filter(([place]) => wanted.has(place)),
  })).filter((each) => each.seen.length);
  const gain = (each) => each.seen.reduce((sum, seen) => sum + seen[1], 0);
  const best = scored.sort((a, b) => gain(b) - gain(a)).slice(0, 4)
    .sort((a, b) => a.picture.index - b.picture.index);
  return best.map(({ picture, seen }) => {
    const labels = seen.map(([place]) => words(scene.objects[place].label));
    return el("figure", {}, el("div", { class: "picture" },
      el("img", {
        src: "data:image/jpeg;base64," + picture.jpeg, loading: "lazy",
        alt: `Frame ${picture.index} of ${scene.id}, showing ${labels.join(", ")}`,
      }),
      svg("svg", { viewBox: "0 0 1000 1000", preserveAspectRatio: "none", "aria-hidden": "true" },
        ...seen.map(([, , x0, y0, x1, y1]) =>
          svg("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0 })))),
    el("figcaption", { class: "quiet" }, `frame ${picture.index}, ${picture.time} s`));
  });
}

function planSection(scene, used, rests) {
  if (!scene) return null;
  const counts = new Map();
  for (const i of used) {
    const label = words(scene.objects[i].label);
    counts.set(label, (counts.get(label) || 0) + 1);
  }
  const named = [...counts].map(([label, times]) => times > 1 ? `${label} × ${times}` : label);
  const area = scene.area === null ? "" : `, ${scene.area} m²`;
  return sectioned("Plan", planOf(scene, used, true), el("p", { class: "quiet" },
    `${scene.id}${area}, seen from above. `
    + (named.length ? `${rests}: ${named.join(", ")}.` : "It looks at no object of its own.")));
}

function makeSamples(root, table, sceneOf, pictures, facts, onOpen) {
  const scenes = new Map();
  const cached = (id) => {
    if (!scenes.has(id)) {
      if (scenes.size > 400) scenes.clear();
      scenes.set(id, sceneOf(id));
    }
    return scenes.get(id);
  };
  const get = table.get;
  const latest = (row) => observations(table, row, facts).at(-1)?.p ?? null;
  const swing = (row) => {
    const seen = observations(table, row, facts).map((each) => each.p);
    return seen.length > 1 ? Math.max(...seen) - Math.min(...seen) : null;
  };
  const labelled = (row) => get("label", row)
    ?? (get("split", row) === "train" ? "not seen" : "held out");

  function labelBadge(row) {
    const label = labelled(row);
    return badge(label, ["easy", "frontier", "hard"].includes(label) ? label : null);
  }

  function row(at) {
    const seen = observations(table, at, facts);
    return [
      el("div", { class: "thumb" }, planOf(cached(get("scene_id", at)), get("objects", at), false)),
      el("div", { class: "text" },
        el("p", { class: "question" }, get("question", at)),
        el("p", { class: "quiet" },
          `${words(get("question_type", at))} · ${get("scene_id", at)} · round ${get("round", at)}`)),
      el("div", { class: "answer" }, withUnit(get("answer", at), get("unit", at)) ?? ""),
      el("div", { class: "state" }, labelBadge(at),
        seen.length ? sparkline(seen, facts) : null),
    ];
  }

  function optionsList(at) {
    const options = get("options", at);
    if (!options.length) return null;
    const answer = get("answer", at);
    return el("ol", { class: "options", type: "A" }, ...options.map((option, i) => {
      const right = option === answer || answer === "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i];
      return el("li", { class: right ? "right" : null }, option, right ? " ✓" : null);
    }));
  }

  function detail(at) {
    const scene = cached(get("scene_id", at));
    const used = get("objects", at);
    const seen = observations(table, at, facts);
    const last = seen.at(-1);
    const shown = scene ? frameFigures(scene, used, pictures[scene.id]) : [];
    return [
      el("div", { class: "badges" }, labelBadge(at), badge(words(get("question_type", at))),
        get("benchmark", at) ? badge("a benchmark's scene", "warn") : null),
      el("h3", {}, get("question", at)),
      optionsList(at),
      el("p", { class: "result" }, el("span", { class: "quiet" }, "Answer "),
        el("strong", {}, withUnit(get("answer", at), get("unit", at)) ?? "")),
      el("div", { class: "pair" },
        planSection(scene, used, "The answer rests on"),
        el("div", {},
          sectioned(get("split", at) === "train" ? "Confidence while training" : "Confidence when asked",
            historyChart(seen, facts)),
          facts_list([
            ["Confidence", last ? last.p.toFixed(4) : null],
            ["Solver answered", get("predicted", at)],
            ["Margin", get("margin", at)],
            ["Stability", get("stability", at)],
            ["Prior score", get("prior_score", at)],
            ["Made in", get("round", at) === 0 ? "round 0" : `round ${get("round", at)}`],
            ["Drawn in", drawnWords(table, at)],
            ["Last drawn as", get("why", at)],
            ["Scene", `${get("scene_id", at)} (${get("dataset", at)})`],
            ["Sample", get("sample_id", at)],
          ]))),
      shown.length ? sectioned("Frames that show it", el("div", { class: "frames" }, ...shown)) : null,
      sectioned("Program", programCode(get("program", at) ?? "")),
    ].filter(Boolean);
  }

  function drawnCounts() {
    const counts = new Map();
    for (let at = 0; at < table.rows; at++) {
      for (const round of get("drawn_rounds", at)) counts.set(round, (counts.get(round) || 0) + 1);
    }
    return counts;
  }

  function labelCounts() {
    const counts = new Map();
    for (let at = 0; at < table.rows; at++) {
      counts.set(labelled(at), (counts.get(labelled(at)) || 0) + 1);
    }
    return counts;
  }

  return makeGallery(root, {
    table, row, detail, onOpen, noun: "samples", searchHint: "question, answer, program, id",
    scenes: () => table.tally("scene_id").keys(),
    search: (at) => [get("question", at), get("answer", at), get("program", at), get("sample_id", at),
      get("options", at).join(" ")].join("\n"),
    filters: [
      { name: "label", title: "Label", counts: labelCounts, test: (at, value) => labelled(at) === value },
      { name: "type", title: "Type", column: "question_type" },
      { name: "dataset", title: "Dataset", column: "dataset" },
      { name: "made", title: "Made in", column: "round", say: (value) => `round ${value}` },
      { name: "drawn", title: "Drawn in", counts: drawnCounts, say: (value) => `round ${value}`,
        test: (at, value) => get("drawn_rounds", at).includes(Number(value)) },
    ],
    sorts: [
      { title: "by scene and type" },
      { title: "confidence, lowest first", key: latest },
      { title: "confidence, highest first", key: latest, down: true },
      { title: "confidence, most changed", key: swing, down: true },
      { title: "margin, smallest first", key: (at) => get("margin", at) },
      { title: "margin, largest first", key: (at) => get("margin", at), down: true },
      { title: "round, newest first", key: (at) => get("round", at), down: true },
      { title: "round, oldest first", key: (at) => get("round", at) },
    ],
  });
}
