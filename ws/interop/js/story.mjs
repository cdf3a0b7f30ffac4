// The client's story, as in story_test.go, over the WebSocket of browsers: in Node, in Chromium, and over npm's ws, whose
// socket has the same interface.
//
// more is what browsers cannot do: ping(socket), which waits for the pong, and fragments(socket, parts).

const sizes = [0, 1, 125, 126, 127, 65535, 65536, 1 << 20];
const fragmented = 300_000;
const subprotocols = ["nobody.example", "chat.example"];

function text(n) {
  const cycle = "aé€🚀"; // 10 bytes of UTF-8
  return cycle.repeat(Math.floor(n / 10)) + "x".repeat(n % 10);
}

function binary(n) {
  const p = new Uint8Array(n);
  let x = (n | 1) >>> 0;
  for (let i = 0; i < n; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    p[i] = x;
  }
  return p;
}

function thirds(p) {
  const a = Math.floor(p.length / 3) + 1;
  const b = Math.floor((p.length * 2) / 3);
  return [p.subarray(0, a), p.subarray(a, b), p.subarray(b)];
}

// An inbox has what came, in order, until somebody asks for it.
function inbox(socket) {
  const items = [];
  const waiting = [];
  const put = (item) => (waiting.length ? waiting.shift()(item) : items.push(item));
  socket.addEventListener("message", ({ data }) => put({ data }));
  socket.addEventListener("close", ({ code, reason, wasClean }) => put({ closed: { code, reason, wasClean } }));
  return () => (items.length ? Promise.resolve(items.shift()) : new Promise((resolve) => waiting.push(resolve)));
}

function open(WebSocket, url) {
  const socket = new WebSocket(url, subprotocols);
  socket.binaryType = "arraybuffer";
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve(socket));
    socket.addEventListener("error", (e) => reject(new Error(`the handshake failed: ${e.message ?? ""}`)));
  });
}

function same(what, got, want) {
  if (got.closed) throw new Error(`${what}: closed with ${JSON.stringify(got.closed)}`);
  if (typeof got.data !== typeof want) throw new Error(`${what}: a ${typeof got.data} and not a ${typeof want}`);
  if (typeof want === "string") {
    if (got.data !== want) throw new Error(`${what}: another text of ${got.data.length} characters came back`);
    return;
  }
  const p = new Uint8Array(got.data);
  if (p.length !== want.length || p.some((b, i) => b !== want[i])) throw new Error(`${what}: ${p.length} other bytes came back`);
}

export async function story(WebSocket, url, more = {}) {
  const socket = await open(WebSocket, url);
  const next = inbox(socket);
  if (socket.protocol !== subprotocols[1]) throw new Error(`subprotocol ${socket.protocol}`);
  for (const n of sizes) {
    for (const message of [text(n), binary(n)]) {
      socket.send(message);
      same(`${typeof message} of ${n} bytes`, await next(), message);
    }
  }
  if (more.fragments) {
    const whole = text(fragmented);
    more.fragments(socket, thirds(new TextEncoder().encode(whole)));
    same("text in fragments", await next(), whole);
  }
  socket.send(`do: fragments ${fragmented}`);
  same("text in the server's fragments", await next(), text(fragmented));
  if (more.ping) await more.ping(socket);
  socket.send("do: ping");
  same("after the server's ping", await next(), "ponged");

  socket.send("do: close 4001 see you ✓");
  const { closed } = await next();
  if (closed?.code !== 4001 || closed.reason !== "see you ✓" || !closed.wasClean) throw new Error(`the server's close: ${JSON.stringify(closed)}`);

  const second = await open(WebSocket, url);
  const end = inbox(second);
  second.close(3999, "enough ✓");
  const answer = (await end()).closed;
  if (answer?.code !== 3999 || !answer.wasClean) throw new Error(`the answer to our close: ${JSON.stringify(answer)}`);
  return { extensions: socket.extensions };
}
