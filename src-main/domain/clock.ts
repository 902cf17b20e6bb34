/** Owns the port of time, so that rules and services can be tested without waiting. */

/** UTC milliseconds. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/** How often a poll, a job and a worker must show that they are alive. */
export const checkupIntervalMs = 5_000;

/** A checkup this old means that its owner is gone: two missed ones and a little slack, so that a dead worker's job runs again within 15 s. */
export const checkupDeadlineMs = 12_000;
