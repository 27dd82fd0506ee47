// The gallery of rejected proposals: what was asked, and what was found against it.

function makeRejected(root, table, sceneOf) {
  const get = table.get;
  const asked = (at) => get("question", at) || get("raw", at) || "(empty)";

  function row(at) {
    return [
      el("div", { class: "text" },
        el("p", { class: "question" }, asked(at)),
        el("p", { class: "quiet" }, [words(get("question_type", at) ?? "unread"), get("scene_id", at),
          `round ${get("round", at)}`].filter(Boolean).join(" · "))),
      el("div", { class: "state" }, badge(words(get("reason", at) ?? "rejected"), "reason")),
    ];
  }

  function detail(at) {
    const scene = sceneOf(get("scene_id", at));
    return [
      el("div", { class: "badges" }, badge(words(get("reason", at) ?? "rejected"), "reason"),
        get("question_type", at) ? badge(words(get("question_type", at))) : null),
      el("h3", {}, asked(at)),
      get("message", at) ? el("p", { class: "message" }, get("message", at)) : null,
      el("div", { class: "pair" },
        planSection(scene, get("objects", at), "The program looked at"),
        facts_list([
          ["Program's answer", get("answer", at)],
          ["Margin", get("margin", at)],
          ["Round", get("round", at)],
          ["Scene", [get("scene_id", at), get("dataset", at)].filter(Boolean).join(", ")],
          ["Proposal", get("proposal_id", at)],
        ])),
      get("program", at) ? sectioned("Program", programCode(get("program", at))) : null,
    ].filter(Boolean);
  }

  return makeGallery(root, {
    table, row, detail, noun: "rejected proposals", searchHint: "question, message, program, id",
    scenes: () => table.tally("scene_id").keys(),
    search: (at) => [asked(at), get("message", at), get("program", at), get("proposal_id", at)]
      .join("\n"),
    filters: [
      { name: "reason", title: "Reason", column: "reason" },
      { name: "type", title: "Type", column: "question_type" },
      { name: "dataset", title: "Dataset", column: "dataset" },
      { name: "round", title: "Round", column: "round", say: (value) => `round ${value}` },
    ],
    sorts: [
      { title: "by scene and type" },
      { title: "margin, closest to acceptance first", key: (at) => get("margin", at), down: true },
      { title: "margin, furthest first", key: (at) => get("margin", at) },
      { title: "round, newest first", key: (at) => get("round", at), down: true },
      { title: "round, oldest first", key: (at) => get("round", at) },
    ],
  });
}
