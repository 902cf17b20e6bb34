/** Owns what is known of each tool: how it tells its version, where else it lies, and how a person installs it. */

export interface KnownTool {
  /** Programs to look for, the first that works; without it, the tool's own name. */
  readonly programs?: readonly string[];
  /** Without it, `--version`. */
  readonly versionArguments?: readonly string[];
  /** Whether only the first program on the path counts, since the steps will call that one. */
  readonly isFirstOnly?: boolean;
  /** Package names for the platform's installer; a text with a space is a whole instruction. */
  readonly apt: string;
  readonly brew: string;
  readonly winget: string;
}

const rustup = {
  apt: 'curl --proto "=https" --tlsv1.2 -sSf https://sh.rustup.rs | sh',
  brew: 'rustup',
  winget: 'Rustlang.Rustup',
} as const;
const node = { apt: 'nodejs npm', brew: 'node', winget: 'OpenJS.NodeJS.LTS' } as const;
const python = { apt: 'python3 python3-pip', brew: 'python', winget: 'Python.Python.3.13' } as const;
const compiler = { apt: 'build-essential', brew: 'xcode-select --install', winget: 'LLVM.LLVM' } as const;

export const knownTools: Readonly<Record<string, KnownTool>> = {
  node,
  npm: node,
  npx: node,
  pnpm: { apt: 'npm install --global pnpm', brew: 'pnpm', winget: 'pnpm.pnpm' },
  yarn: { apt: 'npm install --global yarn', brew: 'yarn', winget: 'Yarn.Yarn' },
  bun: { apt: 'npm install --global bun', brew: 'oven-sh/bun/bun', winget: 'Oven-sh.Bun' },
  deno: { apt: 'npm install --global deno', brew: 'deno', winget: 'DenoLand.Deno' },
  python,
  python3: python,
  pip: {
    ...python,
    isFirstOnly: true,
    programs: ['python3', 'python'],
    versionArguments: ['-m', 'pip', '--version'],
  },
  pip3: python,
  uv: { apt: 'curl -LsSf https://astral.sh/uv/install.sh | sh', brew: 'uv', winget: 'astral-sh.uv' },
  go: { versionArguments: ['version'], apt: 'golang-go', brew: 'go', winget: 'GoLang.Go' },
  cargo: rustup,
  rustc: rustup,
  make: { apt: 'make', brew: 'xcode-select --install', winget: 'GnuWin32.Make' },
  cmake: { apt: 'cmake', brew: 'cmake', winget: 'Kitware.CMake' },
  cc: compiler,
  'c++': compiler,
  gcc: { ...compiler, apt: 'gcc' },
  'g++': { ...compiler, apt: 'g++' },
  clang: { ...compiler, apt: 'clang' },
  ld: { ...compiler, versionArguments: ['-v'], apt: 'binutils' },
  nasm: { versionArguments: ['-v'], apt: 'nasm', brew: 'nasm', winget: 'NASM.NASM' },
};

/** One instruction that installs `tool` on `platform`. */
export function installCommand(tool: string, platform: NodeJS.Platform): string {
  const known = Object.hasOwn(knownTools, tool) ? knownTools[tool] : undefined;
  if (known === undefined) return `install ${tool} and put it on the PATH`;
  const [installer, name] =
    platform === 'win32'
      ? ['winget install --exact --id', known.winget]
      : platform === 'darwin'
        ? ['brew install', known.brew]
        : ['sudo apt-get install', known.apt];
  const isWhole = /^(?:curl|npm|xcode-select) /.test(name);
  return isWhole ? name : `${installer} ${name}`;
}
