// What a client tells the test that runs it: one JSON object a line on standard output.
// The first failure ends the client with status 1 and its reason on standard error.

export function say(report) {
  process.stdout.write(JSON.stringify(report) + "\n");
}

export function within(seconds, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing after ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

process.on("unhandledRejection", (err) => {
  process.stderr.write(`${err?.stack ?? err}\n`);
  process.exit(1);
});
