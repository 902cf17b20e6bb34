/** Owns how a Java or Kotlin project is recognised and built: Maven and Gradle, with their wrappers where they lie in the tree. */
import type { Evidence, ToolRequirement } from '../contract/plan.ts';
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

/** Patterns look ahead of each element; a file that is made of them stays cheap up to here. */
const maxManifestBytes = 256 * 1024;
const tests = /(?:^|\/)src\/test\/(?:java|kotlin|groovy|scala)\//;

/** A pom.xml at the root. */
export async function detectMaven(tree: ProjectTree): Promise<DetectedPlan | null> {
  const file = 'pom.xml';
  const text = await tree.readText(file, maxManifestBytes);
  if (text === null) return null;
  const project = evidenceAt(file, 'a project of Maven', text, /<project\b/);
  const maven = wrapperOf(tree, 'mvnw', 'mvn', project);
  const steps = [usualStep('build', `${maven.command} -B -ntp -DskipTests package`, project)];
  const test = firstFile(tree, tests);
  if (test !== null)
    steps.push(usualStep('test', `${maven.command} -B -ntp test`, evidenceAt(test, 'a test of the JVM')));
  // Properties, dependencies and the parent have names of their own; the project's stands outside of them.
  const own = withoutNested(text);
  const name = /<artifactId>\s*([\w.-]+)\s*</.exec(own)?.[1];
  const version =
    /<version>\s*([\w.-]+)\s*</.exec(own)?.[1] ?? /<parent>[\s\S]{0,500}?<version>\s*([\w.-]+)\s*</.exec(text)?.[1];
  const jar = /<finalName>\s*([\w.-]+)\s*</.exec(text)?.[1] ?? (name && version ? `${name}-${version}` : null);
  const isModular = /<modules>/.test(text);
  const isWar = /<packaging>\s*war\s*</.test(text);
  const runs = /spring-boot-maven-plugin|maven-shade-plugin|maven-assembly-plugin|<mainClass>/;
  const isQuarkus = /quarkus-maven-plugin/.test(text);
  let start: Start | null = null;
  if (isQuarkus) {
    const evidence = evidenceAt(file, 'Quarkus starts from target/quarkus-app', text, /quarkus-maven-plugin/);
    start = { start: 'java -jar target/quarkus-app/quarkus-run.jar', evidence };
  } else if (jar && !isModular && !isWar && runs.test(text)) {
    start = { start: `java -jar target/${jar}.jar`, evidence: evidenceAt(file, 'a jar that can be run', text, runs) };
  }
  const java = /<(?:maven\.compiler\.release|java\.version|maven\.compiler\.source|release)>\s*([\d.]+)\s*</.exec(
    text,
  )?.[1];
  return await detectedPlan(tree, {
    tool: 'maven',
    requirements: [requirement('javac', project, java ?? null), ...maven.requirements],
    steps,
    include: isModular
      ? ['**/target/*.jar', '**/target/*.war']
      : [isQuarkus ? 'target/quarkus-app' : `target/*.${isWar ? 'war' : 'jar'}`],
    exclude: ['**/*.original', '**/original-*.jar'],
    start,
    evidence: [project],
  });
}

/** A pom.xml without the elements that hold names of others. Cut by position: a pattern would search an unclosed one again and again. */
function withoutNested(text: string): string {
  let rest = text;
  for (const element of ['parent', 'dependencies', 'dependencyManagement', 'build', 'properties', 'profiles']) {
    const begin = rest.indexOf(`<${element}>`);
    const end = rest.lastIndexOf(`</${element}>`);
    if (begin >= 0 && end > begin) rest = rest.slice(0, begin) + rest.slice(end);
  }
  return rest;
}

