// The estimator, as several workers that share one compiled program.

const base = new URL("./", import.meta.url);
const most = 4; // workers; more would only take memory

const idle = [];
const queue = [];
let generation = 0;

// workers is how many there will be.
export function workers() { return Math.max(1, Math.min(most, navigator.hardwareConcurrency || 1)); }

const { program, worker: beginner } = self.begun; // see begin.js

// start is done when the program is there.
export function start() {
  employ(beginner);
  return program;
}

// grow hires the other workers; the first answer does not share the processor
// with them.
export function grow() {
  for (let i = 1; i < workers(); i++) {
    const worker = new Worker(new URL("worker.js", base));
    program.then((module) => worker.postMessage({ module }));
    employ(worker);
  }
}

// employ gives a worker questions; those from before its program has started
// wait at its door.
function employ(worker) {
  const done = (answer) => {
    const job = worker.job;
    worker.job = null;
    job?.resolve(answer);
  };
  worker.onmessage = ({ data }) => {
    done(JSON.parse(data));
    idle.push(worker);
    next();
  };
  worker.onerror = (event) => done({ error: { problem: event.message || "the worker stopped", hint: "" } });
  program.then(() => {
    idle.push(worker);
    next();
  }, () => {});
}

// ask resolves to {ok} or {error: {problem, hint}}, or to null where a newer
// generation of questions has made the answer pointless.
export function ask(operation, said, argument = "", urgent = false) {
  return new Promise((resolve) => {
    const job = { operation, said, argument, resolve };
    if (urgent) queue.unshift(job); else queue.push(job);
    next();
  });
}

// renew drops the questions that still wait.
export function renew() {
  generation++;
  for (const job of queue.splice(0)) job.resolve(null);
  return generation;
}

export function now() { return generation; }

export function current(g) { return g === generation; }

function next() {
  while (idle.length > 0 && queue.length > 0) {
    const job = queue.shift();
    const worker = idle.pop();
    worker.job = job;
    worker.postMessage({
      operation: job.operation, settings: job.said.settings.flat(), config: job.said.config, hub: job.said.hub, argument: job.argument,
    });
  }
}
