/** The sea chart, drawn from a seed: the same data always gives the same bytes. */
import { deflateSync } from 'node:zlib';

/** A PNG of the islands, their shallows and the grain of the paper. */
export function drawChart({ seed, width, height, islands }) {
  const random = randomFrom(seed);
  const swell = noiseFrom(random, 24);
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const rise = landAt(x / width, y / height, islands) + swell(x / 40, y / 40) * 0.25 + swell(x / 9, y / 9) * 0.06;
      const grain = random();
      const at = y * (width * 3 + 1) + 1 + x * 3;
      const colour = colourOf(rise);
      for (let channel = 0; channel < 3; channel += 1) {
        rows[at + channel] = Math.min(255, Math.round(colour[channel] + grain * 22));
      }
    }
  }
  return png(width, height, rows);
}

function landAt(x, y, islands) {
  return islands.reduce((highest, island) => {
    const distance = Math.hypot((x - island.x) * 1.4, y - island.y);
    return Math.max(highest, 1 - distance / island.size);
  }, -1);
}

/** From the deep through the shallows and the beach to the hills, in bands as a chart has them. */
function colourOf(rise) {
  if (rise > 0.6) return [122, 138, 92];
  if (rise > 0.3) return [176, 178, 122];
  if (rise > 0.22) return [222, 206, 160];
  if (rise > 0.05) return [158, 205, 214];
  if (rise > -0.35) return [122, 181, 203];
  return [88, 150, 184];
}

/** mulberry32: small, and the same on every machine. */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Smooth noise between -1 and 1 on a grid that repeats after `size`. */
function noiseFrom(random, size) {
  const grid = Array.from({ length: size * size }, () => random() * 2 - 1);
  const at = (x, y) => grid[(y % size) * size + (x % size)];
  const ease = part => part * part * (3 - 2 * part);
  return (x, y) => {
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const [across, down] = [ease(x - left), ease(y - top)];
    const upper = at(left, top) * (1 - across) + at(left + 1, top) * across;
    const lower = at(left, top + 1) * (1 - across) + at(left + 1, top + 1) * across;
    return upper * (1 - down) + lower * down;
  };
}

function png(width, height, rows) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const body = deflateSync(rows, { level: 6 });
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', body), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type, body) {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(body.length, 0);
  frame.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([frame.subarray(0, 4), named, frame.subarray(4)]);
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
