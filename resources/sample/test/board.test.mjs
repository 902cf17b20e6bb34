import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { problemsOf, renderBoard } from '../lib/board.mjs';

const sailing = { time: '07:15', ship: 'Morning Star', to: 'Sandwick', pier: 3, status: 'on time' };

test('the data can be shown', async () => {
  const data = JSON.parse(await readFile(new URL('../data/sailings.json', import.meta.url), 'utf8'));
  assert.deepEqual(problemsOf(data), []);
});

test('the earliest ship stands first', () => {
  const early = { ...sailing, time: '06:00', ship: 'Guillemot' };
  const page = renderBoard('{{rows}}', { harbour: 'Skerryvoe', sailings: [sailing, early] });
  assert.ok(page.indexOf('Guillemot') < page.indexOf('Morning Star'));
});

test('a name is text, whatever it holds', () => {
  const page = renderBoard('{{rows}}', { harbour: 'Skerryvoe', sailings: [{ ...sailing, ship: '<b>Kraken</b>' }] });
  assert.ok(page.includes('&lt;b&gt;Kraken'));
});

test('a cancelled ship does not count', () => {
  const cancelled = { ...sailing, status: 'cancelled' };
  assert.equal(renderBoard('{{count}}', { harbour: 'Skerryvoe', sailings: [sailing, cancelled] }), '1');
});

test('a wrong time is told', () => {
  assert.deepEqual(problemsOf({ sailings: [{ ...sailing, time: '25:00' }] }), ['sailing 1 has no time like 07:15']);
});
