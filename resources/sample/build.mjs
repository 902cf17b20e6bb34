/** Builds dist/: the page, its data, the chart, the foghorn, and the server that shows them. */
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { problemsOf, renderBoard } from './lib/board.mjs';
import { drawChart } from './lib/chart.mjs';
import { soundFoghorn } from './lib/foghorn.mjs';

const harbour = process.env.HARBOUR || 'Skerryvoe';
const isColoured = process.env.FORCE_COLOR && !process.env.NO_COLOR;
const paint = (code, text) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text);

const source = path => new URL(path, import.meta.url);
const target = name => new URL(`./dist/${name}`, import.meta.url);

async function write(name, bytes) {
  await writeFile(target(name), bytes);
  console.log(`${paint(32, '✓')} ${name.padEnd(14)} ${paint(2, `${(bytes.length / 1024).toFixed(1).padStart(8)} KiB`)}`);
}

console.log(`${paint(36, '⚓')} Building the board of ${paint(1, harbour)}`);
const board = JSON.parse(await readFile(source('./data/sailings.json'), 'utf8'));
const problems = problemsOf(board);
if (problems.length > 0) {
  for (const problem of problems) console.error(`${paint(31, '✗')} data/sailings.json: ${problem}`);
  process.exit(1);
}

await rm(target(''), { recursive: true, force: true });
await mkdir(target(''), { recursive: true });
await write('index.html', Buffer.from(renderBoard(await readFile(source('./templates/board.html'), 'utf8'), { harbour, ...board })));
await write('board.json', Buffer.from(`${JSON.stringify({ harbour, ...board }, null, 2)}\n`));
await write('chart.png', drawChart(JSON.parse(await readFile(source('./data/chart.json'), 'utf8'))));
await write('foghorn.wav', soundFoghorn());
await copyFile(source('./templates/board.css'), target('board.css'));
for (const program of ['server.mjs', 'check.mjs']) await copyFile(source(`./${program}`), target(program));
console.log(`${paint(36, '⚓')} ${board.sailings.length} sailings on the board`);
