// Speaking live: a microphone, a socket, and a button that is held or pressed.

import { Microphone } from "/assets/microphone.js";

const root = document.querySelector("[data-speak]");
const box = root.querySelector("[data-talk-box]");
const say = (key) => box.dataset[`say${key[0].toUpperCase()}${key.slice(1)}`] ?? key;
const find = (name) => root.querySelector(`[data-${name}]`);
const state = find("talk-state");
const button = find("talk");
const muteButton = find("mute");
const meter = find("meter");

// How often the monitor lags behind what is said: what comes out of the loudspeakers does not howl.
const MONITOR_S = 3;
// A panel that says nothing for this long while somebody speaks is gone.
const MUTE_MAX_MS = 4000;
// Packets of sound that may wait for the network: 300 ms; and bytes, for packets of silence are small.
const BUFFERED_PACKETS = 15;
const BUFFERED_MIN = 2000;
// For this long a network that was too slow is told of.
const SLOW_MS = 2000;

let microphone = null;
let socket = null;
// Set while a speech is wanted: since the press until the panel says that it is over.
let speech = null;
// When the panel said something last: while somebody speaks it does four times a second.
let toldAt = 0;
// When sound was last dropped because the network takes less than is said.
let slowAt = -Infinity;
let muted = false;

function show(key, what = say(key)) {
  box.dataset.state = key;
  state.textContent = what;
}

// The microphone.

find("open").addEventListener("click", openMicrophone);

async function openMicrophone() {
  if (!navigator.mediaDevices?.getUserMedia) return show("insecure");
  try {
    microphone = await Microphone.open({ onLevel: level, onPacket: send, onLost: () => { end(); close(); } });
  } catch {
    return show("denied");
  }
  find("open").hidden = true;
  find("microphone-state").textContent = say("open");
  connect();
}

// The microphone is gone. What was said with it ends first, and is told of on the socket.
function close() {
  microphone = null;
  if (speech) update();
  else hangUp();
}

function hangUp() {
  const left = socket;
  socket = null;
  left?.close();
  find("open").hidden = false;
  update();
}

let shown = 0;
function level(peak) {
  // Falls slowly, so that people can see it.
  shown = Math.max(peak, shown * 0.93);
  const db = Math.max(-60, 20 * Math.log10(Math.max(shown, 1e-3)));
  meter.firstElementChild.style.setProperty("--level", String(1 + db / 60));
  meter.setAttribute("aria-valuenow", db.toFixed(0));
  meter.classList.toggle("loud", peak > 0.97);
}

// The socket: open as long as the microphone is, so that a press waits for nothing.

function connect() {
  const address = new URL("/live/speak", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  address.searchParams.set("lang", document.documentElement.lang);
  const own = new WebSocket(address);
  socket = own;
  own.binaryType = "arraybuffer";
  show("connecting");
  // One that was hung up has no say in what goes on with another.
  own.addEventListener("open", () => { if (socket === own) { show("ready"); update(); } });
  own.addEventListener("message", ({ data }) => { if (socket === own) take(JSON.parse(data)); });
  own.addEventListener("close", () => { if (socket === own) lose(); });
}

// The connection is gone, or as good as gone.
function lose() {
  const left = socket;
  socket = null;
  left.close();
  const wasSpeaking = speech !== null;
  stop();
  show(wasSpeaking ? "lost" : "connecting");
  if (microphone) setTimeout(() => { if (microphone && !socket) connect(); }, 1000);
}

// A network that breaks without a word leaves the socket open for minutes, and nobody hears what is said into it.
setInterval(() => { if (speech && performance.now() - toldAt > MUTE_MAX_MS) lose(); }, 500);

function send(packet) {
  if (!speech || socket?.readyState !== WebSocket.OPEN) return;
  // What waits here is heard late, and still when the button has long been let go.
  if (socket.bufferedAmount > Math.max(BUFFERED_MIN, BUFFERED_PACKETS * packet.byteLength)) {
    slowAt = performance.now();
    return;
  }
  socket.send(packet);
}

function take(told) {
  toldAt = performance.now();
  if (told.type === "accepted" && speech) {
    speech.accepted = true;
    root.dispatchEvent(new CustomEvent("speech", { detail: { began: true, sessions: told.sessions } }));
  } else if (told.type === "refused") {
    stop();
    show("refused", told.why);
  } else if (told.type === "state" && speech) {
    const on = told.zones.some((zone) => zone.on_air);
    const now = told.heard ? (muted ? "muted" : "heard") : on ? "chime" : "waiting";
    const slow = performance.now() - slowAt < SLOW_MS;
    if (!speech.ending) show(slow ? "slow" : now);
    const sum = (name) => told.zones.reduce((all, zone) => all + zone[name], 0);
    const minutes = `${Math.floor(told.left_s / 60)}:${String(told.left_s % 60).padStart(2, "0")}`;
    find("talk-counts").textContent = `${sum("sounding")}/${sum("all")} ${say("sounding")} · ${say("left")} ${minutes}`;
    for (const zone of told.zones) {
      const place = root.querySelector(`[data-audience="${CSS.escape(zone.code)}"]`);
      if (place) place.textContent = `${zone.sounding}/${zone.all}`;
    }
  } else if (told.type === "ended") {
    const again = speech?.again;
    stop();
    show(told.why);
    if (again) begin(again);
  }
}

// The button.

const latched = () => root.querySelector("[name=latched]")?.checked ?? false;

function begin(pressed) {
  // Pressed again before the end was told: it begins when it is.
  if (speech?.ending) speech.again = pressed;
  if (speech || root.dataset.armed === "false" || !microphone || socket?.readyState !== WebSocket.OPEN) return;
  const form = new FormData(find("wish"));
  const zones = form.getAll("zone");
  if (!zones.length) return show("nowhere");
  speech = { accepted: false, ending: false, again: null };
  toldAt = performance.now();
  const wish = {
    type: "start",
    zones,
    title: form.get("title") ?? "",
    class: root.dataset.class,
    chime: form.has("chime"),
    limit_s: Math.max(1, Number(form.get("limit_min"))) * 60,
    drill: root.dataset.drill === "true",
    codec: microphone.codec,
    pressed_ago_ms: performance.now() - pressed,
  };
  socket.send(JSON.stringify(wish));
  microphone.begin();
  update();
}

async function end() {
  if (!speech) return;
  speech.again = null;
  if (speech.ending) return;
  speech.ending = true;
  await microphone?.end();
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "end" }));
}

