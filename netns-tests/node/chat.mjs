// Two Socket.IO clients at one server, with the official client: each gets an ack and both get every chat message. Then
// they wait to be told that the server goes.
//
//   node chat.mjs URL TRANSPORT[,TRANSPORT] [FINGERPRINT]
//
// says {kind:"chatted"} with what they saw, then {kind:"gone"} with the reasons for the disconnect.

import { io } from "socket.io-client";
import { say, within } from "./report.mjs";
import { trust } from "./trust.mjs";

const [url, transportList, fingerprint] = process.argv.slice(2);
const transports = transportList.split(",");
const tls = await trust(url, fingerprint);

class Client {
  constructor(name) {
    this.name = name;
    this.messages = [];
    this.socket = io(url, { transports, reconnection: false, forceNew: true, ...tls });
    this.socket.on("chat message", (text) => {
      this.messages.push(text);
      this.wake?.();
    });
    this.socket.io.once("open", () => (this.began = this.socket.io.engine.transport.name));
    this.gone = new Promise((resolve) => this.socket.once("disconnect", resolve));
  }

  // settled resolves when the client is connected over the last transport of its list.
  async settled() {
    await new Promise((resolve, reject) => {
      this.socket.once("connect", resolve);
      this.socket.once("connect_error", reject);
    });
    const engine = this.socket.io.engine;
    if (engine.transport.name !== transports.at(-1)) {
      await new Promise((resolve) => engine.once("upgrade", resolve));
    }
    this.transport = engine.transport.name;
  }

  async heard(count) {
    while (this.messages.length < count) await new Promise((resolve) => (this.wake = resolve));
  }
}

const clients = [new Client("ann"), new Client("bob")];
await within(30, "connect", Promise.all(clients.map((c) => c.settled())));
const acks = await Promise.all(clients.map((c) => c.socket.timeout(30_000).emitWithAck("hello", c.name)));

// One after the other, so that the order is known.
clients[0].socket.emit("chat message", "hello from ann");
await within(30, "the first message", Promise.all(clients.map((c) => c.heard(1))));
clients[1].socket.emit("chat message", "grüße von bob 🚀");
await within(30, "the second message", Promise.all(clients.map((c) => c.heard(2))));

say({
  kind: "chatted",
  clients: clients.map((c, i) => ({
    began: c.began,
    transport: c.transport,
    ack: acks[i],
    messages: c.messages,
  })),
});

say({ kind: "gone", reasons: await within(120, "the disconnect", Promise.all(clients.map((c) => c.gone))) });
