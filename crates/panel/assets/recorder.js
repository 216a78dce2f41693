// Records in the browser: level, pause, listen before keeping. What is kept is sent as any other file.
import { append, file, forget, note, recordings } from "./recordings.js";

const SECOND = 48000;
const SILENT_DB = -60;

/** Makes the recorder in `box` work; what is kept goes to `uploads`, where `into()` says. */
export function record(box, uploads, into) {
  const find = (name) => box.querySelector(`[data-${name}]`);
  const words = box.dataset;
  const [begin, pause, end] = [find("begin"), find("hold"), find("end")];
  let live = null;
  let heard = null;
  const sent = new Map();

  begin.addEventListener("click", () => start().catch(failed));
  pause.addEventListener("click", () => {
    live.on = !live.on;
    live.node.port.postMessage(live.on ? "record" : "pause");
    show();
  });
  end.addEventListener("click", stop);
  find("keep").addEventListener("click", async () => {
    const kept = { ...heard, title: find("title").value.trim() || heard.title, into: into(), kept: true };
    await note(kept).catch(failed);
    heard = null;
    show();
    await send(kept);
  });
  find("discard").addEventListener("click", async () => {
    if (!confirm(words.sayDiscard)) return;
    await forget(heard);
    heard = null;
    show();
    offer();
  });
  uploads.addEventListener("ended", async ({ detail }) => {
    const recording = sent.get(detail);
    if (!recording) return;
    if (detail.state === "done") {
      sent.delete(detail);
      await forget(recording).catch(() => {});
    }
  });
  uploads.addEventListener("removed", async ({ detail }) => {
    const recording = sent.get(detail);
    if (!recording) return;
    sent.delete(detail);
    await forget(recording).catch(failed);
  });
  addEventListener("beforeunload", (event) => { if (live) event.preventDefault(); });
  if (!navigator.mediaDevices?.getUserMedia || !window.indexedDB) {
    begin.disabled = true;
    say("trouble", words.sayInsecure);
  }
  recordings(words.by).then(async (all) => {
    for (const recording of all.filter((one) => one.kept)) await send(recording);
    offer();
  }).catch(failed);
  show();

  async function start() {
    say("trouble", "");
    begin.disabled = true;
    // As it is spoken: what the voice needs is done once, when the station prepares the file.
    const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    const context = new AudioContext({ sampleRate: SECOND });
    const begun = Date.now();
    const title = `${words.sayTitle} ${new Date(begun).toLocaleString(document.documentElement.lang).replaceAll("/", "-").replaceAll(":", ".")}`;
    const recording = { begun, title, seconds: 0, kept: false, into: into(), by: words.by };
    try {
      await context.audioWorklet.addModule("/assets/recorder-worklet.js");
      const node = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
      live = { recording, stream, context, node, on: true, waiting: [], count: 0, writing: note(recording) };
      node.port.addEventListener("message", ({ data }) => take(data));
      node.port.start();
      context.createMediaStreamSource(stream).connect(node);
      // A microphone that is pulled out ends it; what was said is there.
      stream.getTracks()[0].addEventListener("ended", stop);
    } catch (error) {
      stream.getTracks().forEach((track) => track.stop());
      throw error;
    }
    show();
  }

  function take({ samples, peak, ended }) {
    if (!live) return;
    if (peak !== undefined) find("level").value = Math.max(0, 1 - (20 * Math.log10(peak + 1e-9)) / SILENT_DB);
    if (samples) {
      live.waiting.push(samples);
      live.count += samples.length;
    }
    const waiting = live.waiting.reduce((sum, block) => sum + block.length, 0);
    if (waiting >= SECOND || (ended && waiting > 0)) write(waiting);
    find("time").textContent = clock(live.count / SECOND);
    if (ended) finish();
    else if (live.count * 2 + 44 + 4 * SECOND > uploads.limits.bytesMax) stop();
  }

  function write(length) {
    const samples = new Int16Array(length);
    let at = 0;
    for (const block of live.waiting) {
      samples.set(block, at);
      at += block.length;
    }
    live.waiting = [];
    const { recording } = live;
    // One after another, so that the parts lie in their order.
    live.writing = live.writing.then(() => append(recording, samples));
    live.writing.catch(failed);
  }

  function stop() {
    live?.node.port.postMessage("end");
  }

  async function finish() {
    const { recording, stream, context, writing } = live;
    live = null;
    stream.getTracks().forEach((track) => track.stop());
    await context.close();
    await writing.catch(failed);
    if (recording.seconds > 0) await hear(recording);
    else await forget(recording);
    show();
  }

  async function hear(recording) {
    heard = recording;
    const sound = find("heard");
    URL.revokeObjectURL(sound.src);
    sound.src = URL.createObjectURL(await file(recording));
    find("title").value = recording.title;
  }

  // What was recorded and neither kept nor thrown away, one after another.
  async function offer() {
    const [left] = (await recordings(words.by)).filter((one) => !one.kept && one.begun !== live?.recording.begun);
    if (left && !heard && !live) {
      await hear(left);
      show();
    }
  }

  async function send(recording) {
    const [one] = uploads.add([await file(recording)], recording.into);
    // It lies nowhere else.
    one.ask = words.sayDiscard;
    sent.set(one, recording);
    offer();
  }

  function show() {
    begin.hidden = Boolean(live) || Boolean(heard);
    begin.disabled = !navigator.mediaDevices?.getUserMedia;
    find("recording").hidden = !live;
    find("review").hidden = !heard;
    pause.textContent = live && !live.on ? words.sayGoOn : words.sayPause;
    box.classList.toggle("on", Boolean(live?.on));
    if (heard) find("length").textContent = clock(heard.seconds);
  }

  function failed(error) {
    const why = { NotAllowedError: words.sayForbidden, NotFoundError: words.sayNone, QuotaExceededError: words.sayFull };
    say("trouble", why[error.name] ?? `${words.sayFailed} ${error.message}`);
    if (error.name === "QuotaExceededError") stop();
    show();
  }

  function say(name, text) {
    find(name).textContent = text;
    find(name).hidden = !text;
  }
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
