/** Owns reading slipway.yml: from bytes to what it says, or to every problem with its line and column. Runs nothing. */
import { lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { type PipelineFile, pipelineFileNames, pipelineSchema } from '../contract/pipeline.ts';
import { maxProblems, type ParsedPipeline, type PipelineProblem, parsePipelineText } from './parse-pipeline.ts';
import { problemsOf } from './pipeline-problems.ts';

/**
 * A pipeline file is written by hand and a few KiB long. The YAML parser needs seconds for a quarter of a mebibyte that is
 * made to hurt it (anchors, nested brackets), and a fraction of one for this.
 */
const maxFileBytes = 64 * 1024;

/** A pipeline file that is right by itself; what it leaves to detection is filled in by `planOfPipeline`. */
export interface ReadPipeline {
  readonly file: string;
  readonly pipeline: PipelineFile;
  readonly parsed: ParsedPipeline;
}

/**
 * What `slipway.yml` or `slipway.yaml` at `root` says; null where neither is there.
 *
 * Throws `pipeline.invalid` once for all that is wrong, with `details.problems` as `{line, column, message}[]`.
 */
export async function readPipeline(root: string): Promise<ReadPipeline | null> {
  const names: string[] = [];
  for (const name of pipelineFileNames) {
    if (await isPresent(join(root, name))) names.push(name);
  }
  const [file, second] = names;
  if (file === undefined) return null;
  if (second !== undefined) {
    throw invalid(second, [at(1, 1, `the repository also has ${file}; keep one of the two and delete the other`)]);
  }
  return readPipelineText(file, await readBounded(root, file));
}

/** What the text of a pipeline file says. Throws `pipeline.invalid`, as `readPipeline` does. */
export function readPipelineText(file: string, text: string): ReadPipeline {
  const parsed = parsePipelineText(text);
  if (parsed.problems.length > 0) throw invalid(file, parsed.problems);
  const result = pipelineSchema.safeParse(parsed.value);
  if (!result.success) throw invalid(file, problemsOf(result.error.issues, parsed));
  return { file, pipeline: result.data, parsed };
}

async function isPresent(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** The text of a file at `root`, at most 64 KiB. A link is refused: a repository must not make its errors quote a file of the host. */
export async function readBounded(root: string, file: string): Promise<string> {
  const path = join(root, file);
  const facts = await lstat(path);
  if (!facts.isFile()) throw invalid(file, [at(1, 1, 'it is not a regular file; replace it by one')]);
  if (facts.size > maxFileBytes) {
    throw invalid(file, [
      at(1, 1, `it has ${facts.size} bytes, and at most ${maxFileBytes} are read; make it shorter`),
    ]);
  }
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(maxFileBytes);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length));
  } catch (error) {
    if (error instanceof TypeError) throw invalid(file, [at(1, 1, 'it is not UTF-8 text; save it as UTF-8')]);
    throw error;
  } finally {
    await handle.close();
  }
}

function at(line: number, column: number, message: string): PipelineProblem {
  return { line, column, message };
}

/** One error for all that is wrong with a file. */
export function invalid(file: string, problems: readonly PipelineProblem[]): DomainError {
  const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column).slice(0, maxProblems);
  const [first = at(1, 1, 'it cannot be read'), ...others] = sorted;
  const rest =
    others.length === 0 ? '' : ` (and ${others.length} more ${others.length === 1 ? 'problem' : 'problems'})`;
  const message = `${file}, line ${first.line}, column ${first.column}: ${first.message}${rest}`;
  return new DomainError('pipeline.invalid', message, { file, problems: sorted });
}
