/** Owns how a Swift package is recognised and built: one release binary for each executable target. */
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

const server = /\/(?:vapor|hummingbird|swift-nio|grpc-swift)(?:\.git)?"/;

/** A Package.swift at the root. Xcode projects are not built: they need signing, which a plan cannot know. */
export async function detectSwift(tree: ProjectTree): Promise<DetectedPlan | null> {
  const file = 'Package.swift';
  const text = await tree.readText(file);
  if (text === null) return null;
  const project = evidenceAt(file, 'a Swift package', text, /\bPackage\s*\(/);
  const steps = [usualStep('build', 'swift build -c release', project)];
  const test = firstFile(tree, /^Tests\/.+\.swift$/);
  if (test !== null) steps.push(usualStep('test', 'swift test', evidenceAt(test, 'a test of XCTest or Swift Testing')));
  const programs = [...text.matchAll(/\.executableTarget\s*\(\s*name:\s*"([\w-]+)"/g)].flatMap(
    ([, name]) => name ?? [],
  );
  const [program, second] = programs;
  const start: Start | null =
    program !== undefined && second === undefined && server.test(text)
      ? {
          start: `./.build/release/${program}`,
          evidence: evidenceAt(file, 'the one program that serves requests', text, server),
        }
      : null;
  return await detectedPlan(tree, {
    tool: 'swift',
    requirements: [requirement('swift', project, /swift-tools-version:\s*([\d.]+)/.exec(text)?.[1] ?? null)],
    steps,
    ...(programs.length === 0
      ? { exclude: ['.build'] }
      : { include: [...programs.map(name => `.build/release/${name}`), '.build/release/*.resources'] }),
    start,
    evidence: [project],
  });
}
