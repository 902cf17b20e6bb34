/** Owns how the languages of the Erlang virtual machine are recognised and built: Elixir, Erlang, Gleam. */
import {
  type DetectedPlan,
  detectedPlan,
  evidenceAt,
  firstFile,
  requirement,
  type Start,
  usualStep,
} from './detected-plan.ts';
import { lineOf, type ProjectTree } from './project-tree.ts';

/** A mix.exs at the root. A release is made of an application; a library is its own artifact. */
export async function detectElixir(tree: ProjectTree): Promise<DetectedPlan | null> {
  const file = 'mix.exs';
  const text = await tree.readText(file);
  if (text === null) return null;
  const project = evidenceAt(file, 'a project of Mix', text, /\bdef project\b/);
  const app = /\bapp:\s*:(\w+)/.exec(text)?.[1];
  const isUmbrella = /\bapps_path:/.test(text);
  const named = /\breleases:\s*\[\s*(\w+):/.exec(text)?.[1];
  const runs = /^[ \t]*mod:\s*[{[]/m.test(text) && app !== undefined;
  const release = named ?? (runs ? app : undefined);
  const production = { MIX_ENV: 'prod' };
  const test = firstFile(tree, /^(?:apps\/[^/]+\/)?test\/.+_test\.exs$/);
  const steps = [
    usualStep(
      'install',
      'mix local.hex --force --if-missing && mix local.rebar --force --if-missing && mix deps.get',
      project,
    ),
  ];
  if (test !== null)
    steps.push({ ...usualStep('test', 'mix test', evidenceAt(test, 'a test of ExUnit')), env: { MIX_ENV: 'test' } });
  const assets = /["']?assets\.deploy["']?:/;
  if (lineOf(text, assets) !== null) {
    const evidence = evidenceAt(file, 'the alias assets.deploy', text, assets);
    steps.push({ ...usualStep('assets', 'mix assets.deploy', evidence), env: production });
  }
  const run = release === undefined ? 'mix compile' : `mix release ${named ?? ''}`.trim();
  steps.push({
    ...usualStep('build', `${run}${release === undefined ? '' : ' --overwrite'}`, project),
    env: production,
  });
  const start: Start | null =
    release === undefined
      ? null
      : {
          start:
            tree.platform === 'win32'
              ? `release\\bin\\${release}.bat start`
              : `_build/prod/rel/${release}/bin/${release} start`,
          evidence: evidenceAt(
            file,
            'a release starts in the foreground',
            text,
            named === undefined ? /\bmod:/ : /\breleases:/,
          ),
        };
  if (start !== null && tree.platform === 'win32') {
    return await planOf(tree, text, project, steps, `_build/prod/rel/${release}`, {
      ...start,
      start: `_build\\prod\\rel\\${release}\\bin\\${release}.bat start`,
    });
  }
  return await planOf(
    tree,
    text,
    project,
    steps,
    release === undefined || (isUmbrella && named === undefined) ? null : `_build/prod/rel/${release}`,
    start,
  );
}

async function planOf(
  tree: ProjectTree,
  text: string,
  project: ReturnType<typeof evidenceAt>,
  steps: DetectedPlan['steps'],
  release: string | null,
  start: Start | null,
): Promise<DetectedPlan> {
  const version = /\belixir:\s*"([^"]+)"/.exec(text)?.[1] ?? null;
  return await detectedPlan(tree, {
    tool: 'elixir',
    requirements: [requirement('elixir', project, version), requirement('mix', project)],
    steps,
    ...(release === null ? { exclude: ['_build', 'deps'] } : { include: [release] }),
    start,
    evidence: [project],
  });
}

/** A rebar.config, or the Makefile of erlang.mk, at the root. */
export async function detectErlang(tree: ProjectTree): Promise<DetectedPlan | null> {
  const file = 'rebar.config';
  const text = await tree.readText(file);
  if (text === null) return null;
  const project = evidenceAt(file, 'a project of rebar3');
  const relx = /\{\s*relx\b/;
  const release = /\{\s*release\s*,\s*\{\s*'?(\w+)'?/.exec(text)?.[1];
  const isReleased = relx.test(text) && release !== undefined;
  const steps = [usualStep('build', isReleased ? 'rebar3 as prod release' : 'rebar3 compile', project)];
  const eunit = firstFile(tree, /^(?:apps\/[^/]+\/)?test\/.+_(?:tests?)\.erl$/);
  const suite = firstFile(tree, /^(?:apps\/[^/]+\/)?test\/.+_SUITE\.erl$/);
  if (suite !== null) steps.push(usualStep('test', 'rebar3 ct', evidenceAt(suite, 'a suite of Common Test')));
  else if (eunit !== null) steps.push(usualStep('test', 'rebar3 eunit', evidenceAt(eunit, 'a test of EUnit')));
  return await detectedPlan(tree, {
    tool: 'erlang',
    requirements: [requirement('erl', project), requirement('rebar3', project)],
    steps,
    ...(isReleased ? { include: [`_build/prod/rel/${release}`] } : { include: ['_build/default/lib'] }),
    start: isReleased
      ? {
          start: `_build/prod/rel/${release}/bin/${release} foreground`,
          evidence: evidenceAt(file, 'a release starts in the foreground', text, relx),
        }
      : null,
    evidence: [project],
  });
}

/** A gleam.toml at the root. */
export async function detectGleam(tree: ProjectTree): Promise<DetectedPlan | null> {
  const file = 'gleam.toml';
  const text = await tree.readText(file);
  if (text === null) return null;
  const project = evidenceAt(file, 'a Gleam package', text, /^name\s*=/m);
  const isJavascript = /^target\s*=\s*"javascript"/m.test(text);
  const serves = /^(?:mist|wisp|elli|cowboy)\w*\s*=/m;
  const isServer = !isJavascript && serves.test(text);
  const steps = [usualStep('build', isServer ? 'gleam export erlang-shipment' : 'gleam build', project)];
  const test = firstFile(tree, /^test\/.+_test\.gleam$/);
  if (test !== null) steps.push(usualStep('test', 'gleam test', evidenceAt(test, 'a test of Gleam')));
  return await detectedPlan(tree, {
    tool: 'gleam',
    requirements: [
      requirement('gleam', project, /^gleam\s*=\s*"([^"]+)"/m.exec(text)?.[1] ?? null),
      requirement(isJavascript ? 'node' : 'erl', project),
    ],
    steps,
    ...(isServer ? { include: ['build/erlang-shipment'] } : { include: ['build'] }),
    start: isServer
      ? {
          start: 'sh build/erlang-shipment/entrypoint.sh run',
          evidence: evidenceAt(file, 'a package that serves requests', text, serves),
        }
      : null,
    evidence: [project],
  });
}
