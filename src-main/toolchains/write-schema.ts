/** Owns writing the JSON Schema of slipway.yml into resources: `node src-main/toolchains/write-schema.ts`. */
import { writeFile } from 'node:fs/promises';
import { pipelineJsonSchema } from './pipeline-schema.ts';

/** One for editors, and one that the sample project carries with it. */
const targets = ['slipway.schema.json', 'sample/slipway.schema.json'];

for (const target of targets) {
  await writeFile(new URL(`../../resources/${target}`, import.meta.url), pipelineJsonSchema());
}
