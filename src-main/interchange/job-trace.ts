/**
 * Owns a job as an OpenTelemetry trace: its wait, attempts and steps as spans. Names and times alone, nothing that a build printed.
 * Sources: opentelemetry.io/docs/specs/otlp ("JSON Protobuf Encoding": ids in hex, 64-bit numbers as text), and its CI/CD conventions.
 */
import { createHash } from 'node:crypto';
import { listAttempts, listSteps } from '../database/attempts.ts';
import type { JobRecord } from '../database/job-queue.ts';
import { errorFromJson } from '../database/json-column.ts';
import type { Db } from '../database/open-database.ts';
import { findRepository } from '../database/repositories.ts';
import { version } from '../domain/version.ts';

/** The path that collectors take traces under. */
export const tracesPath = '/v1/traces';

const statusOk = 1;
const statusError = 2;
const internalSpan = 1;

type Attributes = Readonly<Record<string, string | number | null>>;

const attributesOf = (values: Attributes) =>
  Object.entries(values).flatMap(([key, value]) =>
    value === null
      ? []
      : [{ key, value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value } }],
  );

const nanoseconds = (ms: number) => `${BigInt(ms) * 1_000_000n}`;

/** 16 bytes in hex: a job's id without its dashes, so that whoever knows the job finds its trace. */
export const traceIdOf = (jobId: string): string => jobId.replaceAll('-', '');

/** 8 bytes in hex, the same each time the trace is told. */
const spanId = (...parts: readonly (string | number)[]) =>
  createHash('sha256').update(parts.join('/')).digest('hex').slice(0, 16);

/** Source: the values of `cicd.pipeline.result` and `cicd.pipeline.task.run.result`. */
const results: Readonly<Record<string, string>> = {
  succeeded: 'success',
  failed: 'failure',
  cancelled: 'cancellation',
  interrupted: 'error',
  lost: 'error',
  skipped: 'skip',
};

interface SpanFacts {
  readonly id: string;
  readonly parent: string | null;
  readonly name: string;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly outcome: string;
  readonly attributes: Attributes;
}

/** The body of an export of one finished job. */
export async function jobTrace(db: Db, job: JobRecord): Promise<string> {
  const repository = await findRepository(db, job.repositoryId);
  const traceId = traceIdOf(job.id);
  const root = spanId(job.id);
  const endedAt = job.finishedAt ?? job.startedAt ?? job.queuedAt;
  const spans: SpanFacts[] = [
    {
      ...{ id: root, parent: null, name: `${repository?.name ?? 'job'} #${job.number}`, startedAt: job.queuedAt },
      ...{ finishedAt: endedAt, outcome: job.status },
      attributes: {
        'cicd.pipeline.name': repository?.name ?? null,
        'cicd.pipeline.run.id': job.id,
        'cicd.pipeline.result': results[job.status] ?? null,
        'vcs.ref.head.revision': job.revision,
        'vcs.ref.head.name': repository?.branch ?? null,
        'slipway.job.number': job.number,
        'slipway.job.trigger': job.trigger,
        'error.type': errorFromJson(job.error)?.code ?? null,
      },
    },
  ];
  const attempts = await listAttempts(db, job.id);
  const firstStart = attempts[0]?.startedAt ?? endedAt;
  spans.push({
    ...{ id: spanId(job.id, 'queue'), parent: root, name: 'queue', startedAt: job.queuedAt },
    ...{ finishedAt: Math.max(job.queuedAt, firstStart), outcome: 'succeeded', attributes: {} },
  });
  for (const { attempt, workerName, startedAt, finishedAt, outcome } of attempts) {
    const id = spanId(job.id, attempt);
    spans.push({
      ...{ id, parent: root, name: `attempt ${attempt}`, startedAt, finishedAt: finishedAt ?? endedAt, outcome },
      attributes: { 'slipway.attempt': attempt, 'cicd.worker.name': workerName },
    });
    for (const step of await listSteps(db, job.id, attempt)) {
      if (step.startedAt === null) continue;
      spans.push({
        ...{ id: spanId(job.id, attempt, step.position), parent: id, name: step.name, startedAt: step.startedAt },
        ...{ finishedAt: step.finishedAt ?? finishedAt ?? endedAt, outcome: step.status },
        attributes: {
          'cicd.pipeline.task.name': step.name,
          'cicd.pipeline.task.run.id': `${job.id}/${attempt}/${step.position}`,
          'cicd.pipeline.task.run.result': results[step.status] ?? null,
          'slipway.step.phase': step.phase,
          'process.exit.code': step.exitCode,
        },
      });
    }
  }
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: attributesOf({ 'service.name': 'slipway', 'service.version': version }) },
        scopeSpans: [
          {
            scope: { name: 'slipway', version },
            spans: spans.map(span => ({
              traceId,
              spanId: span.id,
              ...(span.parent === null ? {} : { parentSpanId: span.parent }),
              name: span.name,
              kind: internalSpan,
              startTimeUnixNano: nanoseconds(span.startedAt),
              endTimeUnixNano: nanoseconds(Math.max(span.startedAt, span.finishedAt)),
              attributes: attributesOf(span.attributes),
              status: { code: ['succeeded', 'skipped'].includes(span.outcome) ? statusOk : statusError },
            })),
          },
        ],
      },
    ],
  });
}
