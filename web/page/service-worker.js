// Keeps the page for use without a network: what belongs to this version is
// fetched once, and older versions are thrown away.
const version = "vramcalc-__ASSETS__";
const files = ["./", "manifest.webmanifest", "icon.svg", ..."__FILES__".split(" ")];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(version).then((cache) => cache.addAll(files)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter((n) => n.startsWith("vramcalc-") && n !== version).map((n) => caches.delete(n))))
    .then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  // The page itself comes from the network where there is one, so that a new
  // version is seen; its files never change under their names.
  if (event.request.mode === "navigate") {
    event.respondWith(fetch(event.request).catch(() => caches.match("./")));
  } else {
    event.respondWith(caches.match(event.request).then((kept) => kept || fetch(event.request)));
  }
});
