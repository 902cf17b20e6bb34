/** Owns telling the dialects of assembly apart, and what a source says of its target. Knows no command line. */

export type Dialect = 'nasm' | 'gas' | 'masm' | 'fasm';
export type Machine = 'x86' | 'arm64' | 'arm' | 'riscv64';

export interface AssemblySource {
  readonly file: string;
  readonly text: string;
  readonly dialect: Dialect;
}

export interface AssemblyTarget {
  readonly machine: Machine;
  readonly bits: 16 | 32 | 64;
  /** The symbol at which the program begins; null for a flat binary, which begins at its first byte. */
  readonly entry: string | null;
  /** Where a flat binary is loaded, as written in the source; null where it is linked. */
  readonly flatAt: string | null;
  /** The source whose name the program takes. */
  readonly main: AssemblySource;
}

type Marks = readonly (readonly [RegExp, number])[];

/**
 * Each pattern that is found counts once, with its weight. Sources: the manuals of NASM (chapter 2.2, "for MASM users"), of GNU
 * as (sections 7 and 9.16) and of MASM ("Directives reference"), flat assembler's manual (section 2.4, "Output formats").
 */
const marks: Readonly<Record<Dialect, Marks>> = {
  gas: [
    [/^[ \t]*\.(?:globl|global|section|text|data|bss|rodata)\b(?![ \t]*(?:proc|code))/m, 2],
    [
      /^[ \t]*\.(?:type|size|ascii|asciz|string|byte|long|quad|align|balign|equ|set|cfi_\w+|code(?:16|32|64)|arch|cpu)\b/m,
      2,
    ],
    [/^[ \t]*\.(?:intel_syntax|att_syntax)\b/m, 5],
    [/%(?:[re]?[abcd]x|[re]?[sd]i|[re]?[sb]p|r\d+[dwb]?|[abcd][lh])\b/, 3],
    [/^[ \t]*(?:mov|add|sub|lea|cmp|xor)[bwlq][ \t]/m, 1],
    [/^[ \t]*(?:svc|ecall)\b/m, 3],
    [/^[ \t]*(?:#|\/\/|\/\*)/m, 1],
  ],
  nasm: [
    [/^[ \t]*(?:section|segment)[ \t]+\.\w+/im, 2],
    [/^[ \t]*global[ \t]+[\w.$]+/im, 2],
    [/^[ \t]*extern[ \t]+[\w.$]+[ \t]*(?:,|;|$)/im, 1],
    [/^[ \t]*\[?[ \t]*(?:bits[ \t]+(?:16|32|64)|org[ \t]+\w+|cpu[ \t]+\w+)\b/im, 2],
    [/^[ \t]*default[ \t]+(?:rel|abs)\b/im, 3],
    [/^[ \t]*%(?:define|macro|include|ifdef|assign|rep|xdefine)\b/im, 3],
    [/\b(?:resb|resw|resd|resq|times)[ \t]+\S/i, 2],
    [/^[ \t]*(?:\w+:?[ \t]+)?equ[ \t]+\$[ \t]*-/im, 1],
  ],
  masm: [
    [/^[ \t]*\.(?:code|model|stack|data\?|const)\b/im, 3],
    [/^[ \t]*\.(?:386|486|586|686|mmx|xmm|8086|286)p?\b/im, 3],
    [/^[ \t]*[\w@?]+[ \t]+(?:proc|endp|ends|segment|struct?)\b/im, 3],
    [/^[ \t]*end(?:[ \t]+[\w@?]+)?[ \t]*(?:;.*)?$/im, 2],
    [/^[ \t]*(?:invoke|includelib|option[ \t]+casemap|extrn|extern[ \t]+\w+[ \t]*:[ \t]*proc|public)\b/im, 3],
    [/\b(?:byte|word|dword|qword)[ \t]+ptr\b/i, 1],
    [/\b(?:offset|dup[ \t]*\()/i, 1],
    [/^[ \t]*\.data[ \t]*$/im, 1],
  ],
  fasm: [
    [/^[ \t]*format[ \t]+(?:elf(?:64)?|pe(?:64)?|mz|coff|ms[ \t]+coff|binary)\b/im, 9],
    [/^[ \t]*(?:entry[ \t]+\w+|segment[ \t]+readable|section[ \t]+'[^']+')/im, 4],
    [/^[ \t]*\w+[ \t]*(?:equ|=)[ \t]*\$[ \t]*-/im, 1],
  ],
};

/** The dialect of a source; null where nothing tells one. An extension alone tells none: `.asm` and `.s` are used by all. */
export function dialectOf(file: string, text: string): Dialect | null {
  const code = withoutStrings(text);
  const scores = (['gas', 'masm', 'nasm', 'fasm'] as const).map(dialect => ({
    dialect,
    score: marks[dialect].reduce((sum, [pattern, weight]) => sum + (pattern.test(code) ? weight : 0), 0),
  }));
  // A file for the preprocessor of C is GNU's, and no other assembler has that extension.
  if (/\.S$/.test(file) && scores[0]) scores[0].score += 3;
  if (/\.nasm$/i.test(file) && scores[2]) scores[2].score += 3;
  const [best, second] = scores.sort((a, b) => b.score - a.score);
  if (best === undefined || best.score < 2 || best.score === second?.score) return null;
  return best.dialect;
}

/** Words of a message are no directives. A comment of MASM and NASM is cut too, where it cannot be anything else. */
function withoutStrings(text: string): string {
  return text.replace(/"[^"\n]*"/g, '""').replace(/^([^"'\n]*?);.*$/gm, '$1');
}

/** What the sources of one dialect say of their target; null where they make neither a program nor a flat binary. */
export function targetOf(sources: readonly AssemblySource[]): AssemblyTarget | null {
  const [first] = sources;
  if (first === undefined) return null;
  const all = sources.map(({ text }) => withoutStrings(text)).join('\n');
  const machine = machineOf(all, first.dialect);
  const bits = bitsOf(all, first.dialect, machine);
  for (const source of sources) {
    const flatAt = flatAddress(withoutStrings(source.text), first.dialect);
    if (flatAt !== null) return { machine, bits, entry: null, flatAt, main: source };
  }
  for (const name of ['_start', 'main', '_main', 'start', 'WinMain', 'mainCRTStartup']) {
    const main = sources.find(({ text }) => exportsEntry(withoutStrings(text), first.dialect, name));
    if (main !== undefined) return { machine, bits, entry: name, flatAt: null, main };
  }
  const named = sources.find(({ text }) => entryAfterEnd(text) !== null);
  if (first.dialect === 'masm' && named !== undefined) {
    return { machine, bits, entry: entryAfterEnd(named.text), flatAt: null, main: named };
  }
  return null;
}

/** `END main` names the entry of a MASM program. */
function entryAfterEnd(text: string): string | null {
  return /^[ \t]*end[ \t]+([A-Za-z_@?]\w*)/im.exec(withoutStrings(text))?.[1] ?? null;
}

function exportsEntry(text: string, dialect: Dialect, name: string): boolean {
  switch (dialect) {
    case 'gas':
      return new RegExp(`^[ \\t]*\\.glob(?:a)?l[ \\t]+(?:[\\w$]+[ \\t]*,[ \\t]*)*${name}\\b`, 'm').test(text);
    case 'nasm':
      return new RegExp(`^[ \\t]*global[ \\t]+(?:[\\w$]+[ \\t]*,[ \\t]*)*${name}\\b`, 'im').test(text);
    case 'masm':
      return new RegExp(`^[ \\t]*(?:${name}[ \\t]+proc\\b|public[ \\t]+${name}\\b)`, 'm').test(text);
    case 'fasm':
      return new RegExp(`^[ \\t]*(?:entry[ \\t]+|public[ \\t]+)${name}\\b|^${name}:`, 'm').test(text);
  }
}

function flatAddress(text: string, dialect: Dialect): string | null {
  if (dialect === 'nasm') return /^[ \t]*\[?[ \t]*org[ \t]+([\w$]+)/im.exec(text)?.[1] ?? null;
  if (dialect === 'masm') return /^[ \t]*org[ \t]+(100h|7c00h)\b/im.exec(text)?.[1] ?? null;
  if (dialect === 'fasm') return /^[ \t]*format[ \t]+binary\b/im.test(text) ? '0' : null;
  // A boot sector: 16-bit code with the BIOS's signature in its last two bytes.
  return /^[ \t]*\.code16\b/m.test(text) && /0xaa55/i.test(text) ? '0x7c00' : null;
}

function machineOf(text: string, dialect: Dialect): Machine {
  if (dialect !== 'gas') return 'x86';
  if (/%[re]?[abcd]x\b|%r\d|^[ \t]*syscall\b|\bint[ \t]+\$?0x80|\b[re][abcd]x\b/m.test(text)) return 'x86';
  if (/^[ \t]*ecall\b|\ba[0-7],|^[ \t]*li[ \t]+a\d/m.test(text)) return 'riscv64';
  if (/^[ \t]*(?:mov|ldr|adr|adrp|stp|sub|add)[ \t]+(?:x\d+|w\d+|sp)\b|^[ \t]*svc[ \t]+#?0x80/m.test(text))
    return 'arm64';
  if (/^[ \t]*(?:swi|svc)\b|^[ \t]*(?:mov|ldr|push)[ \t]+\{?r\d+/m.test(text)) return 'arm';
  return 'x86';
}

function bitsOf(text: string, dialect: Dialect, machine: Machine): 16 | 32 | 64 {
  if (machine !== 'x86') return machine === 'arm' ? 32 : 64;
  const [, told] = /^[ \t]*\[?[ \t]*(?:bits|use|\.code)[ \t]*(16|32|64)\b/im.exec(text) ?? [];
  if (told !== undefined) return told === '16' ? 16 : told === '32' ? 32 : 64;
  if (/\br(?:[abcd]x|[sd]i|[sb]p|\d+)\b|^[ \t]*syscall\b/im.test(text)) return 64;
  if (dialect === 'masm') {
    if (/^[ \t]*\.(?:model[ \t]+(?:tiny|small|compact|medium|large)|8086|286)\b/im.test(text)) return 16;
    return /^[ \t]*\.(?:[3-6]86|model[ \t]+flat)/im.test(text) ? 32 : 64;
  }
  if (/^[ \t]*format[ \t]+(?:elf64|pe64)/im.test(text)) return 64;
  if (/^[ \t]*format[ \t]+(?:elf|pe|coff)\b/im.test(text)) return 32;
  if (/\borg[ \t]+(?:0x7c00|0x100|7c00h|100h)/im.test(text)) return 16;
  return /\bint[ \t]+\$?(?:0x80|80h)/i.test(text) ? 32 : 64;
}
