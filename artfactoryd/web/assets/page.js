// Asks for the status every two seconds; when it differs, the page is fetched anew and the sections that changed
// are swapped. The server draws and escapes: nothing here makes HTML of anything.
"use strict";

const EVERY = 2000;
const token = new URLSearchParams(location.search).get("token");
const asking = { cache: "no-store", headers: token ? { Authorization: "Bearer " + token } : {} };
const silence = document.getElementById("silence");
const last = document.getElementById("last");
const drawn = new Map(); // section id -> its HTML as the server sent it
let status = "";
let answered = "when this page was opened";
let timer = 0;

async function ask(address) {
  const answer = await fetch(address, { ...asking, signal: AbortSignal.timeout(10000) });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

function swap(page) {
  for (const section of page.querySelectorAll("main > section")) {
    const old = document.getElementById(section.id);
    if (!old || drawn.get(section.id) === section.outerHTML) continue;
    drawn.set(section.id, section.outerHTML);
    old.replaceWith(section);
  }
}

async function look() {
  clearTimeout(timer);
  try {
    const now = await ask("/api/v1/status");
    if (now !== status) {
      swap(new DOMParser().parseFromString(await ask("/"), "text/html"));
      status = now;
    }
    answered = "at " + new Date().toLocaleTimeString();
    silence.hidden = true;
  } catch {
    last.textContent = answered;
    silence.hidden = false;
  }
  if (!document.hidden) timer = setTimeout(look, EVERY);
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
for (const section of document.querySelectorAll("main > section")) drawn.set(section.id, section.outerHTML);
if (document.getElementById("head")) look();
