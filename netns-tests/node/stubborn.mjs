// A WebSocket that never answers a close frame, on a bare socket: a server that waits for the closing handshake
// (RFC 6455 §7.1.2) waits for this one in vain.
//
//   node stubborn.mjs HOST PORT
//
// says {kind:"open"}, then {kind:"asked", code} when the close frame has come.

import { connect } from "node:net";
import { say } from "./report.mjs";

const [host, port] = process.argv.slice(2);
const socket = connect(Number(port), host, () => {
  socket.write(
    [
      "GET /echo HTTP/1.1",
      `Host: ${host}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: c3R1YmJvcm4gYXMgYSBtdQ==",
      "",
      "",
    ].join("\r\n"),
  );
});

let got = Buffer.alloc(0);
let head = true;
socket.on("data", (data) => {
  got = Buffer.concat([got, data]);
  if (head) {
    const end = got.indexOf("\r\n\r\n");
    if (end < 0) return;
    if (!got.subarray(0, 12).equals(Buffer.from("HTTP/1.1 101"))) throw new Error(`no upgrade: ${got.subarray(0, end)}`);
    got = got.subarray(end + 4);
    head = false;
    say({ kind: "open" });
  }
  // Nothing was sent to the echo, so the first frame is the close frame: 0x88, a length below 126, the code.
  if (got.length >= 4 && got[0] === 0x88) {
    socket.removeAllListeners("data");
    say({ kind: "asked", code: got.readUInt16BE(2) });
    socket.resume();
  }
});
// However the server leaves, this one stays until it is killed.
socket.on("error", () => {});
setInterval(() => {}, 1 << 30);
