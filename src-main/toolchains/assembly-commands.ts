/** Owns the command lines that assemble and link a program: one assembler and one linker for each dialect, target and system. */
import type { AssemblySource, AssemblyTarget, Machine } from './assembly-dialect.ts';
import { shellWord } from './project-tree.ts';

export interface AssemblyBuild {
  /** The format of what comes out, as the assembler names it. */
  readonly format: string;
  readonly linker: string;
  readonly programs: readonly string[];
  readonly commands: readonly string[];
}

interface Recipe {
  readonly format: string;
  readonly linker: string;
  readonly programs: readonly string[];
  /** The command that makes `object` of `source`; both are words of the shell. */
  readonly assemble: (source: string, object: string) => string;
  /** The command that makes `program` of `objects`. Null where assembling makes the program. */
  readonly link: ((program: string, objects: string) => string) | null;
  /** Of the program's file: `.exe`, `.bin`, or nothing. */
  readonly suffix: string;
}

/** Prefixes of the GNU tools for another machine, as Debian and Fedora name them. */
const crossPrefixes: Readonly<Record<Machine, string>> = {
  x86: 'x86_64-linux-gnu-',
  arm64: 'aarch64-linux-gnu-',
  arm: 'arm-linux-gnueabihf-',
  riscv64: 'riscv64-linux-gnu-',
};
const ownMachines: Readonly<Record<string, Machine>> = {
  x64: 'x86',
  ia32: 'x86',
  arm64: 'arm64',
  arm: 'arm',
  riscv64: 'riscv64',
};

/** What builds the sources here; null where no command of this system can, or a name has no form in its shell. */
export function assemblyCommands(
  platform: NodeJS.Platform,
  arch: string,
  sources: readonly AssemblySource[],
  target: AssemblyTarget,
): AssemblyBuild | null {
  const recipe = recipeFor(platform, arch, sources, target);
  if (recipe === null) return null;
  const isWindows = platform === 'win32';
  const stem = target.main.file.slice(target.main.file.lastIndexOf('/') + 1).replace(/\.[^.]+$/, '');
  const program = shellWord(`build/${stem}${recipe.suffix}`, platform);
  if (program === null) return null;
  const commands = [isWindows ? '(if not exist build mkdir build)' : 'mkdir -p build'];
  const objects: string[] = [];
  for (const [index, { file }] of sources.entries()) {
    const object = shellWord(`build/${index + 1}.${isWindows ? 'obj' : 'o'}`, platform);
    const source = shellWord(file, platform);
    if (source === null || object === null) return null;
    objects.push(object);
    commands.push(recipe.assemble(source, recipe.link === null ? program : object));
  }
  if (recipe.link !== null) {
    const all = objects.join(' ');
    commands.push(recipe.link(program, all), `${isWindows ? 'del' : 'rm -f'} ${all}`);
  }
  return { format: recipe.format, linker: recipe.linker, programs: recipe.programs, commands };
}

function recipeFor(
  platform: NodeJS.Platform,
  arch: string,
  sources: readonly AssemblySource[],
  target: AssemblyTarget,
): Recipe | null {
  switch (target.main.dialect) {
    case 'nasm':
      return nasmRecipe(platform, target);
    case 'gas':
      return gasRecipe(platform, ownMachines[arch] ?? null, sources, target);
    case 'masm':
      return masmRecipe(platform, sources, target);
    case 'fasm':
      return {
        format: 'the format that the source names',
        linker: 'fasm',
        programs: ['fasm'],
        assemble: (source, object) => `fasm ${source} ${object}`,
        link: null,
        suffix: /^[ \t]*format\s+binary\b/im.test(target.main.text) ? '.bin' : '',
      };
  }
}

function nasmRecipe(platform: NodeJS.Platform, target: AssemblyTarget): Recipe | null {
  const assembleAs = (format: string) => (source: string, object: string) =>
    `nasm -f ${format} -I. -o ${object} ${source}`;
  if (target.flatAt !== null) {
    // DOS loads a .com file at 100h; everything else is read by whoever knows its address.
    const suffix = /^(?:0x100|100h|256)$/i.test(target.flatAt) ? '.com' : '.bin';
    return { format: 'bin', linker: 'none', programs: ['nasm'], assemble: assembleAs('bin'), link: null, suffix };
  }
  const is32 = target.bits === 32;
  if (target.bits === 16) return null;
  if (platform === 'win32') {
    const format = is32 ? 'win32' : 'win64';
    const link = (program: string, objects: string) => `gcc${is32 ? ' -m32' : ''} -o ${program} ${objects}`;
    return { format, linker: 'gcc', programs: ['nasm', 'gcc'], assemble: assembleAs(format), link, suffix: '.exe' };
  }
  if (platform === 'darwin') {
    // Programs for Linux's system calls assemble and crash here, so only what the C library starts is built.
    if (target.entry !== '_main' || is32) return null;
    const link = (program: string, objects: string) => `cc -arch x86_64 -o ${program} ${objects}`;
    return {
      format: 'macho64',
      linker: 'cc',
      programs: ['nasm', 'cc'],
      assemble: assembleAs('macho64'),
      link,
      suffix: '',
    };
  }
  const format = is32 ? 'elf32' : 'elf64';
  const linker = target.entry === 'main' ? 'cc' : 'ld';
  const link = (program: string, objects: string) =>
    `${linkLinux(linker, is32, target.entry)} -o ${program} ${objects}`;
  return { format, linker, programs: ['nasm', linker], assemble: assembleAs(format), link, suffix: '' };
}