function stop() {
  const began = speech?.accepted;
  speech = null;
  microphone?.end();
  mute(false);
  find("talk-counts").textContent = "";
  if (microphone) update();
  else hangUp();
  if (began) root.dispatchEvent(new CustomEvent("speech", { detail: { began: false } }));
}

function update() {
  const ready = microphone && socket?.readyState === WebSocket.OPEN;
  // Where a button has to be armed first, it is not ready before; and it stays while somebody speaks.
  button.disabled = !ready || (root.dataset.armed === "false" && !speech);
  muteButton.disabled = !ready;
  button.classList.toggle("on", speech !== null);
  button.setAttribute("aria-pressed", String(speech !== null));
  const word = speech && latched() ? "release" : latched() ? "latch" : "hold";
  for (const name of ["hold", "latch", "release"]) find(name).hidden = name !== word;
}

button.addEventListener("pointerdown", (event) => {
  if (latched() || event.button !== 0) return;
  button.setPointerCapture(event.pointerId);
  begin(performance.now());
});
for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
  button.addEventListener(name, () => { if (!latched()) end(); });
}
button.addEventListener("click", () => {
  if (!latched()) return;
  if (speech && !speech.ending) end();
  else begin(performance.now());
});
button.addEventListener("keydown", (event) => {
  if (latched() || event.repeat || ![" ", "Enter"].includes(event.key)) return;
  event.preventDefault();
  begin(performance.now());
});
button.addEventListener("keyup", (event) => {
  if (!latched() && [" ", "Enter"].includes(event.key)) end();
});
// Who looks elsewhere does not hold the button any more.
button.addEventListener("blur", () => { if (!latched()) end(); });
window.addEventListener("blur", () => { if (!latched()) end(); });
document.addEventListener("visibilitychange", () => { if (document.hidden && !latched()) end(); });
window.addEventListener("pagehide", end);
root.addEventListener("armed", update);
root.querySelector("[name=latched]")?.addEventListener("change", update);

// A cough is not for everybody.

function mute(wanted) {
  muted = wanted;
  microphone?.mute(wanted);
  muteButton.setAttribute("aria-pressed", String(wanted));
}

muteButton.addEventListener("click", () => mute(!muted));

// The monitor: what goes out, late enough not to howl.

let monitor = null;
find("monitor").addEventListener("change", ({ target }) => {
  monitor?.player.pause();
  monitor?.context.close();
  monitor = null;
  const zone = new FormData(find("wish")).get("zone");
  if (!target.checked || !zone) return;
  const player = new Audio(`/zones/${encodeURIComponent(zone)}/listen.opus?from=${Date.now()}`);
  const context = new AudioContext();
  const delay = new DelayNode(context, { delayTime: MONITOR_S, maxDelayTime: MONITOR_S });
  context.createMediaElementSource(player).connect(delay).connect(context.destination);
  player.play().catch(() => { target.checked = false; });
  monitor = { player, context };
});

update();
