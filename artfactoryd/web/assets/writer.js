// Where an order is written: what it would do stands beside it, made anew as one types.
"use strict";

const PAUSE = 350; // milliseconds without a key
const paper = byId("order-text"), plan = byId("plan"), put = byId("put"), words = byId("put-words");
const naming = byId("order-name"), rehearse = byId("rehearse"), start = byId("main").dataset;
let typing = 0, asked = 0;

function address(path) {
  const query = new URLSearchParams();
  if (naming.value.trim()) query.set("name", naming.value.trim());
  if (rehearse.checked) query.set("rehearse", "1");
  return path + (query.size ? "?" + query : "");
}

const order = (path, accept) => post(address(path), paper.value, { Accept: accept, "Content-Type": "application/yaml" });

async function replan() {
  const turn = ++asked;
  try {
    const answer = await order("/api/v1/plan", "text/html");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (turn !== asked) return;
    const shown = page.querySelector(".plan, #words");
    if (shown) plan.replaceChildren(document.importNode(shown, true));
    const cards = [...plan.querySelectorAll("[data-ok]")];
    put.disabled = !cards.length || cards.some((card) => card.dataset.ok === "0");
    words.textContent = cards.some((card) => card.dataset.held === "1") ? "It will wait for your word." : "";
    byId("silence").hidden = true;
  } catch { if (turn === asked) lost(); }
}

function soon() {
  clearTimeout(typing);
  typing = setTimeout(replan, PAUSE);
}

plan.addEventListener("click", (event) => {
  const button = event.target.closest("[data-line]");
  if (!button) return;
  const lines = paper.value.split("\n"), line = Number(button.dataset.line) - 1;
  const begin = lines.slice(0, line).join("\n").length + (line ? 1 : 0);
  paper.focus();
  paper.setSelectionRange(begin + Number(button.dataset.column) - 1, begin + (lines[line] || "").length);
});

paper.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) put.click();
});

put.addEventListener("click", async () => {
  put.disabled = true;
  try {
    const answer = await order("/api/v1/generate", "application/json");
    const told = await answer.json();
    words.textContent = answer.ok ? told.name + " is in the Inbox." : told.detail;
    if (answer.ok && await outcome(told.submission)) location.assign("/");
  } catch { lost(); }
  put.disabled = false;
});

async function begin() {
  const from = start.product ? "/api/v1/products/" + encodeURIComponent(start.product) + "/order"
    : start.order ? "/api/v1/orders/" + encodeURIComponent(start.order) + "/document" : "";
  if (from) {
    const answer = await ask(from, { headers: { Accept: "application/yaml" } });
    if (answer.ok) paper.value = await answer.text(); else say((await answer.json()).detail);
  }
  await replan();
}

paper.addEventListener("input", soon);
naming.addEventListener("input", soon);
rehearse.addEventListener("change", soon);
begin().catch(lost);
