// Starts the page: tabs, charts when they are first looked at, galleries as soon as there is time.

const PARTS = ["overview", "samples", "rejected"];

function trouble(error) {
  const node = document.getElementById("trouble");
  node.textContent = `Part of this page could not be shown (${error.message}). `
    + "It needs a browser of 2023 or newer.";
  node.hidden = false;
}

function partOf(hash) {
  const name = hash.replace("#", "").split("=")[0];
  if (name === "sample") return "samples";
  return PARTS.includes(name) && document.getElementById(name) ? name : "overview";
}

function showPart(name) {
  for (const part of PARTS) {
    const panel = document.getElementById(part);
    if (!panel) continue;
    panel.hidden = part !== name;
    const tab = document.getElementById("tab-" + part);
    if (!tab) continue;
    tab.setAttribute("aria-selected", part === name ? "true" : "false");
    tab.tabIndex = part === name ? 0 : -1;
  }
}

function listenToTabs() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => { location.hash = tab.getAttribute("aria-controls"); });
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(i + step + tabs.length) % tabs.length];
      next.focus();
      next.click();
    });
  });
}

async function start() {
  const facts = await unpack("facts");
  let charts = null;
  let samples = null;
  let byId = null;

  function follow() {
    const part = partOf(location.hash);
    showPart(part);
    if (part === "overview" && !charts) charts = drawCharts(facts).catch(trouble);
    const id = /^#sample=(.+)$/.exec(location.hash);
    if (!id || !samples) return;
    const row = byId.get(decodeURIComponent(id[1]));
    if (row !== undefined) samples.open(row);
  }

  addEventListener("hashchange", follow);
  listenToTabs();
  follow();
  if (charts) await charts;
  if (!document.getElementById("payload-samples")) {
    document.body.dataset.galleries = "none";
    return;
  }
  await nextFrame();
  const sceneOf = makeScenes(await unpack("scenes"));
  const table = makeTable(await unpack("samples"));
  const pictures = await unpack("pictures");
  byId = new Map();
  for (let row = 0; row < table.rows; row++) byId.set(table.get("sample_id", row), row);
  samples = makeSamples(document.getElementById("samples"), table, sceneOf, pictures, facts,
    (row) => history.replaceState(null, "", "#sample=" + encodeURIComponent(table.get("sample_id", row))));
  await nextFrame();
  makeRejected(document.getElementById("rejected"), makeTable(await unpack("rejected")), sceneOf);
  document.body.dataset.galleries = "ready";
  performance.mark("galleries");
  follow();
}

start().catch(trouble);
