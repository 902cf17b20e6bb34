/** Owns how a C or C++ project of CMake, Meson, or Autotools without a finished configure is recognised and built. */
import { type DetectedPlan, detectedPlan, evidenceAt, requirement, usualStep } from './detected-plan.ts';
import { lineOf, type ProjectTree } from './project-tree.ts';

/** Patterns look ahead of each opening bracket; a file that is made of them stays cheap up to here. */
const maxManifestBytes = 256 * 1024;
/** What CMake leaves beside the programs. */
const cmakeLeftovers = ['**/CMakeFiles', '**/*.o', '**/*.obj', 'build/CMakeCache.txt'];

/** A CMakeLists.txt at the root that declares a project. */
export async function detectCmake(tree: ProjectTree): Promise<DetectedPlan | null> {
  const file = 'CMakeLists.txt';
  const text = await tree.readText(file, maxManifestBytes);
  if (text === null || !/^[ \t]*(?:project|cmake_minimum_required)\s*\(/im.test(text)) return null;
  const project = evidenceAt(file, 'a project of CMake', text, /^[ \t]*project\s*\(/im);
  const version = /cmake_minimum_required\s*\(\s*VERSION\s+([\d.]+)/i.exec(text)?.[1] ?? null;
  const steps = [
    usualStep('configure', 'cmake -S . -B build -DCMAKE_BUILD_TYPE=Release', project),
    usualStep('build', 'cmake --build build --config Release --parallel', project),
  ];
  const test = /^[ \t]*(?:enable_testing\s*\(|include\s*\(\s*CTest\b)/im;
  if (lineOf(text, test) !== null) {
    const run = 'ctest --test-dir build -C Release --output-on-failure';
    steps.push(usualStep('test', run, evidenceAt(file, 'tests of CTest', text, test)));
  }
  const languages = /^[ \t]*project\s*\(([^)]{0,500})\)/im.exec(text)?.[1] ?? '';
  const isC = /\bC\b/.test(languages) || !/\bLANGUAGES\b|\bCXX\b/.test(languages);
  const isCpp = /\bCXX\b/.test(languages) || !/\bLANGUAGES\b|\bC\b/.test(languages);
  const compilers = tree.platform === 'win32' ? [] : [...(isC ? ['cc'] : []), ...(isCpp ? ['c++'] : [])];
  return await detectedPlan(tree, {
    tool: 'cmake',
    requirements: [requirement('cmake', project, version), ...compilers.map(name => requirement(name, project))],
    steps,
    include: ['build'],
    exclude: cmakeLeftovers,
    evidence: [project],
  });
}

/** A meson.build at the root. */
export async function detectMeson(tree: ProjectTree): Promise<DetectedPlan | null> {
  const file = 'meson.build';
  const text = await tree.readText(file);
  if (text === null || !/^[ \t]*project\s*\(/m.test(text)) return null;
  const project = evidenceAt(file, 'a project of Meson', text, /^[ \t]*project\s*\(/m);
  const steps = [
    usualStep('configure', 'meson setup build --buildtype=release', project),
    usualStep('build', 'meson compile -C build', project),
  ];
  if (lineOf(text, /^[ \t]*test\s*\(/m) !== null || tree.has('tests/meson.build') || tree.has('test/meson.build')) {
    const evidence = evidenceAt(file, 'tests of Meson', text, /^[ \t]*(?:test\s*\(|subdir\s*\(\s*'tests?')/m);
    steps.push(usualStep('test', 'meson test -C build --print-errorlogs', evidence));
  }
  const version = /meson_version\s*:\s*'[^\d']*([\d.]+)/.exec(text)?.[1] ?? null;
  return await detectedPlan(tree, {
    tool: 'meson',
    requirements: [requirement('meson', project, version), requirement('ninja', project)],
    steps,
    include: ['build'],
    exclude: ['build/meson-*', 'build/**/*.p', 'build/.ninja*'],
    evidence: [project],
  });
}

/** A configure.ac whose configure is not in the repository: Autoconf writes it first. Not on Windows, where no shell runs it. */
export async function detectAutotools(tree: ProjectTree): Promise<DetectedPlan | null> {
  const file = ['configure.ac', 'configure.in'].find(name => tree.has(name));
  if (file === undefined || tree.platform === 'win32' || tree.has('configure')) return null;
  const text = (await tree.readText(file)) ?? '';
  const project = evidenceAt(file, 'a project of Autoconf', text, /^[ \t]*AC_INIT\b/m);
  const script = ['autogen.sh', 'bootstrap', 'bootstrap.sh', 'buildconf'].find(name => tree.has(name));
  const [run, evidence] =
    script === undefined
      ? ['autoreconf --force --install', project]
      : [`NOCONFIGURE=1 sh ./${script}`, evidenceAt(script, 'writes the configure script')];
  const steps = [
    usualStep('install', run, evidence),
    usualStep('configure', 'sh ./configure', project),
    usualStep('build', 'make', project),
  ];
  const automake = (await tree.readText('Makefile.am')) ?? '';
  const tests = /^(?:TESTS\s*\+?=|check[-\w]*:|SUBDIRS\s*=.*\btests?\b)/m;
  if (tests.test(automake)) {
    steps.push(usualStep('test', 'make check', evidenceAt('Makefile.am', 'tests of Automake', automake, tests)));
  }
  return await detectedPlan(tree, {
    tool: 'autotools',
    requirements: ['autoreconf', ...(automake === '' ? [] : ['automake']), 'make', 'cc'].map(name =>
      requirement(name, project),
    ),
    steps,
    exclude: ['**/*.o', '**/*.lo', 'autom4te.cache'],
    evidence: [project],
  });
}
