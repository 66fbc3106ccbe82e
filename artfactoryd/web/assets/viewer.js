// One picture at a time over the page, or two side by side: arrows look, 1-5 rate, L likes, X leaves out, B bins, U takes back.
"use strict";

const viewer = byId("viewer"), stage = viewer.querySelector(".stage");
const OUT = "rejected";
let current = "", pinned = "", opened = 0;

const tiles = () => [...grid.querySelectorAll(".tile")];
const tileOf = (id) => grid.querySelector('.tile[data-id="' + CSS.escape(id) + '"]');

async function drawn_picture(id) {
  const page = await fetchPage("/pictures/" + encodeURIComponent(id));
  return document.importNode(page.querySelector(".picture"), true);
}

async function show(id) {
  const turn = ++opened;
  current = id;
  const ids = pinned && pinned !== id ? [pinned, id] : [id];
  const pictures = await Promise.all(ids.map(drawn_picture));
  if (turn !== opened) return; // another was asked for meanwhile
  viewer.classList.toggle("pair", pictures.length > 1);
  pictures[pictures.length - 1].classList.add("now"); // of two, the one that keys mean
  stage.replaceChildren(...pictures);
  if (!viewer.open) viewer.showModal();
  history.replaceState(null, "", "#" + id);
  const place = tiles().indexOf(tileOf(id)), all = tiles();
  viewer.querySelector(".before").disabled = place <= 0;
  viewer.querySelector(".after").disabled = place < 0 || place >= all.length - 1 && !grid.querySelector(".more");
  for (const near of [all[place - 1], all[place + 1]]) {
    if (near?.querySelector("img")) new Image().src = "/api/v1/products/" + near.dataset.id + "/thumbnail?size=large";
  }
}

async function step(by) {
  const all = tiles(), place = all.findIndex((tile) => tile.dataset.id === current);
  if (place + by >= all.length && grid.querySelector(".more a")) {
    await more(grid.querySelector(".more a"));
    return tiles().length > all.length ? step(by) : undefined;
  }
  const target = all[place + by];
  if (target) await show(target.dataset.id);
}

async function word(body, goOn) {
  const id = current;
  const done = await mark(id, body);
  if (!done) return;
  const picture = stage.querySelector('[data-id="' + CSS.escape(id) + '"]');
  if (goOn && viewer.open && current === id) { look(); await step(1); } else await changed(picture);
}

function facts() {
  const data = stage.querySelector('[data-id="' + CSS.escape(current) + '"]')?.dataset || {};
  return { liked: data.liked === "1", rating: Number(data.rating), out: data.out === "1" };
}

async function press(key) {
  if (key === "ArrowRight") return step(1);
  if (key === "ArrowLeft") return step(-1);
  if (key === "l") return word({ liked: !facts().liked });
  if (key === "x") return word({ tags: facts().out ? { remove: [OUT] } : { add: [OUT] } }, !facts().out);
  if (key === "b") {
    const all = tiles(), next = all[all.indexOf(tileOf(current)) + 1];
    await tell("/api/v1/products/" + current + "/bin", {});
    look();
    return next ? show(next.dataset.id) : viewer.close();
  }
  if (key === "0") return word({ rating: null });
  if (/^[1-5]$/.test(key)) return word({ rating: Number(key) }, true);
  if (key === "u") return tell("/api/v1/undo", {}).then(() => changed(stage.querySelector(".picture:last-child")));
  if (key === "c") { pinned = pinned ? "" : current; return pinned ? step(1) : show(current); }
  if (key === "Escape") viewer.close();
}

grid.addEventListener("click", (event) => {
  const link = event.target.closest(".tile a");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  show(link.closest(".tile").dataset.id).catch(lost);
});
viewer.addEventListener("click", (event) => {
  const button = event.target.closest("[data-key]");
  if (button) press(button.dataset.key).catch?.(lost);
});
document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey || event.target.closest("input, textarea, video, audio, #ask")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (viewer.open) {
    if (!/^(ArrowRight|ArrowLeft|[lxbcu0-5])$/.test(key)) return;
    event.preventDefault();
    press(key).catch(lost);
  } else if (key === "/" ) {
    event.preventDefault();
    document.querySelector(".search input").focus();
  } else if (/^Arrow/.test(key) && grid.contains(document.activeElement)) {
    const all = tiles(), place = all.indexOf(document.activeElement.closest(".tile"));
    const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[key];
    const target = all[place + by]?.querySelector("a");
    if (target) { event.preventDefault(); target.focus(); }
  }
});
viewer.addEventListener("close", () => {
  opened++;
  stage.replaceChildren();
  history.replaceState(null, "", location.pathname + location.search);
  tileOf(current)?.querySelector("a").focus();
  pinned = "";
});
if (location.hash.length > 8) show(decodeURIComponent(location.hash.slice(1))).catch(() => {});
