// Begins what takes longest, before the page's modules are there: the program
// is compiled while it loads, and the first worker starts it.
"use strict";
{
  const program = self.WebAssembly ? WebAssembly.compileStreaming(fetch(new URL("vramcalc.wasm", document.currentScript.src))) : Promise.reject(new Error("no WebAssembly"));
  const worker = new Worker(new URL("worker.js", document.currentScript.src));
  program.then((module) => worker.postMessage({ module }), () => {}); // engine.js says what fails
  self.begun = { program, worker };
}
