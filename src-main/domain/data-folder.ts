/** Owns the names of what lies in the data folder. Joins with `/`, which every platform's file calls take. */

export interface DataFolder {
  readonly root: string;
  readonly databaseFile: string;
  readonly lockFile: string;
  readonly hostFile: string;
  /** The token of the host, kept for restarts. */
  readonly hostTokenFile: string;
  readonly engineLog: string;
  /** What the engine's log was before it reached its limit. */
  readonly olderEngineLog: string;
  readonly keys: string;
  /** What ssh servers have shown as their keys. */
  readonly knownHosts: string;
  readonly mainStore: string;
  readonly sample: string;
  mirror(repositoryId: string): string;
  readonly mirrors: string;
  /** A folder for each job. */
  readonly logs: string;
  jobLog(jobId: string, attempt: number): string;
  /** The tests of an attempt, a line of JSON each, and their sum. */
  testList(jobId: string, attempt: number): string;
  testSummary(jobId: string, attempt: number): string;
  readonly homes: string;
  /** The home folder of a repository's isolated builds: caches of its tools, and nothing of the person's. */
  buildHome(repositoryId: string): string;
  readonly caches: string;
  cacheOf(cache: { readonly repositoryId: string; readonly name: string; readonly id: string }): string;
  /** Chunks of artifacts that deltas were made against, each in a file; made anew where they are missing. */
  readonly chunks: string;
  chunksOf(artifactId: string): string;
  readonly work: string;
  workOf(jobId: string, attempt: number): string;
  /** Blobs on their way from one store to another; emptied with `work` at the start. */
  readonly staging: string;
}

export function dataFolder(root: string): DataFolder {
  return {
    root,
    databaseFile: `${root}/slipway.db`,
    lockFile: `${root}/engine.lock`,
    hostFile: `${root}/host.json`,
    hostTokenFile: `${root}/host-token.json`,
    engineLog: `${root}/engine.log`,
    olderEngineLog: `${root}/engine.log.1`,
    keys: `${root}/keys`,
    knownHosts: `${root}/known_hosts`,
    mainStore: `${root}/store`,
    sample: `${root}/sample`,
    mirror: repositoryId => `${root}/mirrors/${repositoryId}.git`,
    mirrors: `${root}/mirrors`,
    logs: `${root}/logs`,
    jobLog: (jobId, attempt) => `${root}/logs/${jobId}/${attempt}.log`,
    testList: (jobId, attempt) => `${root}/logs/${jobId}/${attempt}.tests.jsonl`,
    testSummary: (jobId, attempt) => `${root}/logs/${jobId}/${attempt}.tests.json`,
    homes: `${root}/homes`,
    buildHome: repositoryId => `${root}/homes/${repositoryId}`,
    caches: `${root}/caches`,
    cacheOf: ({ repositoryId, name, id }) => `${root}/caches/${repositoryId}/${name}-${id}`,
    chunks: `${root}/chunks`,
    chunksOf: artifactId => `${root}/chunks/${artifactId}`,
    work: `${root}/work`,
    workOf: (jobId, attempt) => `${root}/work/${jobId}-${attempt}`,
    staging: `${root}/work/staging`,
  };
}
