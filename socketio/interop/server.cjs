// The official server, for a client of ours. It prints its port, and ends with
// its standard input.
const [parserName, features] = process.argv.slice(2);
const { Server } = require("socket.io");
const http = require("node:http").createServer();
const io = new Server(http, {
  parser: parserName === "msgpack" ? require("socket.io-msgpack-parser") : undefined,
  connectionStateRecovery: features === "recovery" ? {} : undefined,
  cookie: { name: "sticky" },
  pingInterval: 200, pingTimeout: 2000,
});
let flaky = new Set();
io.on("connection", (s) => {
  s.on("echo", (...args) => { const cb = args.pop(); cb(...args); });
  s.on("n", (n) => s.emit("n", n));
  s.on("ask me", async (n, cb) => cb(await s.timeout(20000).emitWithAck("question", n)));
  s.on("join", (room, cb) => { s.join(room); cb(); });
  s.on("poll room", async (room, cb) => cb((await io.to(room).timeout(20000).emitWithAck("who")).sort()));
  s.on("kick me", (close) => s.disconnect(close));
  s.on("flaky", (n, cb) => { if (flaky.has(n)) return cb(n); flaky.add(n); });
  s.on("send m", (n, cb) => { for (let i = 0; i < n; i++) s.emit("m", i); cb(); });
  s.on("cut", () => s.conn.transport.constructor.name && s.conn.close());
  s.on("transport", (cb) => cb(s.conn.transport.name));
  s.on("cookie", (cb) => cb(s.request.headers.cookie || ""));
});
io.of("/guarded").use((s, next) => {
  if (s.handshake.auth.token === "right") return next();
  const err = new Error("not you");
  err.data = { code: 7 };
  next(err);
});
io.of(/^\/dyn-\d+$/).on("connection", (s) => s.on("where", (cb) => cb(s.nsp.name)));
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
