/** Owns how sites of generators without a language's manifest are recognised and built: Hugo, Zola, mdBook, MkDocs. */
import { type DetectedPlan, detectedPlan, evidenceAt, firstFile, requirement, usualStep } from './detected-plan.ts';
import type { ProjectTree } from './project-tree.ts';

interface Generator {
  readonly tool: string;
  readonly marker: RegExp;
  /** What must also be in the marker's text or, for a folder's name with a slash, in the tree. */
  readonly proof: RegExp;
  readonly run: string;
  readonly output: string;
  readonly setting: RegExp | null;
}

const generators: readonly Generator[] = [
  {
    tool: 'hugo',
    marker: /^(?:hugo\.(?:toml|ya?ml|json)|config\.(?:toml|ya?ml)|config\/_default\/(?:hugo|config)\.(?:toml|ya?ml))$/,
    proof: /^[ \t]*(?:baseURL|theme|languageCode)\b|"baseURL"/im,
    run: 'hugo --minify --gc',
    output: 'public',
    setting: /^[ \t]*publishDir\s*[=:]\s*["']?([\w./-]+)/im,
  },
  {
    tool: 'zola',
    marker: /^(?:config|zola)\.toml$/,
    proof: /^base_url\s*=/m,
    run: 'zola build',
    output: 'public',
    setting: /^output_dir\s*=\s*"([\w./-]+)"/m,
  },
  {
    tool: 'mdbook',
    marker: /^book\.toml$/,
    proof: /^\[book\]/m,
    run: 'mdbook build',
    output: 'book',
    setting: /^build-dir\s*=\s*"([\w./-]+)"/m,
  },
  {
    tool: 'mkdocs',
    marker: /^mkdocs\.ya?ml$/,
    proof: /^site_name:/m,
    run: 'mkdocs build --strict',
    output: 'site',
    setting: /^site_dir:\s*["']?([\w./-]+)/m,
  },
];

/** The configuration of one of the generators. */
export async function detectGeneratedSite(tree: ProjectTree): Promise<DetectedPlan | null> {
  for (const { tool, marker, proof, run, output, setting } of generators) {
    const file = firstFile(tree, marker);
    const text = file === null ? null : await tree.readText(file);
    if (file === null || text === null || !proof.test(text)) continue;
    const evidence = evidenceAt(file, `a site of ${tool}`, text, proof);
    const told = setting === null ? undefined : setting.exec(text)?.[1];
    const folder = told === undefined || told.split('/').includes('..') || told.startsWith('/') ? output : told;
    const plan = await detectedPlan(tree, {
      tool,
      requirements: [requirement(tool, evidence)],
      steps: [usualStep('build', run, evidence)],
      include: [folder],
      evidence: [evidence],
    });
    return plan;
  }
  return null;
}
