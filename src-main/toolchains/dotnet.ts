/** Owns how a .NET solution or project (C#, F#, Visual Basic) is recognised, published and started. */
import { type DetectedPlan, detectedPlan, evidenceAt, requirement, type Start, usualStep } from './detected-plan.ts';
import type { ProjectTree } from './project-tree.ts';

/** Projects of a solution that are read. */
const maxProjects = 100;
const testProject = /Microsoft\.NET\.Test\.Sdk|<IsTestProject>\s*true/;

/** A solution at the root, or a project at the root or in src/. The one project that runs is published into publish/. */
export async function detectDotnet(tree: ProjectTree): Promise<DetectedPlan | null> {
  const solution = tree.files.find(path => /^[^/]+\.slnx?$/.test(path));
  const paths = tree.files.filter(path => /\.(?:cs|fs|vb)proj$/.test(path)).slice(0, maxProjects);
  const [only] = paths.filter(path => /^(?:src\/)?[^/]+$/.test(path));
  const marker = solution ?? only;
  if (marker === undefined || paths.length === 0 || /["\s$`%;&|]/.test(paths.join(''))) return null;
  const projects: { file: string; text: string }[] = [];
  for (const file of paths) projects.push({ file, text: (await tree.readText(file)) ?? '' });
  const runs = projects.filter(
    ({ text }) =>
      !testProject.test(text) &&
      (/Sdk="Microsoft\.NET\.Sdk\.(?:Web|Worker|BlazorWebAssembly)"/.test(text) ||
        /<OutputType>\s*(?:Win)?Exe\s*</i.test(text)),
  );
  const serves = runs.filter(({ text }) => /Sdk="Microsoft\.NET\.Sdk\.(?:Web|Worker)"/.test(text));
  const published = serves.length === 1 ? serves[0] : runs.length === 1 ? runs[0] : undefined;
  const project = evidenceAt(marker, solution === undefined ? 'a project of .NET' : 'a solution of .NET');
  const target = published?.file ?? marker;
  const run =
    published === undefined ? `dotnet build ${target} -c Release` : `dotnet publish ${target} -c Release -o publish`;
  const steps = [
    usualStep('build', run, published === undefined ? project : evidenceAt(target, 'the project that runs')),
  ];
  const test = projects.find(({ text }) => testProject.test(text));
  if (test !== undefined) {
    const command = `dotnet test ${solution ?? test.file} -c Release`;
    steps.push(usualStep('test', command, evidenceAt(test.file, 'a project of tests', test.text, testProject)));
  }
  const framework = /<TargetFrameworks?>\s*net(?:coreapp)?(\d+\.\d+)/.exec(projects.map(({ text }) => text).join('\n'));
  return await detectedPlan(tree, {
    tool: 'dotnet',
    requirements: [requirement('dotnet', project, framework?.[1] ?? null)],
    steps,
    env: { DOTNET_CLI_TELEMETRY_OPTOUT: '1', DOTNET_NOLOGO: '1' },
    ...(published === undefined ? { exclude: ['**/obj'] } : { include: ['publish'] }),
    start: serves.length === 1 && published !== undefined ? startOf(published) : null,
    evidence: [project],
  });
}

function startOf(project: { file: string; text: string }): Start {
  const stem = project.file.slice(project.file.lastIndexOf('/') + 1).replace(/\.\w+$/, '');
  const assembly = /<AssemblyName>\s*([\w.-]+)\s*</.exec(project.text)?.[1] ?? stem;
  return {
    start: `dotnet publish/${assembly}.dll`,
    evidence: evidenceAt(project.file, 'the one project that serves', project.text, /Sdk="/),
  };
}