/** A build.gradle or settings.gradle at the root, in Groovy or Kotlin. */
export async function detectGradle(tree: ProjectTree): Promise<DetectedPlan | null> {
  const file = ['build.gradle.kts', 'build.gradle', 'settings.gradle.kts', 'settings.gradle'].find(name =>
    tree.has(name),
  );
  if (file === undefined) return null;
  const script = firstFile(tree, /^app\/build\.gradle(?:\.kts)?$/);
  const root = (await tree.readText(file)) ?? '';
  const text = `${root}\n${script === null ? '' : ((await tree.readText(script)) ?? '')}`;
  const project = evidenceAt(file, 'a project of Gradle');
  const gradle = wrapperOf(tree, 'gradlew', 'gradle', project);
  const isAndroid = /com\.android\.application/.test(text);
  const isBoot = /org\.springframework\.boot/.test(text);
  const isApplication =
    !isBoot && /^[ \t]*(?:id[ (]*["'])?application["']?\)?\s*$|apply plugin:\s*["']application/m.test(text);
  const folder =
    /^[ \t]*(?:id|application|kotlin|java|org|plugins)/m.test(root) && !file.startsWith('settings') ? '' : 'app/';
  const task = isAndroid ? 'assembleRelease' : isBoot ? 'bootJar' : isApplication ? 'installDist' : 'assemble';
  const flags = '--no-daemon --console=plain';
  const steps = [usualStep('build', `${gradle.command} ${flags} ${task}`, project)];
  const test = firstFile(tree, tests);
  if (test !== null)
    steps.push(usualStep('test', `${gradle.command} ${flags} test`, evidenceAt(test, 'a test of the JVM')));
  const start = await gradleStart(tree, folder, isBoot, isApplication, text, script ?? file);
  const java =
    /(?:JavaLanguageVersion\.of|jvmToolchain)\(\s*(\d+)|(?:sourceCompatibility|targetCompatibility)\s*=\s*(?:JavaVersion\.VERSION_)?["']?([\d_.]+)/.exec(
      text,
    );
  return await detectedPlan(tree, {
    tool: 'gradle',
    requirements: [requirement('javac', project, java?.[1] ?? java?.[2] ?? null), ...gradle.requirements],
    steps,
    include: isAndroid
      ? ['**/build/outputs/**/*.apk']
      : isApplication
        ? [`${folder}build/install`]
        : ['**/build/libs/*.jar'],
    exclude: ['**/*-plain.jar'],
    start,
    evidence: [project],
  });
}

async function gradleStart(
  tree: ProjectTree,
  folder: string,
  isBoot: boolean,
  isApplication: boolean,
  text: string,
  file: string,
): Promise<Start | null> {
  const settingsFile = ['settings.gradle.kts', 'settings.gradle'].find(name => tree.has(name));
  const settings = settingsFile === undefined ? '' : ((await tree.readText(settingsFile)) ?? '');
  const named = /rootProject\.name\s*=\s*["']([\w.-]+)["']/.exec(settings)?.[1];
  const name = folder === 'app/' ? 'app' : named;
  if (name === undefined) return null;
  const version = /^[ \t]*version\s*=\s*["']([\w.-]+)["']/m.exec(text)?.[1];
  if (isBoot) {
    const jar = `${folder}build/libs/${name}${version === undefined ? '' : `-${version}`}.jar`;
    return { start: `java -jar ${jar}`, evidence: { file, line: 1, reason: 'bootJar makes one jar that is run' } };
  }
  if (!isApplication) return null;
  const script = `${folder}build/install/${name}/bin/${name}`;
  const start = tree.platform === 'win32' ? `${script.replaceAll('/', '\\')}.bat` : `./${script}`;
  return { start, evidence: { file, line: 1, reason: 'the plugin "application" installs a start script' } };
}

/** The wrapper in the tree brings the version that the project wants; without it, the program on the path. */
function wrapperOf(
  tree: ProjectTree,
  wrapper: string,
  program: string,
  project: Evidence,
): { command: string; requirements: ToolRequirement[] } {
  const isWindows = tree.platform === 'win32';
  const script = isWindows ? `${wrapper}.${wrapper === 'mvnw' ? 'cmd' : 'bat'}` : wrapper;
  if (!tree.has(script)) return { command: program, requirements: [requirement(program, project)] };
  // Through the shell, since commits from Windows lose the mark that makes a file executable.
  return { command: isWindows ? `.\\${script}` : `sh ./${script}`, requirements: [] };
}
