// Ranks pages as the search of the site does, with the site's own worker.
// node rank.cjs WORKER INDEX < queries as JSON; writes, for each query, the first hits as JSON.
const fs = require("fs");
const vm = require("vm");

const [worker, index] = process.argv.slice(2);
let receive, reply;
globalThis.self = globalThis;
globalThis.addEventListener = (_, listener) => (receive = listener);
globalThis.postMessage = (message) => reply(message);
vm.runInThisContext(fs.readFileSync(worker, "utf8"));

const ask = (type, data) =>
  new Promise((resolve) => {
    reply = (message) => resolve(message.data);
    receive({ data: { type, data } });
  });

(async () => {
  const { config, docs } = JSON.parse(fs.readFileSync(index, "utf8"));
  await ask(0, { config, docs, options: {} });
  const found = {};
  for (const query of JSON.parse(fs.readFileSync(0, "utf8"))) {
    const { items } = await ask(2, query);
    // A group holds the sections of a page; a page that is not itself a hit has score 0.
    found[query] = items.slice(0, 5).map((sections) => {
      const best = sections.reduce((a, b) => (b.score > a.score ? b : a));
      return { page: best.location.split("#")[0] || "index.html", section: best.location, score: best.score };
    });
  }
  process.stdout.write(JSON.stringify(found));
})();