/** Without position independence: hand-written code loads addresses as it likes. */
function linkLinux(linker: 'cc' | 'ld', is32: boolean, entry: string | null): string {
  if (linker === 'cc') return `cc${is32 ? ' -m32' : ''} -no-pie`;
  return `ld${is32 ? ' -m elf_i386' : ''}${entry === '_start' || entry === null ? '' : ` -e ${entry}`}`;
}

function gasRecipe(
  platform: NodeJS.Platform,
  own: Machine | null,
  sources: readonly AssemblySource[],
  target: AssemblyTarget,
): Recipe | null {
  if (platform === 'win32') {
    if (target.machine !== 'x86' || target.entry !== 'main') return null;
    const assemble = (source: string, object: string) => `gcc -c -o ${object} ${source}`;
    const link = (program: string, objects: string) => `gcc -o ${program} ${objects}`;
    return { format: 'pe-x86-64', linker: 'gcc', programs: ['gcc'], assemble, link, suffix: '.exe' };
  }
  if (platform === 'darwin') {
    if (target.entry !== '_main') return null;
    const flag = target.machine === 'arm64' ? '-arch arm64' : '-arch x86_64';
    const assemble = (source: string, object: string) => `cc ${flag} -c -o ${object} ${source}`;
    const link = (program: string, objects: string) => `cc ${flag} -o ${program} ${objects}`;
    return { format: 'macho64', linker: 'cc', programs: ['cc'], assemble, link, suffix: '' };
  }
  const prefix = own === target.machine ? '' : crossPrefixes[target.machine];
  const is32 = target.machine === 'x86' && target.bits !== 64;
  // A .S file goes through the preprocessor of C, which the assembler alone does not know.
  const isPreprocessed = sources.some(({ file }) => file.endsWith('.S'));
  const compiler = prefix === '' ? 'cc' : `${prefix}gcc`;
  const assembler = isPreprocessed ? compiler : `${prefix}as`;
  const flags = isPreprocessed ? `${is32 ? ' -m32' : ''} -c` : is32 ? ' --32' : '';
  const assemble = (source: string, object: string) => `${assembler}${flags} -o ${object} ${source}`;
  if (target.flatAt !== null) {
    const linker = `${prefix}ld`;
    const link = (program: string, objects: string) =>
      `${linker} -m elf_i386 --oformat binary -Ttext ${target.flatAt} -e 0 -o ${program} ${objects}`;
    return { format: 'binary', linker, programs: [assembler, linker], assemble, link, suffix: '.bin' };
  }
  const usesLibrary = target.entry === 'main';
  const linker = usesLibrary ? compiler : `${prefix}ld`;
  const emulation = usesLibrary ? `${is32 ? ' -m32' : ''} -no-pie` : is32 ? ' -m elf_i386' : '';
  const entry = usesLibrary || target.entry === '_start' ? '' : ` -e ${target.entry}`;
  const link = (program: string, objects: string) => `${linker}${emulation}${entry} -o ${program} ${objects}`;
  const format = `elf${target.bits === 64 ? 64 : 32}`;
  return { format, linker, programs: [assembler, linker], assemble, link, suffix: '' };
}

/** Whether the program calls Windows, wherever it is built. */
const callsWindows =
  /\b(?:ExitProcess|GetStdHandle|WriteConsole[AW]?|WriteFile|MessageBox[AW]?)\b|includelib|windows\.inc/i;

/**
 * ml64 and ml on Windows; elsewhere UASM, which reads the same language and writes the same formats.
 * Sources: "MASM for x64 (ml64.exe)" on Microsoft Learn; UASM's manual, chapter "Command line options".
 */
function masmRecipe(
  platform: NodeJS.Platform,
  sources: readonly AssemblySource[],
  target: AssemblyTarget,
): Recipe | null {
  const is32 = target.bits === 32;
  const forWindows = sources.some(({ text }) => callsWindows.test(text));
  if (target.flatAt !== null || target.bits === 16) {
    // UASM alone writes flat and DOS programs; Microsoft's 16-bit linker is not sold any more.
    const isFlat = target.flatAt !== null;
    const assemble = (source: string, object: string) => `uasm ${isFlat ? '-bin' : '-mz'} -Fo${object} ${source}`;
    const suffix = isFlat ? '.com' : '.exe';
    return { format: isFlat ? 'bin' : 'mz', linker: 'none', programs: ['uasm'], assemble, link: null, suffix };
  }
  if (platform === 'win32') {
    const program = is32 ? 'ml' : 'ml64';
    const assemble = (source: string, object: string) =>
      `${program} /nologo /c${is32 ? ' /coff' : ''} /Fo${object} ${source}`;
    const link = (file: string, objects: string) =>
      `link /nologo /subsystem:console /entry:${target.entry} /out:${file} ${objects} kernel32.lib user32.lib`;
    return {
      format: is32 ? 'coff' : 'win64',
      linker: 'link',
      programs: [program, 'link'],
      assemble,
      link,
      suffix: '.exe',
    };
  }
  const format = forWindows ? (is32 ? 'coff' : 'win64') : is32 ? 'elf' : 'elf64';
  const assemble = (source: string, object: string) => `uasm -${format} -Fo${object} ${source}`;
  if (forWindows) {
    const linker = `${is32 ? 'i686' : 'x86_64'}-w64-mingw32-gcc`;
    const link = (file: string, objects: string) =>
      `${linker} -nostdlib -Wl,-e,${target.entry} -o ${file} ${objects} -lkernel32 -luser32`;
    return { format, linker, programs: ['uasm', linker], assemble, link, suffix: '.exe' };
  }
  if (platform !== 'linux') return null;
  const linker = target.entry === 'main' ? 'cc' : 'ld';
  const link = (file: string, objects: string) => `${linkLinux(linker, is32, target.entry)} -o ${file} ${objects}`;
  return { format, linker, programs: ['uasm', linker], assemble, link, suffix: '' };
}
