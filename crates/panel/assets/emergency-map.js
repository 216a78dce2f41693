// Receivers on a map, chosen by a line drawn around them.

// Pixels of the screen: a finger trembles as much on a small map as on a large one.
const STEP = 3;
const TAP = 8;
const NEAR = 24;

// Calls `chosen` with the zone of each receiver inside a line that was drawn; `mark` shows which of them are meant.
export function map(figure, chosen) {
  const svg = figure.querySelector("svg");
  const line = figure.querySelector("[data-line]");
  const button = figure.querySelector("[data-draw]");
  const dots = [...figure.querySelectorAll("[data-zone]")].map((element) => {
    const { cx, cy } = element.querySelector("circle");
    return { element, zone: element.dataset.zone, x: cx.baseVal.value, y: cy.baseVal.value };
  });
  let points = null;
  let pointer = null;

  const isOn = () => button.getAttribute("aria-pressed") === "true";
  button.addEventListener("click", () => button.setAttribute("aria-pressed", String(!isOn())));
  const pixels = (length) => length / svg.getScreenCTM().a;
  const place = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const draw = () => line.setAttribute("d", points ? `M${points.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z` : "");

  svg.addEventListener("pointerdown", (event) => {
    if (!isOn() || points || event.button !== 0) return;
    pointer = event.pointerId;
    svg.setPointerCapture(pointer);
    points = [place(event)];
  });
  svg.addEventListener("pointermove", (event) => {
    if (!points || event.pointerId !== pointer) return;
    const point = place(event);
    const last = points[points.length - 1];
    if (Math.hypot(point.x - last.x, point.y - last.y) < pixels(STEP)) return;
    points.push(point);
    draw();
  });
  svg.addEventListener("pointerup", (event) => {
    if (!points || event.pointerId !== pointer) return;
    const drawn = points;
    points = null;
    draw();
    const inside = isTap(drawn, pixels(TAP)) ? nearest(dots, drawn[0], pixels(NEAR)) : dots.filter((dot) => encloses(drawn, dot));
    chosen(inside.map((dot) => dot.zone));
  });
  svg.addEventListener("pointercancel", (event) => {
    if (event.pointerId !== pointer) return;
    points = null;
    draw();
  });

  return { mark(isMeant) { for (const { element, zone } of dots) element.classList.toggle("meant", isMeant(zone)); } };
}

function isTap(points, reach) {
  return points.every(({ x, y }) => Math.hypot(x - points[0].x, y - points[0].y) < reach);
}

function nearest(dots, { x, y }, reach) {
  const far = (dot) => Math.hypot(dot.x - x, dot.y - y);
  const near = dots.filter((dot) => far(dot) < reach).sort((one, other) => far(one) - far(other));
  return near.slice(0, 1);
}

// The line goes round it, however often: as the area is filled.
function encloses(points, { x, y }) {
  let rounds = 0;
  points.forEach((a, index) => {
    const b = points[(index + 1) % points.length];
    const crosses = (a.y > y) !== (b.y > y) && x < a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x);
    if (crosses) rounds += b.y > a.y ? 1 : -1;
  });
  return rounds !== 0;
}
