/** Owns how a program in bare assembly is recognised and built: which assembler, which target, linked or flat. */
import { DomainError } from '../contract/errors.ts';
import type { ToolRequirement } from '../contract/plan.ts';
import { assemblyCommands } from './assembly-commands.ts';
import { type AssemblySource, type AssemblyTarget, dialectOf, targetOf } from './assembly-dialect.ts';
import { type DetectedPlan, detectedPlan, evidenceAt, requirement } from './detected-plan.ts';
import { detectedStep, type ProjectTree, wholeTree } from './project-tree.ts';

const maxSources = 50;
/** In the order of preference where a tree holds several dialects whose sources make a program. */
const dialects = ['nasm', 'gas', 'masm', 'fasm'] as const;
const names = { nasm: 'NASM', gas: 'the GNU assembler', masm: 'MASM', fasm: 'flat assembler' } as const;
const entryLines =
  /^[ \t]*(?:\.?glob(?:a)?l\b|entry\b|\[?[ \t]*org\b|format\b|\.code16\b|end[ \t]+\w|\w+[ \t]+proc\b)/im;

/**
 * Assembly at the root, in src/ or in asm/, and nothing else that builds it: `_start` is linked by ld, `main` with the C library,
 * and a source with an origin becomes a flat binary.
 *
 * Throws `plan.nothing_detected` where the sources are for another system than this one, and says which.
 */
export async function detectAssembly(tree: ProjectTree): Promise<DetectedPlan | null> {
  const sources = await sourcesOf(tree);
  for (const dialect of dialects) {
    const own = sources.filter(source => source.dialect === dialect);
    const target = targetOf(own);
    if (target !== null) return await planOf(tree, own, target);
  }
  return null;
}

async function sourcesOf(tree: ProjectTree): Promise<AssemblySource[]> {
  const paths = tree.files.filter(path => /^(?:(?:src|asm)\/)?[^/]+\.(?:asm|nasm|s)$/i.test(path)).slice(0, maxSources);
  const sources: AssemblySource[] = [];
  for (const file of paths) {
    // A run of blanks that nobody writes costs the patterns square time.
    const text = ((await tree.readText(file)) ?? '').replace(/\r\n?/g, '\n').replace(/[ \t]{100,}/g, ' ');
    const dialect = dialectOf(file, text);
    if (dialect !== null) sources.push({ file, text, dialect });
  }
  return sources;
}

async function planOf(
  tree: ProjectTree,
  sources: readonly AssemblySource[],
  target: AssemblyTarget,
): Promise<DetectedPlan> {
  const { main } = target;
  const built = assemblyCommands(tree.platform, tree.arch, target.flatAt === null ? sources : [main], target);
  if (built === null) {
    const message = `${main.file} is assembly in the syntax of ${names[main.dialect]} for ${target.machine}, ${target.bits} bit, which this rule cannot link on ${tree.platform}; write a slipway.yml that says how it is built.`;
    throw new DomainError('plan.nothing_detected', message, { file: main.file });
  }
  const how =
    target.flatAt === null ? `linked at ${target.entry} by ${built.linker}` : `a flat binary at ${target.flatAt}`;
  const goal = evidenceAt(
    main.file,
    `${built.format}, ${target.machine}, ${target.bits} bit, ${how}`,
    main.text,
    entryLines,
  );
  const syntax = sources.map(({ file }) => evidenceAt(file, `assembly in the syntax of ${names[main.dialect]}`));
  const requirements: ToolRequirement[] = [...new Set(built.programs)].map(program => requirement(program, goal));
  return await detectedPlan(tree, {
    tool: main.dialect,
    requirements,
    steps: [
      detectedStep(
        { id: 'build', name: 'Assemble', phase: 'build', run: built.commands.join(' && ') },
        ...syntax,
        goal,
      ),
    ],
    include: ['build'],
    exclude: wholeTree.exclude,
    evidence: [...syntax, goal],
  });
}
