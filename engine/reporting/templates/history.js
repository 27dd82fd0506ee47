// How sure the solver was of a sample, round after round.

function labelOf(confidence, facts) {
  if (confidence > facts.easy_above) return "easy";
  return confidence < facts.hard_below ? "hard" : "frontier";
}

function observations(table, row, facts) {
  const rounds = table.get("rounds", row);
  const corrects = table.get("corrects", row);
  return table.get("confidences", row).map((value, i) => ({
    round: rounds[i], correct: Boolean(corrects[i]), p: value / facts.confidence_units,
  })).filter((each) => each.p >= 0);
}

function historyWords(seen) {
  if (!seen.length) return "not observed yet";
  return "confidence " + seen.map((each) => `${each.p.toFixed(2)} in round ${each.round}`)
    .join(", ");
}

function sparkline(seen, facts) {
  const [width, height, pad] = [84, 30, 4];
  const x = (i) => seen.length < 2 ? width / 2 : pad + i * (width - 2 * pad) / (seen.length - 1);
  const y = (p) => pad + (1 - p) * (height - 2 * pad);
  const line = seen.map((each, i) => `${x(i).toFixed(1)} ${y(each.p).toFixed(1)}`).join("L");
  return svg("svg", {
    class: "spark", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": historyWords(seen),
  },
  ...[facts.easy_above, facts.hard_below].map((p) =>
    svg("path", { class: "threshold", d: `M0 ${y(p)}H${width}` })),
  seen.length > 1 ? svg("path", { class: "trace", d: "M" + line }) : null,
  ...seen.map((each, i) => svg("circle", {
    class: "dot " + labelOf(each.p, facts), cx: x(i).toFixed(1), cy: y(each.p).toFixed(1),
    r: i === seen.length - 1 ? 3.4 : 2.2,
  })));
}

function historyChart(seen, facts) {
  if (!seen.length) return el("p", { class: "quiet" }, "Not observed yet.");
  const [width, height, left, bottom, top] = [320, 130, 34, 22, 8];
  const x = (i) => seen.length < 2 ? (left + width) / 2
    : left + 12 + i * (width - left - 24) / (seen.length - 1);
  const y = (p) => top + (1 - p) * (height - top - bottom);
  const line = seen.map((each, i) => `${x(i).toFixed(1)} ${y(each.p).toFixed(1)}`).join("L");
  const every = Math.ceil(seen.length / 10);
  const bands = [["easy", 1, facts.easy_above], ["frontier", facts.easy_above, facts.hard_below],
    ["hard", facts.hard_below, 0]];
  return svg("svg", {
    class: "history", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": historyWords(seen),
  },
  ...bands.map(([label, from, to]) => svg("rect", {
    class: "band " + label, x: left, y: y(from), width: width - left, height: y(to) - y(from),
  })),
  ...[0, 0.5, 1].map((p) => svg("text", { class: "tick end", x: left - 6, y: y(p) + 4 }, p)),
  seen.length > 1 ? svg("path", { class: "trace", d: "M" + line }) : null,
  ...seen.map((each, i) => svg("circle", {
    class: `dot ${labelOf(each.p, facts)}${each.correct ? "" : " wrong"}`, cx: x(i).toFixed(1),
    cy: y(each.p).toFixed(1), r: 4.5,
  }, svg("title", {}, `round ${each.round}: ${each.p.toFixed(4)}, `
    + (each.correct ? "answered correctly" : "answered wrongly")))),
  ...seen.map((each, i) => i % every ? null : svg("text", {
    class: "tick middle", x: x(i).toFixed(1), y: height - 6,
  }, each.round === 0 ? "base" : each.round)));
}
