// Charts: figures name the colours of the light scheme; here they get those of the scheme in use.

const dark = matchMedia("(prefers-color-scheme: dark)");

function palette(colours) {
  const style = getComputedStyle(document.documentElement);
  const byName = {};
  const byLight = {};
  for (const [name, light] of Object.entries(colours)) {
    byName[name] = style.getPropertyValue("--" + name).trim();
    byLight[light] = byName[name];
  }
  return { byName, byLight };
}

function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

function mix(from, to, share) {
  const end = channels(to);
  const part = channels(from).map((value, i) => Math.round(value + (end[i] - value) * share));
  return "rgb(" + part.join(",") + ")";
}

function recoloured(value, colours) {
  if (Array.isArray(value)) return value.map((each) => recoloured(each, colours));
  if (value && typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, recoloured(each, colours)]));
  }
  if (typeof value !== "string") return value;
  if (colours.byLight[value]) return colours.byLight[value];
  const parts = /^rgba\((\d+), (\d+), (\d+), ([\d.]+)\)$/.exec(value);
  if (!parts) return value;
  const hex = "#" + parts.slice(1, 4).map((each) => Number(each).toString(16).padStart(2, "0"))
    .join("");
  const twin = colours.byLight[hex];
  return twin ? `rgba(${channels(twin).join(",")},${parts[4]})` : value;
}

function dressedTrace(trace, names) {
  const meta = trace.meta || {};
  if (meta.scale) {
    trace.colorscale = [[0, names.least], [1, names.much]];
    trace.textfont = { color: names.ink };
  }
  if (meta.order !== undefined) {
    const colour = mix(names.neutral, names.newest, meta.order);
    if (trace.marker) trace.marker = { ...trace.marker, color: colour };
    else trace.line = { ...trace.line, color: colour };
  }
  if (trace.type === "sankey") trace.textfont = { color: names.ink, shadow: "none" };
  if (trace.type === "funnel") {
    trace.insidetextfont = trace.outsidetextfont = { color: names.ink, size: 14 };
  }
  return trace;
}

function dressedLayout(layout, names) {
  const axis = {
    gridcolor: names.line, linecolor: names.line, zerolinecolor: names.line,
    tickfont: { color: names.muted }, fixedrange: true,
  };
  const dressed = {
    ...layout,
    autosize: true,
    dragmode: false,
    font: { family: "system-ui, sans-serif", size: 12.5, color: names.ink },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    hoverlabel: {
      ...layout.hoverlabel, bgcolor: names.surface, bordercolor: names.line,
      font: { color: names.ink },
    },
    xaxis: { ...axis, ...layout.xaxis },
    yaxis: { ...axis, ...layout.yaxis },
  };
  if (layout.yaxis2) dressed.yaxis2 = { ...axis, ...layout.yaxis2 };
  return dressed;
}

function drawChart(node, figure, facts) {
  const colours = palette(facts.colours);
  const { data, layout } = recoloured(structuredClone(figure), colours);
  return Plotly.react(
    node,
    data.map((trace) => dressedTrace(trace, colours.byName)),
    dressedLayout(layout, colours.byName),
    { displayModeBar: false, displaylogo: false, responsive: true, showTips: false },
  );
}

function loadLibrary(text) {
  const node = document.createElement("script");
  node.textContent = text;
  document.head.append(node);
  if (!window.Plotly) throw new Error("the browser did not let the charts' library run");
}

async function drawCharts(facts) {
  const nodes = [...document.querySelectorAll("[data-chart]")];
  if (nodes.length) {
    const text = await unpackText("library");
    performance.mark("unpacked");
    loadLibrary(text);
    performance.mark("library");
    for (const node of nodes) {
      await nextFrame();
      await drawChart(node, facts.figures[node.dataset.chart], facts);
    }
  }
  dark.addEventListener("change", async () => {
    for (const node of nodes) await drawChart(node, facts.figures[node.dataset.chart], facts);
    document.body.dataset.scheme = dark.matches ? "dark" : "light";
  });
  document.body.dataset.charts = "drawn";
  performance.mark("charts");
}
