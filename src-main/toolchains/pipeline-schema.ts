/** Owns slipway.yml's JSON Schema for editors, made from the schema that reads the file. */
import { z } from 'zod';
import { pipelineSchema } from '../contract/pipeline.ts';

/** Draft 7, the newest that the YAML language server of most editors reads whole. Ends in a line feed. */
export function pipelineJsonSchema(): string {
  const schema = z.toJSONSchema(pipelineSchema, { target: 'draft-7', io: 'input' });
  return `${JSON.stringify({ ...schema, title: 'slipway.yml' }, null, 2)}\n`;
}
