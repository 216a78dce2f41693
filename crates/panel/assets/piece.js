// A piece: its wave, where it plays, and the ends of a cut, by pointer, by key or as numbers.

const piece = document.getElementById("piece");
const seconds = Number(piece.dataset.seconds);
const wave = piece.querySelector("[data-wave]");
const sound = piece.querySelector("[data-sound]");
const form = document.querySelector("[data-cut]");
const [start, end] = form ? [form.elements.start, form.elements.end] : [null, null];
let peaks = [];
let stopAt = null;
let dragged = null;

fetch(`/library/${piece.dataset.hash}/peaks`)
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(answer.statusText))))
  .then((read) => {
    ({ peaks } = read);
    draw();
  })
  .catch(() => { piece.querySelector("[data-wave-failed]").hidden = false; });

function draw() {
  const [width, height] = [wave.clientWidth, wave.clientHeight];
  const scale = window.devicePixelRatio || 1;
  wave.width = width * scale;
  wave.height = height * scale;
  const pen = wave.getContext("2d");
  pen.scale(scale, scale);
  const colours = getComputedStyle(document.documentElement);
  const colour = (name) => colours.getPropertyValue(`--${name}`);
  const [from, to] = form ? [at(Number(start.value)), at(Number(end.value))] : [0, width];
  for (let x = 0; x < width; x += 1) {
    const first = Math.floor((x / width) * peaks.length);
    const last = Math.max(first + 1, Math.floor(((x + 1) / width) * peaks.length));
    const peak = peaks.slice(first, last).reduce((most, one) => Math.max(most, one), 0) / 255;
    pen.fillStyle = colour(x >= from && x <= to ? "brand" : "edge");
    pen.fillRect(x, (height - Math.max(1, peak * height)) / 2, 1, Math.max(1, peak * height));
  }
  pen.fillStyle = colour("ink");
  if (form) for (const x of [from, to]) pen.fillRect(Math.min(width - 2, Math.max(0, x - 1)), 0, 2, height);
  pen.fillStyle = colour("live");
  pen.fillRect(at(sound.currentTime), 0, 2, height);
}

function at(time) {
  return (time / seconds) * wave.clientWidth;
}

function timeOf(event) {
  const place = (event.clientX - wave.getBoundingClientRect().left) / wave.clientWidth;
  return Math.min(1, Math.max(0, place)) * seconds;
}

// Near an end of the cut the pointer takes that, anywhere else it sets the playing place.
wave.addEventListener("pointerdown", (event) => {
  wave.setPointerCapture(event.pointerId);
  const near = (field) => field && Math.abs(at(Number(field.value)) - at(timeOf(event))) < 12;
  dragged = [start, end].find(near) ?? sound;
  move(event);
});
wave.addEventListener("pointermove", (event) => { if (dragged) move(event); });
for (const over of ["pointerup", "pointercancel"]) wave.addEventListener(over, () => { dragged = null; });

function move(event) {
  if (dragged === sound) sound.currentTime = timeOf(event);
  else dragged.value = timeOf(event).toFixed(2);
  draw();
}

sound.addEventListener("timeupdate", () => {
  if (stopAt !== null && sound.currentTime >= stopAt) {
    sound.pause();
    stopAt = null;
  }
  draw();
});
sound.addEventListener("seeked", draw);
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

if (form) {
  form.addEventListener("input", draw);
  for (const button of form.querySelectorAll("[data-here]")) {
    button.addEventListener("click", () => {
      form.elements[button.dataset.here].value = sound.currentTime.toFixed(2);
      draw();
    });
  }
  form.querySelector("[data-try]").addEventListener("click", () => {
    sound.currentTime = Number(start.value);
    stopAt = Number(end.value);
    sound.play().catch(() => { stopAt = null; });
  });
}
