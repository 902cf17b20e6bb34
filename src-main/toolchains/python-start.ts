/** Owns how a Python project is started: by its Procfile, by the server that its framework is served with, or by its own file. */
import type { Evidence } from '../contract/plan.ts';
import { lineOf, type ProjectTree, procfileStart } from './project-tree.ts';
import { withPackages } from './python-packages.ts';

interface Start {
  readonly start: string;
  readonly evidence: Evidence;
}

/** A program of these is waiting for connections, so it is started and kept running. */
const listens =
  /\b(flask|fastapi|uvicorn|aiohttp|bottle|tornado|starlette|litestar|quart|sanic|streamlit|http\.server|socketserver|wsgiref)\b/i;
export const startFiles = ['main.py', 'app.py', 'server.py'];
/** Where larger projects keep the application object. Source: fastapi.tiangolo.com "Bigger Applications". */
const packageFiles = ['app/main.py', 'src/main.py'];
const dependencyFiles = ['requirements.txt', 'pyproject.toml', 'Pipfile', 'setup.py'];

/**
 * The start command; null where nothing listens.
 *
 * What hosts of such projects start as well. Sources: Railpack's and Nixpacks' pages on Python; uvicorn.org "Settings";
 * docs.gunicorn.org "Settings" (binds to $PORT by itself); docs.streamlit.io "config.toml"; Django's "How to deploy".
 */
export async function pythonStart(tree: ProjectTree, program: string, isInstalled: boolean): Promise<Start | null> {
  const procfile = await procfileStart(tree);
  const found =
    procfile ??
    (await djangoStart(tree, program, await dependenciesIn(tree))) ??
    (await fileStart(tree, program, await dependenciesIn(tree)));
  return found && { ...found, start: withPackages(found.start, tree.platform, isInstalled) };
}

async function dependenciesIn(tree: ProjectTree): Promise<string> {
  return (await Promise.all(dependencyFiles.map(name => tree.readText(name)))).join('\n');
}

const isListed = (lists: string, name: string) =>
  new RegExp(`^[^#\\n]*(?<![\\w.-])${name}(?![\\w.-])`, 'm').test(lists);

/** The port that the machine gives; a plain shell has the usual one. cmd.exe knows no default. */
const portOf = ({ platform }: ProjectTree) => (platform === 'win32' ? '%PORT%' : '"${' + 'PORT:-8000}"');

/** The server that the dependencies bring; without one Django's own, which its manual has for development alone. */
async function djangoStart(tree: ProjectTree, program: string, lists: string): Promise<Start | null> {
  if (!tree.has('manage.py')) return null;
  const entry = (name: string) => {
    const file = tree.files.find(path => new RegExp(`^\\w+/${name}\\.py$`).test(path));
    return file === undefined ? null : { file, module: file.replace('/', '.').slice(0, -3) };
  };
  const wsgi = entry('wsgi');
  const asgi = entry('asgi') ?? (wsgi && { file: wsgi.file, module: wsgi.module.replace(/wsgi$/, 'asgi') });
  const port = portOf(tree);
  const servers = [
    ['gunicorn', wsgi, wsgi && `gunicorn ${wsgi.module}`],
    ['waitress', wsgi, wsgi && `waitress --listen=0.0.0.0:${port} ${wsgi.module}:application`],
    ['uvicorn', asgi, asgi && `uvicorn ${asgi.module}:application --host 0.0.0.0 --port ${port}`],
    ['daphne', asgi, asgi && `daphne --bind 0.0.0.0 --port ${port} ${asgi.module}:application`],
  ] as const;
  for (const [server, found, command] of servers) {
    if (found === null || command === null || !isListed(lists, server)) continue;
    const evidence = { file: found.file, line: 1, reason: `${server} serves an application of Django` };
    return { start: `${program} -m ${command}`, evidence };
  }
  if (wsgi === null && asgi === null) return null;
  const reason =
    "no server is among the dependencies, so Django's own is started, which is for development; add gunicorn or uvicorn";
  const start = `${program} manage.py runserver --noreload 0.0.0.0:${port}`;
  return { start, evidence: { file: 'manage.py', line: 1, reason } };
}

async function fileStart(tree: ProjectTree, program: string, lists: string): Promise<Start | null> {
  for (const file of [...startFiles, ...packageFiles]) {
    const text = (await tree.readText(file, 65_536)) ?? '';
    const line = lineOf(text, listens);
    if (line === null) continue;
    const command = serverCommand(tree, text, file, lists);
    // A file in a package that brings no application is a part of something else.
    if (command === null && packageFiles.includes(file)) continue;
    const start = `${program} ${command ?? file}`;
    return { start, evidence: { file, line, reason: `${file} serves requests` } };
  }
  return null;
}

/** What comes after `python3` for an application object without a server of its own, which would end at once; null for others. */
function serverCommand(tree: ProjectTree, text: string, file: string, lists: string): string | null {
  const module = file.slice(0, -3).replaceAll('/', '.');
  const port = portOf(tree);
  const asgi = /^(\w+)\s*(?::\s*\w+\s*)?=\s*(?:\w+\.)?(?:FastAPI|Starlette|Litestar|Quart)\(/m.exec(text)?.[1];
  if (asgi !== undefined && !/uvicorn\.run\(|hypercorn|\.run\(|__main__/.test(text)) {
    // Source: uvicorn.org/deployment, "Gunicorn".
    if (isListed(lists, 'gunicorn') && isListed(lists, 'uvicorn')) {
      return `-m gunicorn --worker-class uvicorn.workers.UvicornWorker ${module}:${asgi}`;
    }
    return `-m uvicorn ${module}:${asgi} --host 0.0.0.0 --port ${port}`;
  }
  const wsgi = /^(\w+)\s*=\s*(?:\w+\.)?Flask\(/m.exec(text)?.[1];
  if (wsgi !== undefined && !/\.run\(|__main__/.test(text)) {
    if (isListed(lists, 'gunicorn')) return `-m gunicorn ${module}:${wsgi}`;
    return `-m flask --app ${module}:${wsgi} run --host 0.0.0.0 --port ${port}`;
  }
  if (/^(?:import|from)\s+streamlit\b/m.test(text)) {
    return `-m streamlit run ${file} --server.address 0.0.0.0 --server.port ${port} --server.headless true`;
  }
  return null;
}
