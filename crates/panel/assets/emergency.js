// The emergency page: what is chosen, who hears it, and a button that has to be held before it can be pressed.
import { map } from "./emergency-map.js";

const root = document.querySelector("[data-speak]");
const form = root.querySelector("[data-wish]");
const find = (name) => root.querySelector(`[data-${name}]`);
const arm = find("arm");
const go = find("go");
const places = [...form.querySelectorAll("[name=zone]")];
// Each zone with those around it that are listed too, itself first.
const above = new Map(places.map((place) => [place.value, place.dataset.chain.trim().split(" ")]));
const drawing = find("map") && map(find("map"), include);

const HOLD_MS = 2000;
const ARMED_MS = 15000;

// What is chosen.

function chosen() {
  const what = form.querySelector("[name=what]:checked");
  const drill = form.querySelector("[name=drill]:checked").value === "true";
  return { what, drill, places: places.filter((place) => place.checked) };
}

function update() {
  const { what, drill, places: meant } = chosen();
  const speech = what?.value === "speech";
  root.dataset.drill = String(drill);
  document.body.classList.toggle("drilling", drill);
  for (const one of document.querySelectorAll("[data-real]")) one.hidden = drill;
  for (const one of document.querySelectorAll("[data-drill-only]")) one.hidden = !drill;
  for (const one of root.querySelectorAll("[data-speech-only]")) one.hidden = !speech;
  const { limit_min: minutes } = form.elements;
  minutes.max = speech ? minutes.dataset.speechMax : minutes.dataset.max;
  const two = !drill && meant.some((place) => "two" in place.dataset);
  find("two-only").hidden = !two;
  // Somebody who speaks alone needs no release, only the button.
  go.hidden = speech && !two;
  const sum = find("audience-sum");
  const names = [...new Set(meant.flatMap((place) => place.dataset.dead.split(", ").filter(Boolean)))];
  const outer = meant.filter((place) => !meant.some((other) => within(place, other)));
  const count = (name) => outer.reduce((all, place) => all + Number(place.dataset[name]), 0);
  sum.textContent = meant.length ? `${sum.dataset.sayHeard} ${count("alive")}/${count("all")}` + (names.length ? ` · ${sum.dataset.sayDead} ${names.join(", ")}` : "") : "";
  const { speechMax, sayTooMany, sayNowhere } = find("places").dataset;
  places[0]?.setCustomValidity(!meant.length ? sayNowhere : speech && outer.length > Number(speechMax) ? sayTooMany : "");
  const codes = new Set(meant.map((place) => place.value));
  drawing?.mark((zone) => above.get(zone).some((code) => codes.has(code)));
  disarm();
}

function within(place, other) {
  return place !== other && above.get(place.value).includes(other.value);
}

// Adds what was drawn around: the narrowest zones whose receivers all lie inside, as wholes, and the zones of the others
// that do.
function include(inside) {
  const count = new Map();
  for (const zone of inside) for (const code of above.get(zone)) count.set(code, (count.get(code) ?? 0) + 1);
  const isWhole = (place) => count.get(place.value) === Number(place.dataset.all);
  // What lies in one zone below is that zone.
  const wider = new Set(places.filter(isWhole).flatMap((place) => above.get(place.value).slice(1)
    .filter((code) => count.get(code) === count.get(place.value))));
  for (const place of places) {
    const covered = places.some((other) => other.checked && within(place, other));
    const whole = isWhole(place) && !wider.has(place.value);
    if (!covered && (whole || inside.includes(place.value))) place.checked = true;
  }
  update();
}

// As it is typed: a field says "change" only when it is left, and that may be for the button that is held already.
form.addEventListener("input", ({ target }) => {
  if (target.name === "what" && target.dataset.zones !== undefined) {
    const zones = target.dataset.zones.split(" ");
    for (const place of places) place.checked = zones.includes(place.value);
    form.elements.limit_min.value = target.dataset.minutes;
  }
  update();
});

// Held for two seconds, it arms; and only for a while.

let holding = null;
let armedUntil = null;

function hold() {
  if (holding || root.dataset.armed === "true" || !form.reportValidity()) return;
  arm.classList.add("holding");
  holding = setTimeout(() => {
    letGo();
    root.dataset.armed = "true";
    go.disabled = false;
    find("arm-state").textContent = arm.dataset.sayArmed;
    root.dispatchEvent(new Event("armed"));
    armedUntil = setTimeout(disarm, ARMED_MS);
    if (!go.hidden) go.focus();
  }, HOLD_MS);
}

function letGo() {
  clearTimeout(holding);
  holding = null;
  arm.classList.remove("holding");
}

function disarm() {
  letGo();
  clearTimeout(armedUntil);
  if (root.dataset.armed !== "true") return;
  root.dataset.armed = "false";
  go.disabled = true;
  find("arm-state").textContent = "";
  root.dispatchEvent(new Event("armed"));
}

arm.addEventListener("pointerdown", (event) => { arm.setPointerCapture(event.pointerId); hold(); });
for (const name of ["pointerup", "pointercancel", "blur"]) arm.addEventListener(name, letGo);
arm.addEventListener("keydown", (event) => {
  if (![" ", "Enter"].includes(event.key)) return;
  event.preventDefault();
  if (!event.repeat) hold();
});
// The key that arms is still down when the other button has the focus: it repeats, and must not press that too.
go.addEventListener("keydown", (event) => { if (event.repeat) event.preventDefault(); });
arm.addEventListener("keyup", (event) => { if ([" ", "Enter"].includes(event.key)) letGo(); });
// Whoever speaks does not lose the button in mid-sentence.
root.addEventListener("speech", ({ detail }) => { if (detail.began) clearTimeout(armedUntil); else disarm(); });

form.addEventListener("submit", (event) => {
  if (root.dataset.armed !== "true") return event.preventDefault();
  form.elements.pressed_ago_ms.value = String(Math.max(0, performance.now() - event.timeStamp));
  clearTimeout(armedUntil);
});

// How long it is on.

setInterval(() => {
  const live = document.querySelector("[data-live]");
  const skew = Number(live.dataset.skew ?? (live.dataset.skew = Date.now() - Number(live.dataset.now)));
  for (const one of document.querySelectorAll("[data-elapsed]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - skew - Number(one.dataset.elapsed)) / 1000));
    one.textContent = `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
  }
}, 250);

update();
