// Runs the estimator: each message is one question, each reply its JSON.
"use strict";
importScripts("wasm_exec.js");

let ready;
const started = new Promise((resolve) => { ready = resolve; });
self.vramcalcReady = () => ready();

self.onmessage = async ({ data }) => {
  if (data.module) {
    const go = new Go();
    const instance = await WebAssembly.instantiate(data.module, go.importObject);
    go.run(instance);
    return;
  }
  await started;
  self.postMessage(self.vramcalc(data.operation, data.settings, data.config, data.hub, data.argument));
};
