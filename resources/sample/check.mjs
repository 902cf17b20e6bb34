/** Whether the release that this file lies in is whole: exit code 0, or 1 with the reason. */
import { readFile } from 'node:fs/promises';

const read = name => readFile(new URL(name, import.meta.url));

try {
  const { harbour, sailings } = JSON.parse(await read('board.json'));
  const page = await read('index.html');
  if (sailings.length === 0) throw new Error('there are no sailings on the board');
  for (const { ship } of sailings) {
    if (!page.includes(ship)) throw new Error(`the page does not show ${ship}`);
  }
  if ((await read('chart.png')).toString('latin1', 1, 4) !== 'PNG') throw new Error('chart.png is no picture');
  if ((await read('foghorn.wav')).toString('latin1', 0, 4) !== 'RIFF') throw new Error('foghorn.wav is no sound');
  console.log(`${harbour}: ${sailings.length} sailings, chart and foghorn are in place`);
} catch (error) {
  console.error(`The board is not whole: ${error.message}`);
  process.exit(1);
}
