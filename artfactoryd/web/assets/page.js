// Follows the daemon by a websocket; when something changed, the page is fetched anew, the sections that differ are
// swapped and new pictures come first. The server draws and escapes: nothing here makes HTML of anything.
"use strict";

const AGAIN = 3000, SLOW = 800, SHOWN = 6000, ANYWAY = 30000; // milliseconds
const byId = (id) => document.getElementById(id);
const tokenIn = (page) => page.querySelector("meta[name=form-token]").content;
let formToken = tokenIn(document); // another one after each start of the daemon
const said = byId("said");
let saying = 0;

function say(words) {
  clearTimeout(saying);
  said.textContent = words;
  saying = setTimeout(() => { said.textContent = ""; }, SHOWN + 40 * words.length);
}

async function ask(address, options = {}) {
  return fetch(address, { cache: "no-store", signal: AbortSignal.timeout(30000), ...options });
}

async function fetchPage(address) {
  const answer = await ask(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  formToken = tokenIn(page) || formToken;
  return page;
}

function question(words, yes) {
  const dialog = byId("ask");
  byId("ask-words").textContent = words;
  dialog.querySelector("[value=yes]").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}

// With the token of our forms; where the daemon was started again since, with its new one.
async function post(address, body, headers) {
  const send = () => ask(address, { method: "POST", headers: { ...headers, "X-Form-Token": formToken }, body });
  const answer = await send();
  if (answer.status !== 403) return answer;
  await fetchPage("/write");
  return send();
}

// Sends what a person says. What costs money is asked about once more, with the sum that the server gave.
async function tell(address, body) {
  const word = JSON.stringify({ id: crypto.randomUUID ? crypto.randomUUID() : "", ...body });
  const answer = await post(address, word, { Accept: "application/json", "Content-Type": "application/json" });
  const told = await answer.json();
  if (told.code === "confirm" && await question(told.detail, "Yes, up to " + told.confirm_usd)) {
    return tell(address, { ...body, confirm_usd: told.confirm_usd });
  }
  if (told.code !== "confirm") say(told.text || told.detail);
  return answer.ok;
}

async function mark(id, body) {
  return tell("/api/v1/products/" + encodeURIComponent(id) + "/marks", body);
}

function typed(name, value) {
  if (name === "rating") return Number(value);
  return value === "true" ? true : value === "false" ? false : value;
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.matches("[data-tag]")) {
    event.preventDefault();
    const picture = form.closest(".picture"), tag = new FormData(form).get("tag").trim();
    if (tag) await mark(picture.dataset.id, { tags: { add: [tag] } }).then(() => changed(picture)).catch(lost);
  }
  if (form.matches("[data-notes]")) {
    event.preventDefault();
    const picture = form.closest(".picture");
    await mark(picture.dataset.id, { notes: new FormData(form).get("notes") }).then(() => changed(picture)).catch(lost);
  }
  if (!form.matches("[data-act]")) return;
  event.preventDefault();
  const body = Object.fromEntries([...new FormData(form)].filter(([name]) => name !== "form_token").map(([name, value]) => [name, typed(name, value)]));
  const button = event.submitter || form.querySelector("button");
  button.disabled = true;
  try {
    await tell(new URL(form.action).pathname, body);
    await changed(form.closest(".picture"));
  } catch { lost(); }
  button.disabled = false;
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy], button[data-untag]");
  if (!button) return;
  if (button.dataset.copy !== undefined) {
    try { await navigator.clipboard.writeText(button.dataset.copy); say("Copied."); } catch { say("The browser does not let it be copied."); }
    return;
  }
  const picture = button.closest(".picture");
  await mark(picture.dataset.id, { tags: { remove: [button.dataset.untag] } }).then(() => changed(picture)).catch(lost);
});

function lost() {
  byId("silence").hidden = false;
}

// What a picture's page shows is drawn anew after each word about it.
async function changed(picture) {
  if (picture) {
    const page = await fetchPage("/pictures/" + encodeURIComponent(picture.dataset.id));
    const drawn = page.querySelector(".picture");
    if (!drawn || !picture.isConnected) return look();
    const place = [...picture.querySelectorAll("button, input")].indexOf(document.activeElement);
    const anew = document.importNode(drawn, true);
    anew.classList.toggle("now", picture.classList.contains("now"));
    picture.replaceWith(anew);
    if (place >= 0) anew.querySelectorAll("button, input")[place]?.focus();
  }
  await look();
}

// --- the page of all pictures, for as long as it is open ---

const grid = byId("grid");
const drawn = new Map(); // section id -> its HTML as the server sent it
let answered = "when this page was opened", looking = false, again = false, next = 0;

function swap(page) {
  for (const section of page.querySelectorAll("main section[id]")) {
    const old = byId(section.id);
    if (section.id === "pictures" || !old || drawn.get(section.id) === section.outerHTML) continue;
    drawn.set(section.id, section.outerHTML);
    const open = new Set([...old.querySelectorAll("details[open]")].map((one) => one.dataset.name));
    for (const one of section.querySelectorAll("details")) one.open = open.has(one.dataset.name);
    const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    old.replaceWith(section);
    if (focused) section.querySelector('[aria-label="' + CSS.escape(focused) + '"]')?.focus();
  }
}

