// A microphone as the head-end wants it: Opus packets of 20 ms, or samples where the browser cannot encode.

const RATE = 48000;
const FRAME = 960;
const OPUS = { codec: "opus", sampleRate: RATE, numberOfChannels: 1, bitrate: 64000, opus: { frameDuration: 20000, application: "audio" } };

export class Microphone {
  // Calls `onLevel` with the peak of each 20 ms, and, while sending, `onPacket` with its bytes.
  static async open({ onLevel, onPacket, onLost }) {
    const wanted = { channelCount: 1, sampleRate: RATE, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
    const context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    await context.audioWorklet.addModule("/assets/voice-worklet.js");
    const microphone = new Microphone();
    Object.assign(microphone, { context, stream, onPacket, sending: false, time: 0 });
    microphone.node = new AudioWorkletNode(context, "voice", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    microphone.node.port.onmessage = ({ data }) => {
      onLevel(data.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0));
      if (microphone.sending) microphone.encode(data);
    };
    context.createMediaStreamSource(stream).connect(microphone.node);
    stream.getAudioTracks()[0].addEventListener("ended", onLost);
    await microphone.makeEncoder();
    await context.resume();
    return microphone;
  }

  async makeEncoder() {
    this.codec = "pcm";
    if (!("AudioEncoder" in window)) return;
    const { supported } = await AudioEncoder.isConfigSupported(OPUS).catch(() => ({ supported: false }));
    if (!supported) return;
    this.encoder = new AudioEncoder({
      output: (chunk) => {
        const packet = new Uint8Array(chunk.byteLength);
        chunk.copyTo(packet);
        this.onPacket(packet);
      },
      error: () => { this.codec = "pcm"; this.encoder = null; },
    });
    this.encoder.configure(OPUS);
    this.codec = "opus";
  }

  encode(frame) {
    if (this.encoder) {
      const data = new AudioData({ format: "f32-planar", sampleRate: RATE, numberOfFrames: FRAME, numberOfChannels: 1, timestamp: this.time, data: frame });
      this.time += 20000;
      this.encoder.encode(data);
      data.close();
    } else {
      const samples = new Int16Array(FRAME);
      frame.forEach((sample, index) => { samples[index] = Math.max(-1, Math.min(1, sample)) * 32767; });
      this.onPacket(samples);
    }
  }

  begin() {
    this.sending = true;
  }

  // Resolves when the last packet was handed over.
  async end() {
    this.sending = false;
    await this.encoder?.flush().catch(() => {});
  }

  mute(muted) {
    this.node.port.postMessage({ muted });
  }
}
