// The official client of version 2 against a server of ours that allows it:
// every check prints a line.
const [url, transports] = process.argv.slice(2);
const io = require("socket.io-client-v2");
const assert = require("node:assert");

const jsonp = transports === "jsonp";
if (jsonp) {
  // As much of a browser's document as JSONP needs: scripts that are run when
  // they are inserted, forms that are submitted.
  const load = (el) => fetch(el.src).then((r) => {
    assert.match(r.headers.get("content-type"), /javascript/);
    return r.text();
  }).then((text) => (0, eval)(text), (err) => el.onerror && el.onerror(err));
  const element = (tag) => ({
    tag, style: {}, children: [], setAttribute() {},
    appendChild(el) { el.parentNode = this; this.children.push(el); if (el.tag === "script") load(el); },
    removeChild(el) { this.children = this.children.filter((c) => c !== el); },
    submit() {
      const [area] = this.children;
      fetch(this.action, {
        method: "POST", headers: { "Content-Type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ [area.name]: area.value }),
      }).then((r) => r.text()).then(() => this.children.find((c) => c.onload)?.onload(), () => {});
    },
  });
  globalThis.document = { createElement: (tag) => { if (tag[0] === "<") throw new Error("not IE"); return element(tag); },
    getElementsByTagName: () => [], head: element("head"), body: element("body") };
}

const base = jsonp
  ? { transports: ["polling"], forceJSONP: true }
  : { transports: transports.split(",") };
Object.assign(base, { forceNew: true, reconnectionDelay: 10, reconnectionDelayMax: 20 });
const once = (s, ev) => new Promise((yes, no) => {
  const timer = setTimeout(() => no(new Error("no " + ev)), 8000);
  s.once(ev, (...args) => { clearTimeout(timer); yes(args); });
});
const ask = (s, ...args) => new Promise((yes, no) => {
  const timer = setTimeout(() => no(new Error("no answer to " + args[0])), 8000);
  s.emit(...args, (...got) => { clearTimeout(timer); yes(got); });
});
const echo = async (s, ...args) => (await ask(s, "echo", ...args))[0];
const open = async (nsp, opts) => {
  const s = io(url + (nsp || "/"), { ...base, ...opts });
  await once(s, "connect");
  return s;
};
const checks = {
  async "ack with arguments"() {
    const s = await open();
    const said = [1, "zwei", { drei: [true, null, "<&>ü\u2028😀"], line: "a\nb\\nc" }];
    assert.deepStrictEqual(await echo(s, ...said), said);
    s.close();
  },
  async "binary both ways"() {
    const s = await open();
    const [got] = await ask(s, "nested", { a: { blob: Buffer.from([7, 0, 255]) }, list: [Buffer.from([8, 9])] });
    assert.deepStrictEqual(got, { a: { blob: Buffer.from([7, 0, 255]) }, list: [Buffer.from([8, 9])] });
    s.close();
  },
  async "text of every width and binary in one payload"() {
    const s = await open();
    const text = "a ü € 😀 \u0000\u001e".repeat(20);
    const all = await Promise.all([echo(s, text), echo(s, Buffer.from([1, 2])), echo(s, text), echo(s, Buffer.alloc(0))]);
    assert.deepStrictEqual(all, [[text], [Buffer.from([1, 2])], [text], [Buffer.alloc(0)]]);
    s.close();
  },
  async "the server asks and the client answers"() {
    const s = await open();
    s.on("question", (n, cb) => cb(n * 7));
    assert.deepStrictEqual(await ask(s, "ask me", 6), [42]);
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
  async "rooms"() {
    const a = await open(), b = await open();
    await ask(a, "join", "room");
    await ask(b, "join", "room");
    const said = once(b, "said");
    await ask(a, "say to others in", "room");
    await said;
    a.close(); b.close();
  },
  async "namespace with a query as auth"() {
    const s = await open("/guarded?token=right");
    assert.match(s.id, /^\/guarded#/);
    assert.deepStrictEqual(await ask(s, "id"), [s.id]);
    s.close();
  },
  async "the id of the main namespace"() {
    const s = await open();
    assert.strictEqual(s.id, s.io.engine.id);
    assert.deepStrictEqual(await ask(s, "id"), [s.id]);
    s.close();
  },
  async "a namespace that refuses says its data"() {
    const s = io(url + "/guarded?token=wrong", base);
    assert.deepStrictEqual((await once(s, "error"))[0], { code: 7 });
    s.close();
  },
  async "unknown namespace"() {
    const s = io(url + "/unknown", base);
    assert.strictEqual((await once(s, "error"))[0], "Invalid namespace");
    s.close();
  },
  async "dynamic namespaces"() {
    const s = await open("/dyn-7");
    assert.deepStrictEqual(await ask(s, "where"), ["/dyn-7"]);
    s.close();
  },
  async "the client pings"() {
    const s = await open();
    await once(s, "ping");
    await once(s, "pong");
    await once(s, "pong");
    assert.ok(s.connected);
    s.close();
  },
  async "disconnect reasons"() {
    const s = await open();
    s.emit("kick me", false);
    assert.strictEqual((await once(s, "disconnect"))[0], "io server disconnect");
    s.close();
    const t = await open();
    t.emit("kick me", true);
    assert.strictEqual((await once(t, "disconnect"))[0], "io server disconnect");
    t.close();
  },
  async "it comes back after its connection is cut"() {
    const s = await open();
    const { id } = s;
    s.io.engine.close();
    await once(s, "connect");
    assert.notStrictEqual(s.id, id);
    s.close();
  },
  async "the change of transport"() {
    if (transports !== "polling,websocket") return;
    const s = io(url, base);
    await once(s.io.engine ?? (await once(s, "connect"), s.io.engine), "upgrade");
    assert.strictEqual(s.io.engine.transport.name, "websocket");
    assert.deepStrictEqual(await echo(s, Buffer.from([1])), [Buffer.from([1])]);
    s.close();
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
