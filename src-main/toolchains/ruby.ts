/** Owns how a Ruby project is recognised and built: gems into the tree, assets where Rails has them. */
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
import { lineOf, type ProjectTree } from './project-tree.ts';

/** A Gemfile, or a config.ru, at the root. A site of Jekyll is its folder _site. */
export async function detectRuby(tree: ProjectTree): Promise<DetectedPlan | null> {
  const gemspec = firstFile(tree, /^[^/]+\.gemspec$/);
  const file = ['Gemfile', 'gems.rb', 'config.ru'].find(name => tree.has(name)) ?? gemspec;
  if (file === null || file === undefined) return null;
  const text = (await tree.readText(file)) ?? '';
  const has = (gem: string) => new RegExp(`^[ \\t]*gem\\s+["']${gem}["']`, 'm').test(text);
  const isRails = tree.has('bin/rails') || tree.has('config/application.rb');
  const isJekyll = tree.has('_config.yml') && (has('jekyll') || has('github-pages'));
  const project = evidenceAt(file, 'a Ruby project');
  const usesBundler = file === 'Gemfile' || file === 'gems.rb';
  const version = /^[ \t]*ruby\s+["']([^"']*\d[^"']*)["']/m.exec(text)?.[1] ?? null;
  const requirements = [requirement('ruby', project, version)];
  const steps = [];
  if (usesBundler) {
    requirements.push(requirement('bundle', project));
    steps.push(
      usualStep(
        'install',
        'bundle install --jobs 4',
        evidenceAt(file, 'lists what the project needs', text, /^[ \t]*gem\b/m),
      ),
    );
  }
  const assets = isRails ? await nodeAssets(tree) : null;
  if (assets !== null) {
    requirements.push(...assets.requirements);
    steps.push(...assets.steps);
  }
  if (
    isRails &&
    (has('sprockets-rails') || has('propshaft') || has('sassc-rails') || tree.has('app/assets/config/manifest.js'))
  ) {
    // Rails wants a key to boot, and none is used while assets are compiled. Source: Rails guide "Configuring", secret_key_base.
    const run = 'bundle exec rails assets:precompile';
    steps.push({ ...usualStep('assets', run, project), env: { RAILS_ENV: 'production', SECRET_KEY_BASE_DUMMY: '1' } });
  }
  if (isJekyll)
    steps.push({
      ...usualStep('build', 'bundle exec jekyll build', evidenceAt('_config.yml', 'a site of Jekyll')),
      env: { JEKYLL_ENV: 'production' },
    });
  const test = await testOf(tree, has, isRails);
  if (test !== null) steps.push(test);
  return await detectedPlan(tree, {
    tool: 'ruby',
    requirements,
    steps,
    // Gems go into the tree, so that the machine needs no network: vendor/bundle is found again through these variables.
    env: usesBundler ? { BUNDLE_PATH: 'vendor/bundle' } : {},
    ...(isJekyll ? { include: ['_site'] } : { exclude: ['log', 'tmp', 'node_modules', 'vendor/bundle/**/cache'] }),
    start: isJekyll ? null : startOf(tree, text, has, isRails, usesBundler),
    evidence: [project],
  });
}

async function testOf(tree: ProjectTree, has: (gem: string) => boolean, isRails: boolean) {
  const spec = firstFile(tree, /^spec\/.+_spec\.rb$/);
  if (spec !== null && (has('rspec') || has('rspec-rails') || tree.has('.rspec'))) {
    return usualStep('test', 'bundle exec rspec', evidenceAt(spec, 'a spec of RSpec'));
  }
  const test = firstFile(tree, /^test\/(?:.+\/)?(?:[^/]+_test|test_[^/]+)\.rb$/);
  if (test === null) return null;
  if (isRails) return usualStep('test', 'bundle exec rails test', evidenceAt(test, 'a test of Rails'));
  const rakefile = (await tree.readText('Rakefile')) ?? '';
  const task = /Rake::TestTask|task\s+:?test\b|Minitest::TestTask/;
  if (lineOf(rakefile, task) === null) return null;
  return usualStep('test', 'bundle exec rake test', evidenceAt('Rakefile', 'the task "test"', rakefile, task));
}

function startOf(
  tree: ProjectTree,
  text: string,
  has: (gem: string) => boolean,
  isRails: boolean,
  usesBundler: boolean,
): Start | null {
  const prefix = usesBundler ? 'BUNDLE_PATH=vendor/bundle bundle exec ' : '';
  const command = (run: string) =>
    tree.platform === 'win32' && usesBundler
      ? `set "BUNDLE_PATH=vendor/bundle" && bundle exec ${run}`
      : `${prefix}${run}`;
  if (isRails)
    return {
      start: command('rails server -e production'),
      evidence: evidenceAt('config/application.rb', 'an application of Rails'),
    };
  if (!tree.has('config.ru')) return null;
  const evidence = evidenceAt('config.ru', 'an application of Rack');
  if (has('puma'))
    return {
      start: command('puma'),
      evidence: evidenceAt('Gemfile', 'Puma serves config.ru', text, /^[ \t]*gem\s+["']puma/m),
    };
  return { start: command('rackup'), evidence };
}
