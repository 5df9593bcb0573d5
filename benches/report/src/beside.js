
"use strict";
let from = 0, wide = ALL;
const pictures = [...document.querySelectorAll(".lane svg")], range = document.getElementById("range");
function time(ns) {
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) if (ns >= size) return `${(ns / size).toPrecision(3)} ${unit}`;
  return `${Math.round(ns)} ns`;
}
function show(begin, long) {
  wide = Math.min(ALL, Math.max(20, long));
  from = Math.max(0, Math.min(ALL - wide, begin));
  for (const picture of pictures) picture.setAttribute("viewBox", `${from} 0 ${wide} 10`);
  range.textContent = `${time(from)} to ${time(from + wide)}`;
}
const zoom = (by, part = 0.5) => show(from + wide * part * (1 - by), wide * by);
document.addEventListener("click", e => {
  const how = e.target.dataset.zoom;
  if (how === "all") show(0, ALL);
  else if (how === "fast") show(0, FAST * 1.05);
  else if (how) zoom(Number(how));
});
document.addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const keys = { "+": () => zoom(0.7), "=": () => zoom(0.7), "-": () => zoom(1.4), ArrowLeft: () => show(from - wide / 5, wide), ArrowRight: () => show(from + wide / 5, wide), Escape: () => show(0, ALL) };
  if (keys[e.key]) { keys[e.key](); e.preventDefault(); }
});
for (const picture of pictures) {
  let x = null;
  const part = dx => dx / picture.clientWidth * wide;
  picture.addEventListener("wheel", e => {
    if (e.ctrlKey) zoom(Math.exp(e.deltaY / 100), e.offsetX / picture.clientWidth);
    else if (e.deltaX) show(from + part(e.deltaX), wide);
    else return;
    e.preventDefault();
  }, { passive: false });
  picture.addEventListener("pointerdown", e => { x = e.clientX; picture.setPointerCapture(e.pointerId); });
  picture.addEventListener("pointermove", e => { if (x !== null) { show(from - part(e.clientX - x), wide); x = e.clientX; } });
  for (const over of ["pointerup", "pointercancel"]) picture.addEventListener(over, () => { x = null; });
}
