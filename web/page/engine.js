// The estimator, as several workers that share one compiled program.

const base = new URL("./", import.meta.url);
const most = 4; // workers; more would only take memory

const idle = [];
const queue = [];
let generation = 0;

// workers is how many there are.
export function workers() { return Math.max(1, Math.min(most, navigator.hardwareConcurrency || 1)); }

export async function start() {
  const module = await WebAssembly.compileStreaming(fetch(new URL("vramcalc.wasm", base)));
  for (let i = 0; i < workers(); i++) {
    const worker = new Worker(new URL("worker.js", base));
    worker.postMessage({ module });
    worker.onmessage = ({ data }) => {
      const job = worker.job;
      worker.job = null;
      idle.push(worker);
      next();
      job.resolve(JSON.parse(data.text));
    };
    worker.onerror = (event) => {
      const job = worker.job;
      worker.job = null;
      if (job) job.resolve({ error: { problem: event.message || "the worker stopped", hint: "" } });
    };
    idle.push(worker);
  }
  next();
}

// ask resolves to {ok} or {error: {problem, hint}}, or to null where a newer
// generation of questions has made the answer pointless.
export function ask(operation, said, argument = "", urgent = false) {
  return new Promise((resolve) => {
    const job = { operation, said, argument, resolve, generation, lasting: operation === "catalogue" };
    if (urgent) queue.unshift(job); else queue.push(job);
    next();
  });
}

// renew drops the questions that still wait.
export function renew() {
  generation++;
  for (const job of queue.splice(0)) {
    if (job.lasting) queue.push(job); else job.resolve(null);
  }
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
      id: 0, operation: job.operation, settings: job.said.settings.flat(), config: job.said.config, hub: job.said.hub, argument: job.argument,
    });
  }
}
