/**
 * Owns one look of an agent in a process of its own, as `slipway agent --once` does it. Reads its options as JSON from its argument; says
 * that it begins, and what came of it.
 */
import { flushCompileCache } from 'node:module';
import { createAgent } from '../../../src-main/agent/agent.ts';
import { createFilesystemStore } from '../../../src-main/stores/filesystem-store.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';

const { storeFolder, ...options } = JSON.parse(process.argv[2] ?? '{}');
const agent = createAgent({
  ...options,
  stores: [createFilesystemStore(storeFolder)],
  swarm: null,
  logger: silentLogger,
  now: () => 1_500,
});
// At the end it would be too late.
flushCompileCache();
console.log('begins');
try {
  console.log(JSON.stringify(await agent.runOnce()));
} finally {
  await agent.stop();
}
