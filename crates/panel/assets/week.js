// Drags in the week's grid. A drop leads to the form of the change, which shows the consequence and saves nothing by
// itself. The list below the grid does the same with the keyboard.

const SNAP_S = 300;
const EDGE_PX = 7;
const MOVED_PX = 4;
let held = null;

for (const block of document.querySelectorAll("a.block")) {
  block.addEventListener("dragstart", (event) => event.preventDefault());
  block.addEventListener("pointerdown", (event) => take(block, event));
  // The click after a drag is none.
  block.addEventListener("click", (event) => { if (block.dataset.dragged) event.preventDefault(); });
}
document.addEventListener("pointermove", carry);
document.addEventListener("pointerup", drop);
document.addEventListener("pointercancel", leave);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") leave(); });

function take(block, event) {
  // Fingers scroll.
  if (event.button !== 0 || event.pointerType === "touch") return;
  const body = block.querySelector("rect");
  const box = body.getBoundingClientRect();
  held = {
    block,
    body,
    grid: block.closest("svg.lanes"),
    from: { x: event.clientX, y: event.clientY },
    isEdge: box.width > 2 * EDGE_PX && box.right - event.clientX < EDGE_PX,
    ghost: null,
  };
  delete block.dataset.dragged;
  event.preventDefault();
}

function carry(event) {
  if (!held) return;
  const { from, block, body, grid, isEdge } = held;
  const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
  if (!held.ghost) {
    if (Math.hypot(dx, dy) < MOVED_PX) return;
    block.dataset.dragged = "yes";
    held.ghost = body.cloneNode();
    held.ghost.setAttribute("class", "ghost");
    grid.append(held.ghost);
    held.text = document.createElementNS("http://www.w3.org/2000/svg", "text");
    held.text.setAttribute("class", "ghost");
    grid.append(held.text);
  }
  const scale = scaleOf(grid);
  const [x, y, width] = ["x", "y", "width"].map((name) => Number(body.getAttribute(name)));
  const wanted = read(event);
  if (isEdge) {
    held.ghost.setAttribute("width", Math.max(2, width + dx / scale));
  } else {
    held.ghost.setAttribute("x", x + dx / scale);
    held.ghost.setAttribute("y", y + dy / scale);
  }
  held.text.textContent = wanted ? told(wanted) : "";
  held.text.setAttribute("x", Math.max(0, x + dx / scale));
  held.text.setAttribute("y", Math.max(10, y + dy / scale - 4));
}

function drop(event) {
  if (!held) return;
  const { block, ghost } = held;
  const wanted = ghost ? read(event) : null;
  leave();
  if (!wanted) {
    if (ghost) setTimeout(() => { delete block.dataset.dragged; });
    return;
  }
  const to = new URL(block.getAttribute("href"), location.href);
  for (const [name, value] of Object.entries(wanted)) to.searchParams.set(name, value);
  location.assign(to);
}

function leave() {
  held?.ghost?.remove();
  held?.text?.remove();
  held = null;
}

// What a drop here would ask for; null where it means nothing.
function read(event) {
  const { block, grid, from, isEdge } = held;
  const scale = scaleOf(grid);
  const seconds = snapped(((event.clientX - from.x) / scale) / perSecond(grid));
  if (isEdge) {
    const length = Math.max(60, Number(block.dataset.length) + seconds);
    return { deed: "resize", minutes: clock(length, true) };
  }
  const copying = event.ctrlKey || event.altKey;
  const over = document.elementsFromPoint(event.clientX, event.clientY).find((one) => one.matches?.("svg.lanes")) ?? grid;
  if (over !== grid && !copying) return null;
  const at = (event.clientY - over.getBoundingClientRect().top) / scaleOf(over);
  const lane = [...over.querySelectorAll(".lane")].find((one) => {
    const [y, height] = [Number(one.dataset.y), Number(one.dataset.height)];
    return at >= y && at < y + height;
  });
  const start = Number(block.dataset.start) + seconds;
  if (!lane || start < 0 || start >= 86400) return null;
  const wanted = { deed: copying ? "copy" : "move", to_date: lane.dataset.date, to_time: clock(start) };
  if (copying && over !== grid) wanted.to_zone = over.dataset.zone;
  return wanted;
}

function told(wanted) {
  return wanted.deed === "resize" ? wanted.minutes : `${wanted.to_date.slice(8)}/${wanted.to_date.slice(5, 7)} ${wanted.to_time}`;
}

function snapped(seconds) {
  return Math.round(seconds / SNAP_S) * SNAP_S;
}

function scaleOf(grid) {
  return grid.getBoundingClientRect().width / grid.viewBox.baseVal.width;
}

// Units of the drawing in a second of the day: two lines of hours tell.
function perSecond(grid) {
  const [first, second] = [...grid.querySelectorAll("line.hour")].map((line) => Number(line.getAttribute("x1")));
  return (second - first) / 3600;
}

function clock(seconds, isLength = false) {
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  if (isLength) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  const text = `${two(seconds / 3600)}:${two((seconds / 60) % 60)}`;
  return seconds % 60 ? `${text}:${two(seconds % 60)}` : text;
}
