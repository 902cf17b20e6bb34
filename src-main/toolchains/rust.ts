/** Owns how a Rust crate or workspace is recognised and built with cargo. */
import type { Evidence, PlanStep } from '../contract/plan.ts';
import type { DetectedPlan } from './detected-plan.ts';
import { detectedStep, lineOf, type ProjectTree, procfileStart, wholeTree } from './project-tree.ts';

/** Members of a workspace whose manifests are read. */
const maxManifests = 200;
/** Crates that open a port: a program with one of them is a service. */
const servers = /^(?:actix-web|axum|gotham|hyper|poem|rocket|salvo|tide|tonic|warp)\s*(?:=|\.)/m;

interface Program {
  readonly name: string;
  readonly evidence: Evidence;
  readonly listens: boolean;
}

/** A Cargo.toml at the root. A Node package that calls cargo from its own scripts is left to Node. */
export async function detectRust(tree: ProjectTree): Promise<DetectedPlan | null> {
  const text = await tree.readText('Cargo.toml');
  if (text === null || (await isBuiltByNode(tree))) return null;
  const line = lineOf(text, /^\[(package|workspace)\]/m);
  const manifest = { file: 'Cargo.toml', line, reason: 'a crate or workspace of Rust' };
  const programs = await programsOf(tree);
  const locked = tree.has('Cargo.lock') ? ' --locked' : '';
  const steps: PlanStep[] = [
    detectedStep(
      { id: 'build', name: 'Build', phase: 'build', run: `cargo build --release${locked}` },
      manifest,
      ...(locked === '' ? [] : [{ file: 'Cargo.lock', line: 1, reason: 'the versions are locked' }]),
    ),
  ];
  const test = await findTest(tree);
  if (test !== null) {
    // In release, so that the dependencies are compiled once.
    const step = { id: 'test', name: 'Test', phase: 'test', run: `cargo test --release${locked}` } as const;
    steps.push(detectedStep(step, test));
  }
  const suffix = tree.platform === 'win32' ? '.exe' : '';
  const start = await startOf(tree, programs);
  return {
    origin: 'detected',
    tool: 'rust',
    requirements: [
      { program: 'cargo', version: /^rust-version\s*=\s*"([^"]+)"/m.exec(text)?.[1] ?? null, evidence: manifest },
      { program: 'rustc', version: null, evidence: manifest },
    ],
    steps,
    env: {},
    secrets: [],
    artifact:
      programs.length === 0
        ? { include: [...wholeTree.include], exclude: [...wholeTree.exclude, 'target'] }
        : { include: programs.map(({ name }) => `target/release/${name}${suffix}`), exclude: [] },
    start: start?.start ?? null,
    health: null,
    evidence: [manifest, ...programs.map(({ evidence }) => evidence), ...(start === null ? [] : [start.evidence])],
  };
}

async function isBuiltByNode(tree: ProjectTree): Promise<boolean> {
  return /"[^"\n]+"\s*:\s*"[^"\n]*\b(?:cargo|napi|neon|tauri|wasm-pack)\b/.test(
    (await tree.readText('package.json')) ?? '',
  );
}

/** The programs that `cargo build` makes at the root: its own, or those of every member. Source: The Cargo Book, "Cargo Targets". */
async function programsOf(tree: ProjectTree): Promise<Program[]> {
  const root = (await tree.readText('Cargo.toml')) ?? '';
  const isVirtual = !/^\[package\]/m.test(root);
  const manifests = isVirtual ? await memberManifests(tree, root) : ['Cargo.toml'];
  const programs = new Map<string, Program>();
  for (const file of manifests.slice(0, maxManifests)) {
    for (const program of await programsOfCrate(tree, file)) programs.set(program.name, program);
  }
  return [...programs.values()];
}

async function memberManifests(tree: ProjectTree, root: string): Promise<string[]> {
  const listed = /^(?:default-members)\s*=\s*\[([^\]]*)\]/m.exec(root) ?? /^members\s*=\s*\[([^\]]*)\]/m.exec(root);
  const members = [...(listed?.[1] ?? '').matchAll(/"([^"]+)"/g)].map(([, pattern]) => pattern ?? '');
  const patterns = members.map(
    member =>
      new RegExp(
        `^${member
          .replace(/[.+^${}()|[\]\\]/g, '\\$&')
          .replace(/\*+/g, '[^/]*')
          .replaceAll('?', '[^/]')}/Cargo\\.toml$`,
      ),
  );
  return tree.files.filter(path => patterns.some(pattern => pattern.test(path)));
}

async function programsOfCrate(tree: ProjectTree, file: string): Promise<Program[]> {
  const text = (await tree.readText(file)) ?? '';
  const folder = file.slice(0, -'Cargo.toml'.length);
  const listens = servers.test(text);
  const found: Program[] = [];
  const add = (name: string | undefined, evidence: Evidence) => {
    if (name !== undefined && /^[\w-]+$/.test(name)) found.push({ name, evidence, listens });
  };
  for (const [section] of text.matchAll(/^\[\[bin\]\][^[]*/gm)) {
    const name = /^name\s*=\s*"([^"]+)"/m.exec(section)?.[1];
    add(name, {
      file,
      line: lineOf(text, new RegExp(`^name\\s*=\\s*"${name}"`, 'm')),
      reason: 'a program of the crate',
    });
  }
  const hasOwnMain = /^\[\[bin\]\][^[]*^path\s*=\s*"src\/main\.rs"/m.test(text);
  if (tree.has(`${folder}src/main.rs`) && !hasOwnMain) {
    const [section] = /^\[package\][^[]*/m.exec(text) ?? [''];
    const name = /^name\s*=\s*"([^"]+)"/m.exec(section)?.[1];
    add(name, { file: `${folder}src/main.rs`, line: 1, reason: 'the main program of the crate' });
  }
  for (const path of tree.files) {
    const name = path.startsWith(`${folder}src/bin/`)
      ? /^([\w-]+)(?:\.rs|\/main\.rs)$/.exec(path.slice(`${folder}src/bin/`.length))?.[1]
      : undefined;
    add(name, { file: path, line: 1, reason: 'a program of the crate' });
  }
  return found;
}

async function findTest(tree: ProjectTree): Promise<Evidence | null> {
  const sources = tree.files.filter(path => path.endsWith('.rs')).slice(0, 300);
  for (const file of sources) {
    const line = lineOf((await tree.readText(file)) ?? '', /^\s*#\[(?:\w+::)?test\]/m);
    if (line !== null) return { file, line, reason: 'a Rust test' };
  }
  return null;
}

async function startOf(
  tree: ProjectTree,
  programs: readonly Program[],
): Promise<{ start: string; evidence: Evidence } | null> {
  const procfile = await procfileStart(tree);
  if (procfile !== null) return procfile;
  const [program, second] = programs.filter(({ listens }) => listens);
  if (program === undefined || second !== undefined) return null;
  const start = tree.platform === 'win32' ? `target\\release\\${program.name}.exe` : `./target/release/${program.name}`;
  return { start, evidence: { ...program.evidence, reason: 'the one program that serves requests' } };
}
