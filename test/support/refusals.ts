/** Owns how a test reads what commands say when they refuse: exit code, JSON and words agree, and no stack is shown. */
import { expect } from 'vitest';
import { z } from 'zod';
import { errorViewSchema } from '../../src-main/contract/error-schemas.ts';
import type { ErrorView } from '../../src-main/contract/errors.ts';
import { type CommandOutcome, slipway } from './cli.ts';

const refusalSchema = z.object({ error: errorViewSchema });

export const rowsSchema = z.array(
  z.object({ id: z.string(), name: z.string(), pollError: errorViewSchema.nullable() }),
);
export const jobSchema = z.object({
  number: z.number(),
  status: z.string(),
  attempt: z.number(),
  error: errorViewSchema.nullable(),
});
export type JobResult = z.infer<typeof jobSchema>;

export function expectNoStack({ stdout, stderr }: CommandOutcome): void {
  expect(stdout + stderr).not.toMatch(/\n\s+at .+[:(]|node:internal|\.(?:js|ts):\d+:\d+/);
}

/** The error that the command ends with. */
export async function refusal(args: readonly string[], exitCode = 1): Promise<ErrorView> {
  const outcome = await slipway([...args, '--json']);
  expectNoStack(outcome);
  expect(outcome.exitCode, `${args.join(' ')}: ${outcome.stderr}`).toBe(exitCode);
  const { error } = refusalSchema.parse(JSON.parse(outcome.stdout));
  expect(outcome.stderr).toContain(exitCode === 2 ? '--help' : error.message);
  return error;
}

/** Reads what the engine at `url` (the address that `serve` prints) says under `/api`: for looking often, where a process each time is too slow. */
export async function ask<Result>(schema: z.ZodType<Result>, url: URL, path: string): Promise<Result> {
  const authorization = `Bearer ${url.hash.replace('#token=', '')}`;
  const response = await fetch(new URL(`/api${path}`, url), { headers: { authorization } });
  expect(response.status, path).toBe(200);
  return schema.parse(await response.json());
}

export interface Commands {
  /** The result of a command that succeeds. */
  json<Result>(schema: z.ZodType<Result>, ...args: string[]): Promise<Result>;
  /** The error of a command that fails. */
  refusal(...args: string[]): Promise<ErrorView>;
  /** A job, once it has ended, however it ended. */
  ended(number: number): Promise<JobResult>;
}

/** Commands for the engine of one data folder. */
export function commandsFor(data: string): Commands {
  const inData = (args: readonly string[]) => [...args, '--data', data];
  return {
    async json(schema, ...args) {
      const outcome = await slipway(inData([...args, '--json']));
      expect(outcome.exitCode, `${args.join(' ')}: ${outcome.stderr}`).toBe(0);
      return schema.parse(JSON.parse(outcome.stdout));
    },
    refusal: (...args) => refusal(inData(args)),
    async ended(number) {
      const { stdout } = await slipway(inData(['job', 'wait', String(number), '--json']));
      return jobSchema.parse(JSON.parse(stdout));
    },
  };
}
