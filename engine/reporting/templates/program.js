// A program with its words lightly set apart. Pieces become text nodes, never HTML.

const KEYWORDS = new Set(("and as assert break continue def elif else False for if in is lambda None "
  + "not or pass return True while").split(" "));
const PIECE = new RegExp([
  "(#[^\\n]*)",
  "((?:\"\"\"[\\s\\S]*?\"\"\")|\"(?:\\\\.|[^\"\\\\\\n])*\"|'(?:\\\\.|[^'\\\\\\n])*')",
  "(\\b\\d+(?:\\.\\d+)?\\b)",
  "([A-Za-z_]\\w*)(?=\\s*(\\()?)",
].join("|"), "g");

function programCode(source) {
  const code = el("code");
  let at = 0;
  for (const match of source.matchAll(PIECE)) {
    const [text, comment, string, number, word, called] = match;
    const kind = comment ? "comment" : string ? "string" : number ? "number"
      : KEYWORDS.has(word) ? "keyword" : called ? "call" : null;
    if (!kind) continue;
    code.append(source.slice(at, match.index), el("span", { class: kind }, text));
    at = match.index + text.length;
  }
  code.append(source.slice(at));
  return el("pre", { class: "program", tabindex: "0", "aria-label": "Program" }, code);
}
