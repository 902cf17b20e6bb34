/** The ways in which files write versions, compared with what tools tell. */
import { expect, it } from 'vitest';
import { matchRequirement, matchVersion } from '../../../src-main/toolchains/version-ranges.ts';

it.each([
  ['20', '20.11.1', 'satisfies'],
  ['v20.11.1', '20.11.1', 'satisfies'],
  ['20.11.1', '20.11.2', 'differs'],
  ['20.1', '20.11.1', 'differs'],
  ['18.x', '18.20.2', 'satisfies'],
  ['18.x.x', '20.0.0', 'differs'],
  ['*', '1.0.0', 'satisfies'],
  ['^18.12 || >=20', '18.12.1', 'satisfies'],
  ['^18.12 || >=20', '18.11.0', 'differs'],
  ['^18.12 || >=20', '22.0.0', 'satisfies'],
  ['^0.2.3', '0.2.9', 'satisfies'],
  ['^0.2.3', '0.3.0', 'differs'],
  ['~1.2.3', '1.2.9', 'satisfies'],
  ['~1.2.3', '1.3.0', 'differs'],
  ['>= 18.0.0 < 21', '20.5.0', 'satisfies'],
  ['>=3.10,<3.13', '3.13.0', 'differs'],
  ['>=3.10, <3.13, !=3.11.*', '3.11.7', 'differs'],
  ['~=3.10', '3.12.1', 'satisfies'],
  ['~=3.10.2', '3.11.0', 'differs'],
  ['~> 3.2', '3.4.1', 'satisfies'],
  ['~> 3.2.1', '3.3.0', 'differs'],
  ['16 - 20', '20.9.0', 'satisfies'],
  ['16 - 20', '21.0.0', 'differs'],
  ['==3.12', '3.12.4', 'satisfies'],
  ['3.13.0rc1', '3.13.0', 'satisfies'],
  ['temurin-21.0.2+13.0.LTS', '21.0.2', 'satisfies'],
  ['21.0.2-tem', '21.0.2', 'satisfies'],
  ['graalvm-community-22', '17.0.9', 'differs'],
  ['26.2.1', '26', 'satisfies'],
  ['lts/iron', '20.0.0', 'unknown'],
  ['stable', '1.80.0', 'unknown'],
  ['nightly-2024-05-01', '1.80.0', 'unknown'],
  ['pypy3.10-7.3.12', '3.10.13', 'unknown'],
  ['>=20 || lts/*', '18.0.0', 'unknown'],
  ['20', 'no number', 'unknown'],
] as const)('%s asks for what %s is: %s', (stated, found, expected) => {
  expect(matchVersion(stated, found)).toBe(expected);
});

it.each([
  ['go', 'go.mod', '1.22', '1.24.2', 'satisfies'],
  ['go', 'go.mod', '1.22', '1.19.8', 'differs'],
  ['go', '.go-version', '1.22', '1.24.2', 'differs'],
  ['cargo', 'crates/a/Cargo.toml', '1.70', '1.95.0', 'satisfies'],
  ['cmake', 'CMakeLists.txt', '3.10...3.30', '3.25.1', 'satisfies'],
  ['javac', 'pom.xml', '1.8', '17.0.15', 'satisfies'],
  ['javac', '.java-version', '1.8', '1.8.0', 'satisfies'],
  ['java', '.java-version', '11.0', '11.0.2', 'satisfies'],
  ['php', 'composer.json', '~8.1', '8.3.0', 'satisfies'],
  ['node', 'package.json', '~8.1', '8.3.0', 'differs'],
  ['dotnet', 'global.json', '8.0.100', '9.0.100', 'unknown'],
] as const)('%s in %s: %s and %s: %s', (program, file, version, found, expected) => {
  const requirement = { program, version, evidence: { file, line: 1, reason: 'a test' } };
  expect(matchRequirement(requirement, found)).toBe(expected);
});
