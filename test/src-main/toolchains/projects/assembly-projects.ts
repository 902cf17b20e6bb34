/** Programs in assembly, one row for each dialect, target and system. */
import type { Project } from './project.ts';

const masm64 =
  'extern ExitProcess:proc\n.data\nmsg db "hello",0\n.code\nmain proc\n  sub rsp, 28h\n  xor ecx, ecx\n  call ExitProcess\nmain endp\nend\n';
const masm32 =
  '.386\n.model flat, stdcall\noption casemap:none\nincludelib kernel32.lib\nExitProcess PROTO :DWORD\n.code\nstart:\n  invoke ExitProcess, 0\nend start\n';
const made = 'mkdir -p build && ';
const windows = '(if not exist build mkdir build) && ';

export const assemblyProjects: readonly Project[] = [
  {
    title: 'NASM, 64 bit',
    files: {
      'hello.asm':
        'section .data\nmsg: db "hi", 10\nlen equ $ - msg\nsection .text\nglobal _start\n_start:\n  mov rax, 1\n  syscall\n',
    },
    tool: 'nasm',
    run: [`${made}nasm -f elf64 -I. -o build/1.o hello.asm && ld -o build/hello build/1.o && rm -f build/1.o`],
    include: ['build'],
    programs: ['nasm', 'ld'],
  },
  {
    title: 'NASM, 32 bit by its interrupts',
    files: { 'hello.asm': 'section .text\n  global _start\n_start:\n  mov eax, 4\n  int 0x80\n' },
    tool: 'nasm',
    run: [
      `${made}nasm -f elf32 -I. -o build/1.o hello.asm && ld -m elf_i386 -o build/hello build/1.o && rm -f build/1.o`,
    ],
    include: ['build'],
  },
  {
    title: 'NASM, two sources and the C library',
    files: {
      'src/main.asm': 'extern printf, add2\nglobal main\nsection .text\nmain:\n  call add2\n  ret\n',
      'src/add.asm': 'global add2\nsection .text\nadd2:\n  lea rax, [rdi+rsi]\n  ret\n',
    },
    tool: 'nasm',
    run: [
      `${made}nasm -f elf64 -I. -o build/1.o src/add.asm && nasm -f elf64 -I. -o build/2.o src/main.asm && cc -no-pie -o build/main build/1.o build/2.o && rm -f build/1.o build/2.o`,
    ],
    include: ['build'],
    programs: ['nasm', 'cc'],
  },
  {
    title: 'NASM boot sector',
    files: { 'boot.asm': '[org 0x7c00]\n[bits 16]\nstart:\n  cli\n  hlt\ntimes 510-($-$$) db 0\ndw 0xaa55\n' },
    tool: 'nasm',
    run: [`${made}nasm -f bin -I. -o build/boot.bin boot.asm`],
    include: ['build'],
    programs: ['nasm'],
  },
  {
    title: 'NASM for DOS',
    files: { 'hello.asm': 'org 100h\nsection .text\n  mov ah, 9\n  int 21h\n  ret\n' },
    tool: 'nasm',
    run: [`${made}nasm -f bin -I. -o build/hello.com hello.asm`],
    include: ['build'],
  },
  {
    title: 'NASM on Windows',
    files: { 'hello.asm': 'default rel\nextern printf\nglobal main\nsection .text\nmain:\n  sub rsp, 40\n  ret\n' },
    tool: 'nasm',
    run: [
      `${windows}nasm -f win64 -I. -o build\\1.obj hello.asm && gcc -o build\\hello.exe build\\1.obj && del build\\1.obj`,
    ],
    include: ['build'],
    platform: 'win32',
  },
  {
    title: 'NASM on a Mac',
    files: { 'hello.asm': 'default rel\nglobal _main\nsection .text\n_main:\n  ret\n' },
    tool: 'nasm',
    run: [
      `${made}nasm -f macho64 -I. -o build/1.o hello.asm && cc -arch x86_64 -o build/hello build/1.o && rm -f build/1.o`,
    ],
    include: ['build'],
    platform: 'darwin',
  },
  {
    title: 'GAS, AT&T',
    files: { 'exit.s': '# leaves\n.section .text\n.globl _start\n_start:\n  movq $60, %rax\n  syscall\n' },
    tool: 'gas',
    run: [`${made}as -o build/1.o exit.s && ld -o build/exit build/1.o && rm -f build/1.o`],
    include: ['build'],
    programs: ['as', 'ld'],
  },
  {
    title: 'GAS, Intel syntax',
    files: { 'exit.s': '.intel_syntax noprefix\n.global main\n.text\nmain:\n  mov eax, 0\n  ret\n' },
    tool: 'gas',
    run: [`${made}as -o build/1.o exit.s && cc -no-pie -o build/exit build/1.o && rm -f build/1.o`],
    include: ['build'],
    programs: ['as', 'cc'],
  },
  {
    title: 'GAS, 32 bit',
    files: { 'exit.s': '.code32\n.globl _start\n.text\n_start:\n  movl $1, %eax\n  int $0x80\n' },
    tool: 'gas',
    run: [`${made}as --32 -o build/1.o exit.s && ld -m elf_i386 -o build/exit build/1.o && rm -f build/1.o`],
    include: ['build'],
  },
  {
    title: 'GAS through the preprocessor',
    files: { 'start.S': '#include <sys/syscall.h>\n.globl _start\n.text\n_start:\n  mov $SYS_exit, %rax\n  syscall\n' },
    tool: 'gas',
    run: [`${made}cc -c -o build/1.o start.S && ld -o build/start build/1.o && rm -f build/1.o`],
    include: ['build'],
    programs: ['cc', 'ld'],
  },
  {
    title: 'GAS boot sector',
    files: { 'boot.s': '.code16\n.globl _start\n.text\n_start:\n  hlt\n.org 510\n.word 0xaa55\n' },
    tool: 'gas',
    run: [
      `${made}as --32 -o build/1.o boot.s && ld -m elf_i386 --oformat binary -Ttext 0x7c00 -e 0 -o build/boot.bin build/1.o && rm -f build/1.o`,
    ],
    include: ['build'],
  },
  {
    title: 'GAS for arm64, elsewhere',
    files: { 'hello.s': '.global _start\n.text\n_start:\n  mov x0, #0\n  mov x8, #93\n  svc #0\n' },
    tool: 'gas',
    run: [
      `${made}aarch64-linux-gnu-as -o build/1.o hello.s && aarch64-linux-gnu-ld -o build/hello build/1.o && rm -f build/1.o`,
    ],
    include: ['build'],
    programs: ['aarch64-linux-gnu-as', 'aarch64-linux-gnu-ld'],
  },
  {
    title: 'GAS for arm64, at home',
    files: { 'hello.s': '.global _start\n.text\n_start:\n  mov x0, #0\n  mov x8, #93\n  svc #0\n' },
    tool: 'gas',
    run: [`${made}as -o build/1.o hello.s && ld -o build/hello build/1.o && rm -f build/1.o`],
    include: ['build'],
    arch: 'arm64',
  },
  {
    title: 'GAS for RISC-V',
    files: { 'hello.s': '.globl _start\n.text\n_start:\n  li a7, 93\n  ecall\n' },
    tool: 'gas',
    run: [
      `${made}riscv64-linux-gnu-as -o build/1.o hello.s && riscv64-linux-gnu-ld -o build/hello build/1.o && rm -f build/1.o`,
    ],
    include: ['build'],
  },
  {
    title: 'MASM, 64 bit, on Windows',
    files: { 'hello.asm': masm64 },
    tool: 'masm',
    run: [
      `${windows}ml64 /nologo /c /Fobuild\\1.obj hello.asm && link /nologo /subsystem:console /entry:main /out:build\\hello.exe build\\1.obj kernel32.lib user32.lib && del build\\1.obj`,
    ],
    include: ['build'],
    programs: ['ml64', 'link'],
    platform: 'win32',
  },
  {
    title: 'MASM, 32 bit, on Windows',
    files: { 'hello.asm': masm32 },
    tool: 'masm',
    run: [
      `${windows}ml /nologo /c /coff /Fobuild\\1.obj hello.asm && link /nologo /subsystem:console /entry:start /out:build\\hello.exe build\\1.obj kernel32.lib user32.lib && del build\\1.obj`,
    ],
    include: ['build'],
    programs: ['ml', 'link'],
    platform: 'win32',
  },
  {
    title: 'MASM for Windows, on Linux',
    files: { 'hello.asm': masm64 },
    tool: 'masm',
    run: [
      `${made}uasm -win64 -Fobuild/1.o hello.asm && x86_64-w64-mingw32-gcc -nostdlib -Wl,-e,main -o build/hello.exe build/1.o -lkernel32 -luser32 && rm -f build/1.o`,
    ],
    include: ['build'],
    programs: ['uasm', 'x86_64-w64-mingw32-gcc'],
  },
  {
    title: 'MASM for Linux',
    files: { 'sum.asm': '.code\npublic main\nmain proc\n  mov rax, qword ptr [rdi]\n  ret\nmain endp\nend\n' },
    tool: 'masm',
    run: [`${made}uasm -elf64 -Fobuild/1.o sum.asm && cc -no-pie -o build/sum build/1.o && rm -f build/1.o`],
    include: ['build'],
    programs: ['uasm', 'cc'],
  },
  {
    title: 'MASM for DOS',
    files: {
      'hello.asm':
        '.model small\n.stack 100h\n.data\nmsg db "hi$"\n.code\nmain proc\n  mov ax, @data\n  int 21h\nmain endp\nend main\n',
    },
    tool: 'masm',
    run: [`${made}uasm -mz -Fobuild/hello.exe hello.asm`],
    include: ['build'],
  },
  {
    title: 'flat assembler',
    files: {
      'hello.asm':
        'format ELF64 executable 3\nsegment readable executable\nentry start\nstart:\n  mov edi, 0\n  syscall\n',
    },
    tool: 'fasm',
    run: [`${made}fasm hello.asm build/hello`],
    include: ['build'],
    programs: ['fasm'],
  },
];
