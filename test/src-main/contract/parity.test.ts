import { readdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ContractProcedure } from '@orpc/contract';
import { OpenAPIGenerator } from '@orpc/openapi';
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4';
import { expect, it } from 'vitest';
import { api } from '../../../src-main/contract/api.ts';

const cliFolder = resolve(import.meta.dirname, '../../../src-main/cli');

/** Calls that no command makes, and why a person at a terminal lacks nothing. A new call needs a command, or a line here. */
const withoutCommand: Readonly<Record<string, string>> = {
  'builds.components': 'a page of the document that `slipway sbom` gives whole',
  'events.subscribe': '`slipway events --follow` shows the same events, read from the list',
};
/** Commands that are made in a loop over verbs. */
const byVerb: Readonly<Record<string, string>> = {
  'jobs.cancel': 'client.jobs[verb](',
  'jobs.retry': 'client.jobs[verb](',
};

interface Call {
  readonly name: string;
  readonly place: string;
  readonly summary: string | undefined;
}

/** `jobs.cancel` and the like. */
function callsOf(router: object, path: readonly string[] = []): Call[] {
  return Object.entries(router).flatMap(([key, value]: [string, unknown]) => {
    const below = [...path, key];
    if (value instanceof ContractProcedure) {
      const { method, path: place, summary } = value['~orpc'].route;
      return [{ name: below.join('.'), place: `${method} ${place}`, summary }];
    }
    return typeof value === 'object' && value !== null ? callsOf(value, below) : [];
  });
}

const all = callsOf(api);

it('every call of the contract has a command, or a reason for none', async () => {
  const names = (await readdir(cliFolder, { recursive: true })).filter(name => name.endsWith('.ts'));
  const texts = await Promise.all(names.map(name => readFile(resolve(cliFolder, name), 'utf8')));
  const source = texts.join('\n').replace(/\s+/g, '');
  const missing = all.map(({ name }) => name).filter(name => !source.includes(byVerb[name] ?? `client.${name}(`));
  expect(missing.toSorted()).toEqual(Object.keys(withoutCommand).toSorted());
});

it('every call of the contract is in the OpenAPI document, at a place of its own, with words', async () => {
  const generator = new OpenAPIGenerator({ schemaConverters: [new ZodToJsonSchemaConverter()] });
  const document = await generator.generate(api, { info: { title: 'Slipway', version: '0' } });
  const described = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods ?? {}).map(([method, operation]) => ({
      place: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  );
  const places = all.map(({ place }) => place);
  expect(new Set(places).size).toBe(all.length);
  expect(described.map(({ place }) => place).toSorted()).toEqual(places.toSorted());
  expect(all.filter(({ summary }) => !summary)).toEqual([]);
});
