/** Owns how a Go module is recognised and built: its programs go to bin/. */
import type { Evidence, PlanStep } from '../contract/plan.ts';
import type { DetectedPlan } from './detected-plan.ts';
import { detectedStep, lineOf, type ProjectTree, procfileStart, wholeTree } from './project-tree.ts';

/** The package clause and the imports stand at the top of a file. */
const headBytes = 16_384;
/** Sources read in search of programs. */
const maxSources = 1_000;
/** Folders that programs read at run time by long custom; the binary alone would miss them. */
const dataFolders = ['assets', 'config', 'migrations', 'public', 'static', 'templates'];

interface Program {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly listens: boolean;
}

/** A go.mod at the root. */
export async function detectGo(tree: ProjectTree): Promise<DetectedPlan | null> {
  const text = await tree.readText('go.mod');
  if (text === null) return null;
  const module = /^module\s+"?([^\s"]+)/m.exec(text)?.[1] ?? 'program';
  const moduleLine = { file: 'go.mod', line: lineOf(text, /^module\s/m), reason: 'a Go module' };
  const programs = await programsOf(tree, module);
  const [first] = programs;
  // Without -trimpath and with the commit's stamp, the same sources would be another binary on every machine and commit.
  const flags = '-trimpath -buildvcs=false';
  const steps: PlanStep[] = [
    detectedStep(
      {
        id: 'build',
        name: 'Build',
        phase: 'build',
        run: first === undefined ? `go build ${flags} ./...` : `go build ${flags} -o bin/ ./...`,
      },
      ...(first === undefined
        ? [moduleLine]
        : programs.map(({ file, line, name }) => ({ file, line, reason: `the program ${name}` }))),
    ),
  ];
  const testFile = tree.files.find(path => path.endsWith('_test.go') && isOfModule(tree, path));
  if (testFile !== undefined) {
    const step = { id: 'test', name: 'Test', phase: 'test', run: 'go test ./...' } as const;
    steps.push(detectedStep(step, { file: testFile, line: 1, reason: 'a Go test' }));
  }
  const start = await startOf(tree, programs);
  const folders = dataFolders.filter(folder => tree.files.some(path => path.startsWith(`${folder}/`)));
  return {
    origin: 'detected',
    tool: 'go',
    requirements: [
      {
        program: 'go',
        version: /^go\s+(\S+)/m.exec(text)?.[1] ?? null,
        evidence: { ...moduleLine, line: lineOf(text, /^go\s/m) ?? moduleLine.line },
      },
    ],
    steps,
    env: {},
    secrets: [],
    artifact:
      first === undefined
        ? { include: [...wholeTree.include], exclude: [...wholeTree.exclude] }
        : { include: ['bin', ...folders], exclude: [] },
    start: start?.start ?? null,
    health: null,
    evidence: [
      moduleLine,
      ...folders.map(folder => ({ file: folder, line: null, reason: 'a folder that programs read at run time' })),
      ...(start === null ? [] : [start.evidence]),
    ],
  };
}

/** Every package main that `./...` builds, one entry for each folder. */
async function programsOf(tree: ProjectTree, module: string): Promise<Program[]> {
  const sources = tree.files.filter(
    path => path.endsWith('.go') && !path.endsWith('_test.go') && isOfModule(tree, path),
  );
  const programs = new Map<string, Program>();
  for (const file of sources.slice(0, maxSources)) {
    const head = (await tree.readText(file, headBytes)) ?? '';
    if (/^\/\/go:build\s+ignore\b|^\/\/ \+build\s+ignore\b/m.test(head)) continue;
    const line = lineOf(head, /^package main\b/m);
    if (line === null) continue;
    const folder = file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : '';
    // A port is opened by some file of the package, not always by the one that was seen first.
    const listens =
      /"(?:net|net\/http|google\.golang\.org\/grpc|github\.com\/(?:gin-gonic|labstack|gofiber|go-chi)\/[^"]+)"/.test(
        head,
      );
    const known = programs.get(folder);
    programs.set(folder, {
      name: nameOf(folder === '' ? module : folder),
      file: known?.file ?? file,
      line: known?.line ?? line,
      listens: listens || (known?.listens ?? false),
    });
  }
  return [...programs.values()];
}

/** The last part of the path that is no major version. Source: `go help build`, on the name of the result. */
function nameOf(path: string): string {
  const parts = path.split('/');
  const last = parts.at(-1) ?? path;
  return /^v\d+$/.test(last) && parts.length > 1 ? (parts.at(-2) ?? last) : last;
}

/** Whether `./...` reaches it. Source: `go help packages`: not testdata, not `_` or `.`, not a module of its own. */
function isOfModule(tree: ProjectTree, path: string): boolean {
  const folders = path.split('/').slice(0, -1);
  if (folders.some(name => name === 'testdata' || /^[._]/.test(name))) return false;
  return !folders.some((_, index) => tree.has(`${folders.slice(0, index + 1).join('/')}/go.mod`));
}

async function startOf(
  tree: ProjectTree,
  programs: readonly Program[],
): Promise<{ start: string; evidence: Evidence } | null> {
  const procfile = await procfileStart(tree);
  if (procfile !== null) return procfile;
  const [program, second] = programs.filter(({ listens }) => listens);
  // A program that ends at once is a tool and not a service; of two services nobody can tell which is meant.
  if (program === undefined || second !== undefined || !/^[\w.-]+$/.test(program.name)) return null;
  const start = tree.platform === 'win32' ? `bin\\${program.name}.exe` : `./bin/${program.name}`;
  return {
    start,
    evidence: { file: program.file, line: program.line, reason: 'the one program that serves requests' },
  };
}
