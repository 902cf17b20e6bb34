/** Plans that are carried out: the tools that this machine has build small programs, and the programs run. */
import { execFile } from 'node:child_process';
import { access, constants, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../../src-main/contract/plan.ts';
import { planFor } from '../../../src-main/toolchains/plan.ts';
import { resolveTools } from '../../../src-main/toolchains/resolve-tools.ts';
import { projectFolder } from '../../support/project-folder.ts';

const run = promisify(execFile);

async function isInstalled(program: string): Promise<boolean> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = await Promise.all(
    folders.map(folder =>
      access(join(folder, program), constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

const isLinux = process.platform === 'linux' && process.arch === 'x64';
const has = async (...programs: string[]) => isLinux && (await Promise.all(programs.map(isInstalled))).every(Boolean);
const canAssemble = await has('as', 'ld');
const canCompile = await has('cmake', 'ctest', 'cc', 'make');
const canPerl = await has('perl', 'prove');
const canNasm = await has('nasm', 'ld');

/** Plans and builds; each step's output. */
async function build(
  files: Readonly<Record<string, string>>,
): Promise<{ root: string; plan: Plan; outputs: string[] }> {
  const root = await projectFolder(files);
  const plan = await planFor(root);
  await resolveTools(plan.requirements, process.env.PATH ?? '');
  const outputs: string[] = [];
  for (const step of plan.steps) outputs.push((await run('/bin/sh', ['-c', step.run], { cwd: root })).stdout);
  return { root, plan, outputs };
}

const exitCodeOf = (program: string): Promise<unknown> =>
  run(program).then(
    () => 0,
    (error: { code?: unknown }) => error.code,
  );

describe('a real build', () => {
  it.skipIf(!canAssemble)('of the GNU assembler: a program that ends with 42', async () => {
    const { root, plan } = await build({
      'answer.s': '.globl _start\n.text\n_start:\n  movq $60, %rax\n  movq $42, %rdi\n  syscall\n',
    });
    expect(plan.tool).toBe('gas');
    expect(await exitCodeOf(join(root, 'build/answer'))).toBe(42);
  });

  it.skipIf(!canAssemble)('of the GNU assembler: a boot sector of 512 bytes', async () => {
    const { root } = await build({
      'boot.s': '.code16\n.globl _start\n.text\n_start:\n  hlt\n  jmp _start\n.org 510\n.word 0xaa55\n',
    });
    const bytes = await readFile(join(root, 'build/boot.bin'));
    expect([bytes.length, bytes[0], bytes[510], bytes[511]]).toEqual([512, 0xf4, 0x55, 0xaa]);
  });

  it.skipIf(!canNasm)('of NASM: a program that ends with 42', async () => {
    const { root } = await build({
      'answer.asm': 'global _start\nsection .text\n_start:\n  mov rax, 60\n  mov rdi, 42\n  syscall\n',
    });
    expect(await exitCodeOf(join(root, 'build/answer'))).toBe(42);
  });

  it.skipIf(!canCompile)('of CMake, with its test', async () => {
    const { root, plan, outputs } = await build({
      'CMakeLists.txt':
        'cmake_minimum_required(VERSION 3.10)\nproject(hello C)\nenable_testing()\nadd_executable(hello main.c)\nadd_test(NAME says COMMAND hello)\n',
      'main.c': '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n',
    });
    expect(plan.tool).toBe('cmake');
    expect(outputs.at(-1)).toContain('100% tests passed');
    expect((await run(join(root, 'build/hello'))).stdout).toBe('hello\n');
  });

  it.skipIf(!canPerl)('of Perl, with its tests', async () => {
    const { plan, outputs } = await build({
      cpanfile: "requires 'perl', '5.010';\n",
      'lib/Sum.pm': 'package Sum; sub two { $_[0] + $_[1] } 1;\n',
      't/sum.t': 'use Test::More tests => 1; use Sum; is(Sum::two(1, 2), 3);\n',
    });
    expect(plan.tool).toBe('perl');
    expect(outputs.at(-1)).toContain('All tests successful');
  });
});
