/** Owns the variable by which a worker and the processes of its steps are found when the worker's engine, or the worker, is gone. */

export const workerVariable = 'SLIPWAY_WORKER';

/** As it stands in an environment: `SLIPWAY_WORKER=<id>`. */
export function workerAssignment(workerId: string): string {
  return `${workerVariable}=${workerId}`;
}
