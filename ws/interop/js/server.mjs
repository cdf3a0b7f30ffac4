// A server of npm's ws that echoes and obeys, as in story_test.go.
//
//   node server.mjs [PERMESSAGE-DEFLATE]
//
// says {port}, and for each connection {code, reason}, how it was closed. It ends with its standard input.

import { WebSocketServer } from "ws";

const say = (what) => console.log(JSON.stringify(what));
const perMessageDeflate = JSON.parse(process.argv[2] ?? "false");
const server = new WebSocketServer({
  port: 0,
  host: "127.0.0.1",
  perMessageDeflate,
  handleProtocols: (offered) => (offered.has("chat.example") ? "chat.example" : false),
});
server.on("listening", () => say({ port: server.address().port }));
server.on("connection", (socket) => {
  socket.on("close", (code, reason) => say({ code, reason: String(reason) }));
  socket.on("error", (err) => say({ code: -1, reason: String(err) }));
  socket.on("message", (data, isBinary) => {
    const order = isBinary ? "" : data.subarray(0, 200).toString();
    if (!order.startsWith("do: ")) {
      socket.send(data, { binary: isBinary });
      return;
    }
    const [, what, first, ...rest] = order.split(" ");
    switch (what) {
      case "fragments": {
        const n = Number(first);
        const p = Buffer.from("aé€🚀".repeat(Math.floor(n / 10)) + "x".repeat(n % 10));
        const cuts = [0, Math.floor(n / 3) + 1, Math.floor((n * 2) / 3), n];
        for (let i = 0; i < 3; i++) socket.send(p.subarray(cuts[i], cuts[i + 1]), { binary: false, fin: i === 2 });
        break;
      }
      case "ping":
        socket.once("pong", () => socket.send("ponged"));
        socket.ping("are you there?");
        break;
      case "close":
        socket.close(Number(first), rest.join(" "));
        break;
    }
  });
});
process.stdin.resume().on("end", () => process.exit(0));
