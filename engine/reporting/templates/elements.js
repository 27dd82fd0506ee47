// Elements are made here and nowhere else. Texts become text nodes: nothing in a question, a label
// or an id is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function words(name) {
  return String(name).replaceAll("_", " ");
}

function grouped(number) {
  return number.toLocaleString("en-US");
}

function badge(text, kind) {
  return el("span", { class: "badge" + (kind ? " " + kind : "") }, text);
}
