/** Owns how a PHP project is recognised and built: Composer's packages, and assets where the project has them. */
import { z } from 'zod';
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
import { nodeAssets } from './node-manager.ts';
import type { ProjectTree } from './project-tree.ts';

const namesSchema = z.record(z.string(), z.unknown()).catch({});
const composerSchema = z
  .object({ require: namesSchema, 'require-dev': namesSchema, scripts: namesSchema })
  .catch({ require: {}, 'require-dev': {}, scripts: {} });

/** A composer.json at the root, or an index.php at the root or in public/. */
export async function detectPhp(tree: ProjectTree): Promise<DetectedPlan | null> {
  const file = ['composer.json', 'index.php', 'public/index.php'].find(name => tree.has(name));
  if (file === undefined) return null;
  const text = (await tree.readText('composer.json')) ?? '{}';
  const composer = parse(text);
  const version = typeof composer.require.php === 'string' ? composer.require.php : null;
  const project = evidenceAt(file, 'a PHP project');
  const requirements = [requirement('php', project, version)];
  const steps: PlanStep[] = [];
  const hasDev = Object.keys(composer['require-dev']).length > 0;
  const flags = '--no-interaction --no-progress --prefer-dist --optimize-autoloader';
  const testFile = firstFile(tree, /^tests?\/.+Test\.php$|^tests\/.+\.php$/);
  const runner =
    'pestphp/pest' in composer['require-dev']
      ? 'pest'
      : 'phpunit/phpunit' in composer['require-dev']
        ? 'phpunit'
        : null;
  const isTested = testFile !== null && runner !== null;
  if (file === 'composer.json') {
    requirements.push(requirement('composer', project));
    const evidence = tree.has('composer.lock') ? evidenceAt('composer.lock', 'the versions are locked') : project;
    steps.push(usualStep('install', `composer install ${flags}${isTested ? '' : ' --no-dev'}`, evidence));
  }
  const assets = await nodeAssets(tree);
  if (assets !== null) {
    requirements.push(...assets.requirements);
    steps.push(...assets.steps);
  }
  if (isTested) {
    const isArtisan = tree.has('artisan');
    const run = isArtisan ? 'php artisan test' : `php vendor/bin/${runner}`;
    steps.push(usualStep('test', run, evidenceAt(testFile, `a test of ${runner}`)));
    if (hasDev) steps.push(usualStep('package', `composer install ${flags} --no-dev`, project));
  }
  return await detectedPlan(tree, {
    tool: 'php',
    requirements,
    steps,
    exclude: ['node_modules', 'storage/logs', 'var/cache', 'var/log'],
    start: startOf(tree),
    evidence: [project],
  });
}

function startOf(tree: ProjectTree): Start | null {
  const folder = ['public', 'web', 'webroot'].find(name => tree.has(`${name}/index.php`));
  if (folder === undefined && !tree.has('index.php')) return null;
  const evidence = evidenceAt(
    folder === undefined ? 'index.php' : `${folder}/index.php`,
    'the page that answers every request',
  );
  const port = tree.platform === 'win32' ? '8080' : `\${PORT:-8080}`;
  return { start: `php -S 0.0.0.0:${port} -t ${folder ?? '.'}`, evidence };
}

function parse(text: string): z.infer<typeof composerSchema> {
  try {
    return composerSchema.parse(JSON.parse(text));
  } catch {
    // Composer itself says best what is wrong with its file.
    return { require: {}, 'require-dev': {}, scripts: {} };
  }
}
