/** Owns the variable by which the processes of a worker's steps are found when the worker itself is gone. */

export const workerVariable = 'SLIPWAY_WORKER';

/** As it stands in an environment: `SLIPWAY_WORKER=<id>`. */
export function workerAssignment(workerId: string): string {
  return `${workerVariable}=${workerId}`;
}
