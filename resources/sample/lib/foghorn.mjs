/** The foghorn: two low notes with a breath of steam, as a WAV file. */

const sampleRate = 22_050;
const seconds = 6;

/** 16-bit mono; made of whole numbers and sines of small arguments, so the same bytes everywhere. */
export function soundFoghorn() {
  const samples = sampleRate * seconds;
  const sound = Buffer.alloc(44 + samples * 2);
  writeHeader(sound, samples);
  let steam = 1;
  for (let index = 0; index < samples; index += 1) {
    steam = (Math.imul(steam, 1_103_515_245) + 12_345) & 0x7fffffff;
    const time = index / sampleRate;
    const note = time < 3 ? 87.31 : 65.41;
    const within = (time % 3) / 3;
    const loudness = Math.min(1, within * 12, (1 - within) * 3);
    const tone = Math.sin(2 * Math.PI * note * time) + 0.5 * Math.sin(4 * Math.PI * note * time);
    const breath = ((steam >> 16) / 16_384 - 1) * 0.06;
    sound.writeInt16LE(Math.round((tone * 0.45 + breath) * loudness * 24_000), 44 + index * 2);
  }
  return sound;
}

function writeHeader(sound, samples) {
  sound.write('RIFF', 0, 'latin1');
  sound.writeUInt32LE(36 + samples * 2, 4);
  sound.write('WAVEfmt ', 8, 'latin1');
  sound.writeUInt32LE(16, 16);
  sound.writeUInt16LE(1, 20);
  sound.writeUInt16LE(1, 22);
  sound.writeUInt32LE(sampleRate, 24);
  sound.writeUInt32LE(sampleRate * 2, 28);
  sound.writeUInt16LE(2, 32);
  sound.writeUInt16LE(16, 34);
  sound.write('data', 36, 'latin1');
  sound.writeUInt32LE(samples * 2, 40);
}
