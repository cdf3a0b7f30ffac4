// A WebSocket client (npm's ws) at an echo: text and binary of every size come back as they were sent, so do a message in
// fragments and a ping. Then it waits to be told that the server goes.
//
//   node echo.mjs WS-URL SIZE,SIZE,… [FINGERPRINT]
//
// says {kind:"echoed"} with what came back, then {kind:"closed"} with the close frame's code.

import { createHash } from "node:crypto";
import WebSocket from "ws";
import { say, within } from "./report.mjs";
import { trust } from "./trust.mjs";

const [url, sizeList, fingerprint] = process.argv.slice(2);
const sizes = sizeList.split(",").map(Number);
const socket = new WebSocket(url, await trust(url, fingerprint));

const closed = new Promise((resolve) => socket.once("close", (code, reason) => resolve({ code, reason: String(reason) })));
await within(30, "the upgrade", new Promise((resolve, reject) => {
  socket.once("open", resolve);
  socket.once("error", reject);
}));
socket.on("error", (err) => {
  throw err;
});

// text is exactly n bytes of UTF-8, in sequences of one to four bytes.
function text(n) {
  const cycle = "aé€🚀"; // 1 + 2 + 3 + 4 bytes
  return cycle.repeat(Math.floor(n / 10)) + "x".repeat(n % 10);
}

// binary is n bytes without a short period, the same in every run: a lost or doubled piece shows.
function binary(n) {
  const key = createHash("sha256").update(String(n)).digest();
  const out = Buffer.alloc(n);
  let x = key.readUInt32LE(0) | 1;
  for (let i = 0; i < n; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    out[i] = x;
  }
  return out;
}

async function echo(name, message, send) {
  const answer = new Promise((resolve, reject) => {
    socket.once("message", (data, isBinary) => resolve({ data, isBinary }));
    closed.then(({ code, reason }) => reject(new Error(`${name}: closed with ${code} ${reason}`)));
  });
  send();
  const { data, isBinary } = await within(60, name, answer);
  const want = Buffer.from(message);
  if (isBinary !== (typeof message !== "string")) throw new Error(`${name}: came back as ${isBinary ? "binary" : "text"}`);
  if (!want.equals(data)) throw new Error(`${name}: ${data.length} bytes came back, and not those ${want.length} that went`);
}

const echoed = [];
for (const size of sizes) {
  for (const message of [text(size), binary(size)]) {
    const type = typeof message === "string" ? "text" : "binary";
    await echo(`${type} of ${size} bytes`, message, () => socket.send(message));
    echoed.push(`${type} ${size}`);
  }
}

// Fragments may split a character: only the whole message must be UTF-8 (RFC 6455 §5.6).
const rocket = Buffer.from("🚀 in pieces");
await echo("a fragmented text", String(rocket), () => {
  socket.send(rocket.subarray(0, 2), { fin: false, binary: false });
  socket.send(rocket.subarray(2, 3), { fin: false });
  socket.send(rocket.subarray(3), { fin: true });
});
echoed.push("fragments");

const pong = new Promise((resolve) => socket.once("pong", resolve));
socket.ping("are you there");
if (String(await within(30, "pong", pong)) !== "are you there") throw new Error("the pong does not carry the ping's data");
echoed.push("ping");

say({ kind: "echoed", echoed });
say({ kind: "closed", ...(await within(120, "the close", closed)) });
