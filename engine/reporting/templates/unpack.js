// Payloads stand in the page as gzip in base64; each is unpacked once and its text then dropped.

async function unpackText(id) {
  const node = document.getElementById("payload-" + id);
  if (!node) return null;
  const packed = atob(node.textContent);
  node.remove();
  const bytes = new Uint8Array(packed.length);
  for (let i = 0; i < packed.length; i++) bytes[i] = packed.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

async function unpack(id) {
  const text = await unpackText(id);
  return text === null ? null : JSON.parse(text);
}

function nextFrame() {
  // A page in the background gets no frames: a timer goes on there.
  return new Promise((done) => {
    const timer = setTimeout(done, 100);
    requestAnimationFrame(() => {
      clearTimeout(timer);
      done();
    });
  });
}
