// The official client against a server of ours: every check prints a line.
const [url, parserName, transports, features] = process.argv.slice(2);
const { io, Manager } = require("socket.io-client");
const { Socket: Engine } = require("engine.io-client");
const assert = require("node:assert");
const parser = parserName === "msgpack" ? require("socket.io-msgpack-parser") : undefined;

const base = { transports: transports.split(","), parser, forceNew: true, reconnectionDelay: 10, reconnectionDelayMax: 20 };
const once = (s, ev) => new Promise((yes, no) => {
  const timer = setTimeout(() => no(new Error("no " + ev)), 8000);
  s.once(ev, (...args) => { clearTimeout(timer); yes(args); });
});
const open = async (nsp, opts) => {
  const s = io(url + (nsp || "/"), { ...base, ...opts });
  await once(s, "connect");
  return s;
};
const checks = {
  async "ack with arguments and binary"() {
    const s = await open();
    const got = await s.timeout(20000).emitWithAck("echo", 1, "zwei", { drei: [true, null, "<&>ü"] }, Buffer.from([0, 1, 255]));
    assert.deepStrictEqual(got, [1, "zwei", { drei: [true, null, "<&>ü"] }, Buffer.from([0, 1, 255])]);
    s.close();
  },
  async "binary nested both ways"() {
    const s = await open();
    const got = await s.timeout(20000).emitWithAck("nested", { a: { blob: Buffer.from([7]) }, list: [Buffer.from([8, 9])] });
    assert.deepStrictEqual(got, { a: { blob: Buffer.from([7]) }, list: [Buffer.from([8, 9])] });
    s.close();
  },
  async "the server asks and the client answers"() {
    const s = await open();
    s.on("question", (n, cb) => cb(n * 7));
    assert.strictEqual(await s.timeout(20000).emitWithAck("ask me", 6), 42);
    s.close();
  },
  async "a returned error is an answer"() {
    const s = await open();
    assert.deepStrictEqual(await s.timeout(20000).emitWithAck("fail"), { error: "on purpose" });
    s.close();
  },
  async "order is kept"() {
    const s = await open();
    const got = [];
    const all = new Promise((yes) => s.on("n", (n) => { got.push(n); if (got.length === 1000) yes(); }));
    for (let n = 0; n < 1000; n++) s.emit("n", n);
    await all;
    assert.deepStrictEqual(got, [...Array(1000).keys()]);
    s.close();
  },
  async "rooms, except and broadcast acks"() {
    const a = await open(), b = await open(), c = await open();
    for (const [s, name] of [[a, "a"], [b, "b"], [c, "c"]]) s.on("who", (cb) => cb(name));
    await a.timeout(20000).emitWithAck("join", "room");
    await b.timeout(20000).emitWithAck("join", "room");
    assert.deepStrictEqual(await a.timeout(20000).emitWithAck("poll room", "room"), ["a", "b"]);
    const heard = [];
    for (const s of [a, b, c]) s.on("said", () => heard.push(s));
    await a.timeout(20000).emitWithAck("say to others in", "room");
    await c.timeout(20000).emitWithAck("echo");
    await b.timeout(20000).emitWithAck("echo");
    await a.timeout(20000).emitWithAck("echo");
    assert.deepStrictEqual(heard, [b]);
    [a, b, c].forEach((s) => s.close());
  },
  async "middleware refuses with data"() {
    const s = io(url + "/guarded", { ...base, auth: { token: "wrong" } });
    const [err] = await once(s, "connect_error");
    assert.strictEqual(err.message, "not you");
    assert.deepStrictEqual(err.data, { code: 7 });
    s.auth = { token: "right" };
    s.connect();
    await once(s, "connect");
    s.close();
  },
  async "unknown namespace"() {
    const s = io(url + "/unknown", base);
    assert.strictEqual((await once(s, "connect_error"))[0].message, "Invalid namespace");
    s.close();
  },
  async "dynamic namespaces over one connection"() {
    const m = new Manager(url, { ...base });
    const [a, b] = [m.socket("/dyn-1"), m.socket("/dyn-2")];
    await Promise.all([once(a, "connect"), once(b, "connect")]);
    assert.strictEqual(await a.timeout(20000).emitWithAck("where"), "/dyn-1");
    assert.strictEqual(await b.timeout(20000).emitWithAck("where"), "/dyn-2");
    a.close(); b.close();
  },
  async "disconnect reasons"() {
    const s = await open();
    s.emit("kick me", false);
    assert.strictEqual((await once(s, "disconnect"))[0], "io server disconnect");
    s.connect();
    await once(s, "connect");
    s.emit("kick me", true);
    assert.strictEqual((await once(s, "disconnect"))[0], "io server disconnect");
    s.close();
  },
  async "retries are answered once each"() {
    const s = await open("/", { retries: 50, ackTimeout: 200 });
    const got = await Promise.all([0, 1, 2].map((n) => s.emitWithAck("flaky", n)));
    assert.deepStrictEqual(got, [0, 1, 2]);
    s.close();
  },
  async "volatile and compress"() {
    const s = await open();
    s.volatile.emit("n", 1);
    const got = once(s, "big");
    s.compress(true).emit("send me something big");
    assert.strictEqual((await got)[0].length, 20000);
    s.close();
  },
  async "events named like JavaScript's own"() {
    const s = await open();
    for (const name of ["error", "constructor", "__proto__", "toString", "hasOwnProperty"]) s.emit(name, 1);
    assert.deepStrictEqual(await s.timeout(20000).emitWithAck("echo", 1), [1]);
    s.close();
  },
  async "recovery"() {
    if (features !== "recovery") return;
    const s = await open();
    const { id } = s, got = [];
    s.on("m", (n) => got.push(n));
    await s.timeout(20000).emitWithAck("send m", 3);
    s.io.engine.close();
    await once(s, "connect");
    assert.strictEqual(s.recovered, true);
    assert.strictEqual(s.id, id);
    await s.timeout(20000).emitWithAck("send m", 2);
    assert.deepStrictEqual(got, [0, 1, 2, 100, 0, 1]);
    s.close();
  },
  async "recovery of a client that received nothing"() {
    if (features !== "recovery") return;
    const s = await open("/quiet");
    const { id } = s;
    const missed = once(s, "missed");
    s.io.engine.close();
    await once(s, "connect");
    assert.strictEqual(s.recovered, true);
    assert.strictEqual(s.id, id);
    await missed;
    s.close();
  },
  async "engine.io-client"() {
    const e = new Engine(url, { path: "/socket.io", transports: transports.split(",") });
    await once(e, "open");
    if (transports === "polling,websocket") await once(e, "upgrade");
    const closed = once(e, "close");
    e.close();
    await closed;
  },
};

(async () => {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      console.log(JSON.stringify({ name }));
    } catch (err) {
      console.log(JSON.stringify({ name, error: String(err.stack || err) }));
    }
  }
  process.exit(0);
})();
