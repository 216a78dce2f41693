// Keeps recordings in the browser, second by second, until the station has them: a closed page, an empty battery or a
// dropped connection loses at most the last second.

const RATE = 48000;
const opened = open();

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("loa-recordings", 1);
    request.addEventListener("upgradeneeded", () => {
      request.result.createObjectStore("recordings", { keyPath: "begun" });
      request.result.createObjectStore("parts", { autoIncrement: true }).createIndex("recording", "begun");
    });
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}

async function act(mode, work) {
  const transaction = (await opened).transaction(["recordings", "parts"], mode);
  const done = new Promise((resolve, reject) => {
    transaction.addEventListener("complete", resolve);
    for (const event of ["error", "abort"]) transaction.addEventListener(event, () => reject(transaction.error));
  });
  const request = work(transaction.objectStore("recordings"), transaction.objectStore("parts"));
  await done;
  return request?.result;
}

/**
 * Somebody's recordings that the station does not have yet: `begun`, `by`, `title`, `into`, `seconds`, `kept`. Those of
 * others who use this browser wait for their own login.
 */
export async function recordings(by) {
  const all = await act("readonly", (all) => all.getAll());
  return all.filter((one) => one.by === by);
}

/** Writes down what is known of a recording. */
export function note(recording) {
  return act("readwrite", (all) => all.put(recording));
}

/** Adds samples to the end of a recording. */
export function append(recording, samples) {
  recording.seconds += samples.length / RATE;
  return act("readwrite", (all, parts) => {
    all.put(recording);
    return parts.add({ begun: recording.begun, samples });
  });
}

/** Throws a recording away. */
export function forget({ begun }) {
  return act("readwrite", (all, parts) => {
    all.delete(begun);
    const cursor = parts.index("recording").openKeyCursor(IDBKeyRange.only(begun));
    cursor.addEventListener("success", () => {
      if (!cursor.result) return;
      parts.delete(cursor.result.primaryKey);
      cursor.result.continue();
    });
  });
}

/** Returns a recording as a WAV file: 48 kHz, mono, 16 bit. */
export async function file({ begun, title }) {
  const parts = await act("readonly", (_, all) => all.index("recording").getAll(IDBKeyRange.only(begun)));
  const sound = parts.map((part) => part.samples);
  const bytes = sound.reduce((sum, samples) => sum + samples.byteLength, 0);
  const head = new DataView(new ArrayBuffer(44));
  const text = (at, word) => [...word].forEach((letter, n) => head.setUint8(at + n, letter.charCodeAt(0)));
  text(0, "RIFF");
  head.setUint32(4, 36 + bytes, true);
  text(8, "WAVEfmt ");
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true);
  head.setUint16(22, 1, true);
  head.setUint32(24, RATE, true);
  head.setUint32(28, RATE * 2, true);
  head.setUint16(32, 2, true);
  head.setUint16(34, 16, true);
  text(36, "data");
  head.setUint32(40, bytes, true);
  return new File([head, ...sound], `${title}.wav`, { type: "audio/wav", lastModified: begun });
}
