/** Owns the queue as its rules say it is, in memory and without any cleverness: what the real one is compared with. */
import type { JobStatus, Trigger } from '../../src-main/contract/views/job.ts';
import { maxLostAttempts } from '../../src-main/domain/job-states.ts';

export interface ModelRepository {
  readonly id: string;
  concurrency: number;
  supersede: boolean;
  retryLimit: number;
}

export interface ModelJob {
  readonly number: number;
  readonly id: string;
  readonly repository: ModelRepository;
  readonly trigger: Trigger;
  readonly revision: string;
  readonly priority: boolean;
  status: JobStatus;
  attempt: number;
  worker: string | null;
  notBefore: number;
  retries: number;
  lost: number;
  cancelRequested: boolean;
}

const byNumber = (a: ModelJob, b: ModelJob) => a.number - b.number;

export class QueueModel {
  readonly jobs: ModelJob[] = [];

  waiting(repository?: ModelRepository): ModelJob[] {
    return this.jobs
      .filter(job => job.status === 'queued' && (repository === undefined || job.repository === repository))
      .sort(byNumber);
  }

  running(repository: ModelRepository): ModelJob[] {
    return this.jobs.filter(job => job.status === 'running' && job.repository === repository);
  }

  /** Whether a waiting job is served before the lines that are not lifted. */
  isLifted(job: ModelJob): boolean {
    return this.waiting(job.repository).some(other => other.priority && other.number >= job.number);
  }

  /** Every waiting job as it would be served if each took no time and none had to wait for its time. */
  order(): ModelJob[] {
    const waiting = this.waiting();
    return [...waiting.filter(job => this.isLifted(job)), ...waiting.filter(job => !this.isLifted(job))];
  }

  next(now: number): ModelJob | null {
    return (
      this.order().find(
        job =>
          this.waiting(job.repository)[0] === job &&
          job.notBefore <= now &&
          this.running(job.repository).length < job.repository.concurrency,
      ) ?? null
    );
  }

  add(job: Pick<ModelJob, 'number' | 'id' | 'repository' | 'trigger' | 'revision' | 'priority'>, now: number): void {
    const [head] = this.waiting(job.repository);
    if (job.trigger === 'manual' && head && head.notBefore > now) head.notBefore = 0;
    const fresh = { attempt: 0, worker: null, notBefore: 0, retries: 0, lost: 0, cancelRequested: false } as const;
    this.jobs.push({ ...job, ...fresh, status: 'queued' });
    if (job.trigger === 'manual' || !job.repository.supersede) return;
    for (const older of this.waiting(job.repository)) {
      if (older.number < job.number && older.trigger !== 'manual') this.end(older, 'cancelled');
    }
  }

  claim(job: ModelJob, worker: string): void {
    Object.assign(job, { status: 'running', attempt: job.attempt + 1, worker, notBefore: 0, cancelRequested: false });
  }

  end(job: ModelJob, status: JobStatus): void {
    Object.assign(job, { status, worker: null, notBefore: 0 });
  }

  fail(job: ModelJob, mayPass: boolean): void {
    const isRetried = mayPass && !job.cancelRequested && job.retries < job.repository.retryLimit;
    this.end(job, isRetried ? 'queued' : 'failed');
    if (isRetried) job.retries += 1;
  }

  lose(job: ModelJob): void {
    const status = job.cancelRequested ? 'cancelled' : job.lost + 1 >= maxLostAttempts ? 'failed' : 'queued';
    this.end(job, status);
    job.lost += 1;
  }

  /** False where there is nothing to cancel. */
  cancel(job: ModelJob): boolean {
    if (job.status === 'queued') this.end(job, 'cancelled');
    else if (job.status === 'running') job.cancelRequested = true;
    else if (job.status !== 'cancelled') return false;
    return true;
  }

  /** False where there is nothing to try again. */
  retry(job: ModelJob, now: number): boolean {
    if (job.status === 'queued' && job.notBefore > now) Object.assign(job, { notBefore: 0, retries: 0 });
    else if (job.status === 'failed' || job.status === 'cancelled' || job.status === 'interrupted') {
      Object.assign(job, { status: 'queued', lost: 0, retries: 0, notBefore: 0, cancelRequested: false });
    } else return false;
    return true;
  }
}
