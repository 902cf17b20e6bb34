/** Owns how a Perl distribution or web application is recognised and built: modules go into local/. */
import type { PlanStep } from '../contract/plan.ts';
import {
  type DetectedPlan,
  detectedPlan,
  evidenceAt,
  firstFile,
  requirement,
  type Start,
  usualStep,
} from './detected-plan.ts';
import type { ProjectTree } from './project-tree.ts';

/** A cpanfile, Makefile.PL, Build.PL or dist.ini at the root, or the application file of PSGI. */
export async function detectPerl(tree: ProjectTree): Promise<DetectedPlan | null> {
  const psgi = firstFile(tree, /^(?:bin\/)?[\w-]+\.psgi$/);
  const file = ['cpanfile', 'Makefile.PL', 'Build.PL', 'dist.ini'].find(name => tree.has(name)) ?? psgi;
  if (file === null || file === undefined) return null;
  const project = evidenceAt(file, 'a Perl project');
  const text = (await tree.readText(file)) ?? '';
  const requirements = [
    requirement('perl', project, /^[ \t]*requires\s+["']perl["']\s*,\s*["']v?([\d.]+)["']/m.exec(text)?.[1] ?? null),
  ];
  const steps: PlanStep[] = [];
  const hasModules = file === 'cpanfile' && /^[ \t]*requires\s+["'](?!perl["'])/m.test(text);
  if (hasModules) {
    requirements.push(requirement('cpanm', project));
    steps.push(usualStep('install', 'cpanm --notest --local-lib-contained local --installdeps .', project));
  }
  const hasMakefile = tree.has('Makefile.PL');
  if (hasMakefile) {
    const evidence = evidenceAt('Makefile.PL', 'writes the Makefile');
    requirements.push(requirement('make', evidence));
    steps.push(usualStep('configure', 'perl Makefile.PL', evidence), usualStep('build', 'make', evidence));
  } else if (tree.has('Build.PL')) {
    const evidence = evidenceAt('Build.PL', 'writes the Build script');
    steps.push(usualStep('configure', 'perl Build.PL', evidence), usualStep('build', 'perl Build', evidence));
  }
  const test = firstFile(tree, /^t\/.+\.t$/);
  if (test !== null) {
    const run = hasMakefile ? 'make test' : tree.has('Build.PL') ? 'perl Build test' : 'prove -l -r t';
    steps.push(usualStep('test', run, evidenceAt(test, 'a test of Perl')));
  }
  const dancer = psgi ?? firstFile(tree, /^(?:script\/[\w-]+|app\.pl)$/);
  const start: Start | null =
    psgi !== null
      ? { start: `plackup -E production ${psgi}`, evidence: evidenceAt(psgi, 'an application of PSGI') }
      : dancer !== null && /Mojolicious/.test(text)
        ? { start: `perl ${dancer} daemon`, evidence: evidenceAt(dancer, 'an application of Mojolicious') }
        : null;
  const isLocal = hasModules && start !== null && tree.platform !== 'win32';
  return await detectedPlan(tree, {
    tool: 'perl',
    requirements,
    steps,
    env: hasModules ? { PERL5LIB: 'local/lib/perl5' } : {},
    start: isLocal
      ? {
          ...start,
          start: `export PERL5LIB="$PWD/local/lib/perl5:$PWD/lib" PATH="$PWD/local/bin:$PATH"; ${start.start}`,
        }
      : start,
    evidence: [project],
  });
}
