/** The caches of plans: those that detection brings, and what "cache" in slipway.yml means. */
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../src-main/contract/errors.ts';
import { planSchema } from '../../../src-main/contract/plan.ts';
import { pipelineFromText } from '../../../src-main/toolchains/pipeline-plan.ts';
import { detectedFor } from '../../../src-main/toolchains/plan.ts';
import { pipelineOfPlan } from '../../../src-main/toolchains/write-pipeline.ts';
import { projectFolder } from '../../support/project-folder.ts';

const plan = (text: string) => pipelineFromText('slipway.yml', `steps: []\n${text}`);
const failure = (text: string): string => {
  try {
    plan(text);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'pipeline.invalid') return error.message;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
};

describe('a detected plan', () => {
  const manifest = JSON.stringify({ dependencies: { left: '1' }, scripts: { build: 'left' } });
  it.each([
    ['npm', { 'package.json': manifest, 'package-lock.json': '{}' }, 'npm_config_cache', 'package-lock.json'],
    ['npm', { 'package.json': manifest }, 'npm_config_cache', 'package.json'],
    ['yarn', { 'package.json': manifest, 'yarn.lock': '' }, 'YARN_CACHE_FOLDER', 'yarn.lock'],
    ['pip', { 'app.py': '', 'requirements.txt': 'flask==3\n' }, 'PIP_CACHE_DIR', 'requirements.txt'],
    ['uv', { 'app.py': '', 'pyproject.toml': '[project]\n', 'uv.lock': '' }, 'UV_CACHE_DIR', 'uv.lock'],
    ['composer', { 'composer.json': '{}', 'composer.lock': '{}' }, 'COMPOSER_CACHE_DIR', 'composer.lock'],
  ])('keeps the downloads of %s: %j', async (name, files, variable, keyFile) => {
    const detected = await detectedFor(await projectFolder(files));
    expect(detected.caches).toContainEqual({ name, paths: [], variable, keyFiles: [keyFile] });
    // `slipway init` writes them down, and they read back the same.
    const written = pipelineFromText('slipway.yml', pipelineOfPlan(detected));
    expect(written.caches).toEqual(detected.caches);
  });

  it('keeps none where nothing is installed, and of tools whose home holds more than downloads', async () => {
    const projects: readonly Record<string, string>[] = [
      { 'package.json': '{"scripts":{"build":"node build.mjs"}}' },
      { 'Cargo.toml': '[package]\nname = "a"\nversion = "1.0.0"\n', 'src/main.rs': 'fn main() {}', 'Cargo.lock': '' },
      { 'go.mod': 'module a\n\ngo 1.24\n', 'main.go': 'package main\n\nfunc main() {}\n' },
    ];
    for (const files of projects) {
      expect((await detectedFor(await projectFolder(files))).caches).toEqual([]);
    }
  });

  it('of an older build has none, and reuses', () => {
    const { caches: _caches, reusesResults: _reuses, ...old } = plan('');
    expect(planSchema.parse(old)).toMatchObject({ caches: [], reusesResults: true });
  });
});

describe('cache in slipway.yml', () => {
  it('is a list of paths, or of entries, with a name each', () => {
    expect(
      plan('cache: [./build//models/, build/models, { variable: CCACHE_DIR, key: [a.lock, ./a.lock] }]').caches,
    ).toEqual([
      { name: 'build-models', paths: ['build/models'], variable: null, keyFiles: null },
      { name: 'build-models-2', paths: ['build/models'], variable: null, keyFiles: null },
      { name: 'ccache-dir', paths: [], variable: 'CCACHE_DIR', keyFiles: ['a.lock'] },
    ]);
    expect(plan('cache: { result: false }')).toMatchObject({ caches: [], reusesResults: false });
    expect(plan('cache: { entries: [vendor] }')).toMatchObject({ caches: [{ name: 'vendor' }], reusesResults: true });
  });

  it('takes its paths out of the artifact, except those that it names', () => {
    expect(plan('cache: [vendor, dist/tmp]').artifact).toEqual({
      include: ['.'],
      exclude: ['.git', 'vendor', 'dist/tmp'],
    });
    expect(plan('cache: [vendor, dist/tmp]\nartifact: [dist, ./vendor/]').artifact.exclude).toEqual([
      '.git',
      'dist/tmp',
    ]);
    expect(plan('cache: [vendor]\nartifact: [vendor/bin]').artifact.exclude).toEqual(['.git']);
  });

  it.each([
    ['cache: [../other]', 'may not lead out of the repository'],
    ['cache: [/etc]', 'write a path inside the repository'],
    ['cache: [a\\b]', 'write a path inside the repository'],
    ['cache: ["node_modules/*"]', 'a cache takes no patterns'],
    ['cache: [.]', 'name a folder below the repository'],
    ['cache: [{ path: [vendor] }]', 'there is no key "path" here; did you mean "paths"?'],
    ['cache: { entry: [vendor] }', 'there is no key "entry" here'],
    ['cache: { reslut: false }', 'did you mean "result"?'],
    ['cache: [{ paths: [a], variable: B }]', 'either paths or variable'],
    ['cache: [{ key: [a] }]', 'either paths or variable'],
    ['cache: [{ name: a, paths: [b] }, { name: a, paths: [c] }]', 'another cache has the name "a"'],
    ['cache: [{ name: ../x, paths: [b] }]', 'use lower-case letters'],
    ['cache: [{ variable: SLIPWAY_X }]', 'SLIPWAY'],
    ['cache: node_modules', 'write a list of paths, or entries and result'],
  ])('refuses %s', (text, message) => {
    expect(failure(text)).toContain(message);
  });
});
