/** Programs from their source to what they print: a commit is planned, built by a worker, unpacked from the store and run. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { endsWithFile } from '../../support/for-this-file.ts';
import { has, realBuildMs, startRealBuilds } from '../../support/real-builds.ts';

const canAssemble = await has('as', 'ld');
const canMake = await has('cc', 'make');
const canCompile = await has('cmake', 'ctest', 'cc', 'make');
const canPerl = await has('perl', 'prove');
const canNasm = await has('nasm', 'ld');
const canGo = await has('go');
const canRust = await has('cargo', 'rustc', 'cc');

const onEnd = endsWithFile();
let build: Awaited<ReturnType<typeof startRealBuilds>>;
beforeAll(async () => {
  build = await startRealBuilds(onEnd);
});

/** Writes a line, then ends with 42: the calls `write` and `exit` of Linux on x86-64. */
const gas = `.globl _start
.data
line: .ascii "afloat\\n"
.text
_start:
  movq $1, %rax
  movq $1, %rdi
  leaq line(%rip), %rsi
  movq $7, %rdx
  syscall
  movq $60, %rax
  movq $42, %rdi
  syscall
`;
const nasm = `global _start
section .data
line: db "afloat", 10
section .text
_start:
  mov rax, 1
  mov rdi, 1
  mov rsi, line
  mov rdx, 7
  syscall
  mov rax, 60
  mov rdi, 42
  syscall
`;

describe('a real build', { timeout: realBuildMs }, () => {
  it.skipIf(!canAssemble)('of the GNU assembler: a program that ends with 42', async () => {
    const release = await build({ files: { 'answer.s': gas } });
    expect(release.plan).toMatchObject({ tool: 'gas', origin: 'detected' });
    expect(await release.run('build/answer')).toEqual({ exitCode: 42, stdout: 'afloat\n' });
  });

  it.skipIf(!canAssemble)('of the GNU assembler: a boot sector of 512 bytes', async () => {
    const { folder } = await build({
      files: { 'boot.s': '.code16\n.globl _start\n.text\n_start:\n  hlt\n  jmp _start\n.org 510\n.word 0xaa55\n' },
    });
    const bytes = await readFile(join(folder, 'build/boot.bin'));
    expect([bytes.length, bytes[0], bytes[510], bytes[511]]).toEqual([512, 0xf4, 0x55, 0xaa]);
  });

  it.skipIf(!canNasm)('of NASM: a program that ends with 42', async () => {
    const release = await build({ files: { 'answer.asm': nasm } });
    expect(release.plan.tool).toBe('nasm');
    expect(await release.run('build/answer')).toEqual({ exitCode: 42, stdout: 'afloat\n' });
  });

  it.skipIf(!canMake)('of C with make, with its test', async () => {
    const release = await build({
      files: {
        Makefile:
          'hello: main.o greeting.o\n\t$(CC) -o $@ $^\n%.o: %.c greeting.h\n\t$(CC) -Wall -Werror -c $<\ncheck: hello\n\ttest "$$(./hello tests)" = "hello, tests"\n',
        'greeting.h': 'const char *greeting(void);\n',
        'greeting.c': '#include "greeting.h"\nconst char *greeting(void) { return "hello"; }\n',
        'main.c':
          '#include <stdio.h>\n#include "greeting.h"\nint main(int count, char **words) {\n  printf("%s, %s\\n", greeting(), count > 1 ? words[1] : "world");\n  return 0;\n}\n',
      },
    });
    expect(release.plan.tool).toBe('make');
    expect(release.plan.steps.map(step => step.run)).toEqual(['make', 'make check']);
    expect(await release.run('hello', 'harbour')).toEqual({ exitCode: 0, stdout: 'hello, harbour\n' });
  });

  it.skipIf(!canCompile)('of CMake, with its test', async () => {
    const release = await build({
      files: {
        'CMakeLists.txt':
          'cmake_minimum_required(VERSION 3.10)\nproject(hello C)\nenable_testing()\nadd_executable(hello main.c)\nadd_test(NAME says COMMAND hello)\n',
        'main.c': '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n',
      },
    });
    expect(release.plan.tool).toBe('cmake');
    expect(release.log).toContain('100% tests passed');
    expect(await release.run('build/hello')).toEqual({ exitCode: 0, stdout: 'hello\n' });
  });

  it.skipIf(!canGo)('of Go, with its test', async () => {
    const release = await build({
      files: {
        'go.mod': 'module example.com/tide\n\ngo 1.19\n',
        'main.go':
          'package main\n\nimport (\n\t"os"\n\n\t"example.com/tide/table"\n)\n\nfunc main() { os.Stdout.WriteString(table.Next(os.Args[1]) + "\\n") }\n',
        'table/table.go':
          'package table\n\nfunc Next(now string) string {\n\tif now == "ebb" {\n\t\treturn "flood"\n\t}\n\treturn "ebb"\n}\n',
        'table/table_test.go':
          'package table\n\nimport "testing"\n\nfunc TestNext(t *testing.T) {\n\tif Next("ebb") != "flood" {\n\t\tt.Fatal("no flood")\n\t}\n}\n',
      },
      variables: { GOPROXY: 'off' },
    });
    expect(release.plan.tool).toBe('go');
    expect(release.log).toMatch(/ok\s+example\.com\/tide\/table/);
    expect(await release.run('bin/tide', 'ebb')).toEqual({ exitCode: 0, stdout: 'flood\n' });
  });

  it.skipIf(!canRust)('of Rust, with its test', async () => {
    const release = await build({
      files: {
        'Cargo.toml': '[package]\nname = "knots"\nversion = "0.1.0"\nedition = "2021"\n',
        'Cargo.lock': 'version = 3\n\n[[package]]\nname = "knots"\nversion = "0.1.0"\n',
        'src/main.rs':
          'fn knots(kmh: f64) -> f64 { kmh / 1.852 }\n\nfn main() {\n    let kmh = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0.0);\n    println!("{:.1} kn", knots(kmh));\n}\n\n#[test]\nfn converts() {\n    assert_eq!(knots(18.52), 10.0);\n}\n',
      },
      variables: { CARGO_NET_OFFLINE: 'true' },
    });
    expect(release.plan.tool).toBe('rust');
    expect(release.log).toContain('1 passed');
    expect(await release.run('target/release/knots', '18.52')).toEqual({ exitCode: 0, stdout: '10.0 kn\n' });
  });

  it.skipIf(!canPerl)('of Perl, with its tests', async () => {
    const release = await build({
      files: {
        cpanfile: "requires 'perl', '5.010';\n",
        'lib/Sum.pm': 'package Sum; sub two { $_[0] + $_[1] } 1;\n',
        't/sum.t': 'use Test::More tests => 1; use Sum; is(Sum::two(1, 2), 3);\n',
      },
    });
    expect(release.plan.tool).toBe('perl');
    expect(release.log).toContain('All tests successful');
  });
});
