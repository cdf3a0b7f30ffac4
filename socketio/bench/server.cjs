// The official server, doing what server.go does.
const { createRequire } = require("node:module");
const { Server } = createRequire(process.argv.at(-1) + "/")("socket.io");
const http = require("node:http").createServer();
const io = new Server(http);
io.on("connection", (s) => {
  s.on("echo", (text, ack) => ack(text));
  s.on("all", (at) => io.emit("told", at));
});
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