function fill(page) {
  const known = new Map([...grid.querySelectorAll(".tile")].map((tile) => [tile.dataset.id, tile]));
  let before = null;
  for (const tile of page.querySelectorAll("#grid .tile")) {
    const old = known.get(tile.dataset.id);
    if (old) {
      if (old.className !== tile.className.trim() || old.querySelector(".marks")?.outerHTML !== tile.querySelector(".marks")?.outerHTML) {
        old.className = tile.className;
        old.querySelector(".marks")?.remove();
        if (tile.querySelector(".marks")) old.append(document.importNode(tile.querySelector(".marks"), true));
      }
      before = old;
    } else if (before === null || page.querySelector("#grid .more") === null) {
      tile.classList.add("new");
      const first = before ? before.nextSibling : grid.querySelector(".tile, .more");
      grid.insertBefore(tile, first);
      before = tile;
    }
  }
  const empty = document.querySelector(".empty");
  if (empty && grid.firstElementChild) empty.remove();
}

async function look() {
  if (!grid) return;
  if (looking) { again = true; return; }
  looking = true;
  try {
    const page = await fetchPage("/" + location.search);
    swap(page);
    fill(page);
    answered = "at " + new Date().toLocaleTimeString();
    byId("silence").hidden = true;
  } catch {
    byId("last").textContent = answered;
    byId("silence").hidden = false;
  }
  await new Promise((done) => setTimeout(done, SLOW));
  looking = false;
  if (again && !document.hidden) { again = false; look(); }
}

function follow() {
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/ws/status");
  socket.addEventListener("message", () => { if (document.hidden) again = true; else look(); });
  socket.addEventListener("close", () => {
    clearTimeout(next);
    next = setTimeout(() => { look(); follow(); }, AGAIN);
  });
}

async function more(link) {
  const item = link.closest(".more");
  if (item.dataset.asked) return;
  item.dataset.asked = "1";
  try {
    const page = await fetchPage(link.getAttribute("href"));
    item.replaceWith(...page.querySelectorAll(".tile, .more"));
    watch();
  } catch { delete item.dataset.asked; lost(); }
}

const reached = new IntersectionObserver((seen) => {
  for (const one of seen) if (one.isIntersecting) more(one.target);
}, { rootMargin: "600px" });

function watch() {
  reached.disconnect();
  const link = grid.querySelector(".more a");
  if (link) reached.observe(link);
}

// A thumbnail that is not made yet is asked for again, a few times, less and less often.
document.addEventListener("error", (event) => {
  const picture = event.target;
  if (!(picture instanceof HTMLImageElement) || !picture.src.includes("/thumbnail")) return;
  const tries = Number(picture.dataset.tries || 0);
  picture.classList.add("waits");
  if (tries > 7) return;
  picture.dataset.tries = String(tries + 1);
  const address = new URL(picture.src);
  setTimeout(() => { picture.src = ""; picture.src = address.pathname + address.search; }, 400 * 2 ** tries);
}, true);
document.addEventListener("load", (event) => {
  if (event.target instanceof HTMLImageElement) event.target.classList.remove("waits");
}, true);

// --- dropping ---

const ORDER = /\.(ya?ml|json)$/i;

async function filesIn(entry, path = "") {
  if (entry.isFile) return [[path + entry.name, await new Promise((done, failed) => entry.file(done, failed))]];
  const reader = entry.createReader(), files = [];
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return files;
    for (const one of some) if (!one.name.startsWith(".")) files.push(...await filesIn(one, path + entry.name + "/"));
  }
}

async function send(files) {
  const form = new FormData();
  for (const [name, file] of files) form.append("file", file, name);
  const answer = await post("/api/v1/inbox", form, { Accept: "application/json" });
  const told = await answer.json();
  say(answer.ok ? told.name + " is in the Inbox." : told.detail);
  if (answer.ok) await outcome(told.submission);
}

// Told when it is an order, or why it is none.
async function outcome(submission) {
  for (let tries = 0; tries < 40; tries++) {
    await new Promise((done) => setTimeout(done, 500));
    const told = await (await ask("/api/v1/submissions/" + submission)).json();
    if (told.state === "rejected") { say(told.text); return null; }
    if (told.state === "accepted") return told.orders;
  }
  return null;
}

function isFiles(event) { return [...(event.dataTransfer?.types || [])].includes("Files"); }
document.addEventListener("dragover", (event) => { if (isFiles(event)) { event.preventDefault(); document.body.classList.add("drop"); } });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("drop"); });
document.addEventListener("drop", async (event) => {
  if (!isFiles(event)) return;
  event.preventDefault();
  document.body.classList.remove("drop");
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  try {
    const files = (await Promise.all(entries.map((entry) => filesIn(entry)))).flat();
    const orders = files.filter(([name]) => ORDER.test(name));
    if (orders.length > 1 && files.length === orders.length) for (const order of orders) await send([order]);
    else await send(files);
  } catch { lost(); }
});

if (grid) {
  for (const section of document.querySelectorAll("main section[id]")) drawn.set(section.id, section.outerHTML);
  watch();
  follow();
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  setInterval(() => { if (!document.hidden) look(); }, ANYWAY); // a computer that slept has sockets nobody told of
  for (const picture of grid.querySelectorAll("img")) if (picture.complete && !picture.naturalWidth) picture.dispatchEvent(new Event("error"));
}
// The token of an address is in a cookie now.
if (new URLSearchParams(location.search).has("token")) {
  const address = new URL(location.href);
  address.searchParams.delete("token");
  history.replaceState(null, "", address);
}
