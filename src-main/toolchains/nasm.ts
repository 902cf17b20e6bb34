/** Owns how a plain NASM program is recognised, assembled and linked. */
import type { Plan, ToolRequirement } from '../contract/plan.ts';
import { detectedStep, lineOf, type ProjectTree, shellWord, wholeTree } from './project-tree.ts';

const maxSources = 50;
/** What the GNU assembler writes and NASM does not: dotted directives, registers with a per cent sign. */
const gnuSyntax = /^\s*\.(?:globl|global|section|text|data|type|intel_syntax)\b|%[re]?[abcd]x\b|%r\d|%[re]?[sd]i\b/m;
const nasmSyntax = /^\s*(?:section|segment|global|extern|bits|org|default\s+rel|%(?:define|macro|include))\b/im;

interface Source {
  readonly file: string;
  readonly text: string;
}

/**
 * Assembly files in NASM syntax at the root or in src/, and no Makefile: `_start` is linked by ld, `main` by cc, and a file
 * with `org` becomes a flat binary. Linux only where something is linked, since the object format is Linux's.
 */
export async function detectNasm(tree: ProjectTree): Promise<Plan | null> {
  const sources = await sourcesOf(tree);
  const [first] = sources;
  if (first === undefined) return null;
  const entry = (pattern: RegExp) => sources.find(({ text }) => pattern.test(text));
  const start = entry(/^\s*global\s+(?:[\w$]+\s*,\s*)*_start\b/im);
  const main = entry(/^\s*global\s+(?:[\w$]+\s*,\s*)*main\b/im);
  if (start === undefined && main === undefined) return flatPlan(tree, sources);
  if (tree.platform !== 'linux') return null;
  const entrySource = start ?? main ?? first;
  return linkedPlan(tree, sources, entrySource, start === undefined ? 'cc' : 'ld');
}

async function sourcesOf(tree: ProjectTree): Promise<Source[]> {
  const files = tree.files.filter(path => /^(?:src\/)?[^/]+\.(?:asm|nasm|s)$/i.test(path)).slice(0, maxSources);
  const sources: Source[] = [];
  for (const file of files) {
    const text = (await tree.readText(file)) ?? '';
    if (nasmSyntax.test(text) && !gnuSyntax.test(text)) sources.push({ file, text });
  }
  return sources;
}

function linkedPlan(tree: ProjectTree, sources: readonly Source[], entry: Source, linker: 'ld' | 'cc'): Plan | null {
  const commands = ['mkdir -p build'];
  const objects: string[] = [];
  for (const [index, { file }] of sources.entries()) {
    const object = `build/${index + 1}.o`;
    const source = shellWord(file, tree.platform);
    if (source === null) return null;
    commands.push(`nasm -f elf64 -I. -o ${object} ${source}`);
    objects.push(object);
  }
  const program = shellWord(`build/${stemOf(entry.file)}`, tree.platform);
  if (program === null) return null;
  const options = linker === 'cc' ? 'cc -no-pie' : 'ld';
  commands.push(`${options} -o ${program} ${objects.join(' ')}`, `rm -f ${objects.join(' ')}`);
  const symbol = linker === 'ld' ? '_start' : 'main';
  const evidence = {
    file: entry.file,
    line: lineOf(entry.text, /^\s*global\b/im),
    reason: `${linker} links ${symbol}`,
  };
  return planOf(sources, commands.join(' && '), [{ program: linker, version: null, evidence }]);
}

function flatPlan(tree: ProjectTree, sources: readonly Source[]): Plan | null {
  const [source] = sources.filter(({ text }) => /^\s*org\b/im.test(text));
  if (source === undefined) return null;
  const input = shellWord(source.file, tree.platform);
  const output = shellWord(`build/${stemOf(source.file)}.bin`, tree.platform);
  if (input === null || output === null) return null;
  const folder = tree.platform === 'win32' ? '(if not exist build mkdir build)' : 'mkdir -p build';
  return planOf([source], `${folder} && nasm -f bin -I. -o ${output} ${input}`, []);
}

function stemOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.[^.]+$/, '');
}

function planOf(sources: readonly Source[], run: string, others: readonly ToolRequirement[]): Plan {
  const evidence = sources.map(({ file, text }) => ({
    file,
    line: lineOf(text, nasmSyntax),
    reason: 'assembly in the syntax of NASM',
  }));
  const [first = { file: '', line: null, reason: '' }] = evidence;
  return {
    origin: 'detected',
    tool: 'nasm',
    requirements: [{ program: 'nasm', version: null, evidence: first }, ...others],
    steps: [detectedStep({ id: 'build', name: 'Assemble', phase: 'build', run }, ...evidence)],
    env: {},
    secrets: [],
    artifact: { include: ['build'], exclude: [...wholeTree.exclude] },
    start: null,
    health: null,
    evidence,
  };
}
