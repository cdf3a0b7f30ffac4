// Many Socket.IO clients at once: every other one begins with polling and upgrades, the rest open a WebSocket at once.
// Each gets its ack; one speaks, and all hear it.
//
//   node crowd.mjs URL COUNT
//
// says {kind:"crowd"} with how many did what.

import { io } from "socket.io-client";
import { say, within } from "./report.mjs";

const [url, count] = [process.argv[2], Number(process.argv[3])];

const clients = await within(90, `${count} clients`, Promise.all(Array.from({ length: count }, join)));

async function join(_, i) {
  const transports = i % 2 ? ["websocket"] : ["polling", "websocket"];
  const socket = io(url, { transports, reconnection: false, forceNew: true, timeout: 60_000 });
  const heard = new Promise((resolve, reject) => {
    socket.once("chat message", resolve);
    socket.once("disconnect", (reason) => reject(new Error(`client ${i} was disconnected: ${reason}`)));
  });
  heard.catch(() => {}); // told below
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  const engine = socket.io.engine;
  if (engine.transport.name !== "websocket") await new Promise((resolve) => engine.once("upgrade", resolve));
  const ack = await socket.timeout(60_000).emitWithAck("hello", `client ${i}`);
  return { socket, heard, id: socket.id, transport: engine.transport.name, greeted: ack === `hello, client ${i}` };
}

clients[0].socket.emit("chat message", "everybody here?");
const heard = await within(60, "the broadcast", Promise.all(clients.map((c) => c.heard)));

say({
  kind: "crowd",
  ids: new Set(clients.map((c) => c.id)).size,
  websocket: clients.filter((c) => c.transport === "websocket").length,
  greeted: clients.filter((c) => c.greeted).length,
  heard: heard.filter((text) => text === "everybody here?").length,
});
for (const c of clients) c.socket.disconnect();
