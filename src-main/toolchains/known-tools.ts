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

const jdk = { apt: 'default-jdk', brew: 'openjdk', winget: 'EclipseAdoptium.Temurin.21.JDK' } as const;
const haskell = { apt: 'ghc', brew: 'ghcup', winget: 'download GHCup from https://www.haskell.org/ghcup' } as const;
const uasm =
  'download UASM, which assembles MASM sources, from https://www.terraspace.co.uk/uasm.html and put it on the PATH';
const visualStudio =
  'download the Visual Studio Build Tools (workload "Desktop development with C++") from https://visualstudio.microsoft.com/downloads and start Slipway from their command prompt';
const poetry = 'pipx install poetry && pipx inject poetry poetry-plugin-export';

/** GNU tools for another machine. Homebrew and winget have none that link for Linux. */
function crossTools(machine: string): KnownTool {
  const other = `download the GNU tools for ${machine} from https://developer.arm.com or build there`;
  return { apt: `binutils-${machine}`, brew: other, winget: other };
}

function crossCompiler(machine: string): KnownTool {
  return { ...crossTools(machine), apt: `gcc-${machine}` };
}

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
  as: { ...compiler, apt: 'binutils' },
  fasm: { versionArguments: ['-h'], apt: 'fasm', brew: 'fasm', winget: 'download fasm from https://flatassembler.net' },
  uasm: { versionArguments: ['-?'], apt: uasm, brew: uasm, winget: uasm },
  ml64: { versionArguments: ['/?'], apt: visualStudio, brew: visualStudio, winget: visualStudio },
  ml: { versionArguments: ['/?'], apt: visualStudio, brew: visualStudio, winget: visualStudio },
  link: { versionArguments: ['/?'], apt: visualStudio, brew: visualStudio, winget: visualStudio },
  'x86_64-w64-mingw32-gcc': {
    apt: 'gcc-mingw-w64-x86-64',
    brew: 'mingw-w64',
    winget: 'BrechtSanders.WinLibs.POSIX.UCRT',
  },
  'i686-w64-mingw32-gcc': { apt: 'gcc-mingw-w64-i686', brew: 'mingw-w64', winget: 'BrechtSanders.WinLibs.POSIX.UCRT' },
  'aarch64-linux-gnu-as': crossTools('aarch64-linux-gnu'),
  'aarch64-linux-gnu-ld': crossTools('aarch64-linux-gnu'),
  'aarch64-linux-gnu-gcc': crossCompiler('aarch64-linux-gnu'),
  'arm-linux-gnueabihf-as': crossTools('arm-linux-gnueabihf'),
  'arm-linux-gnueabihf-ld': crossTools('arm-linux-gnueabihf'),
  'arm-linux-gnueabihf-gcc': crossCompiler('arm-linux-gnueabihf'),
  'riscv64-linux-gnu-as': crossTools('riscv64-linux-gnu'),
  'riscv64-linux-gnu-ld': crossTools('riscv64-linux-gnu'),
  'riscv64-linux-gnu-gcc': crossCompiler('riscv64-linux-gnu'),
  'x86_64-linux-gnu-as': crossTools('x86-64-linux-gnu'),
  'x86_64-linux-gnu-ld': crossTools('x86-64-linux-gnu'),
  'x86_64-linux-gnu-gcc': crossCompiler('x86-64-linux-gnu'),
  meson: { apt: 'meson', brew: 'meson', winget: 'mesonbuild.meson' },
  ninja: { apt: 'ninja-build', brew: 'ninja', winget: 'Ninja-build.Ninja' },
  autoreconf: { apt: 'autoconf automake libtool', brew: 'autoconf automake libtool', winget: 'MSYS2.MSYS2' },
  automake: { apt: 'automake', brew: 'automake', winget: 'MSYS2.MSYS2' },
  zig: {
    versionArguments: ['version'],
    apt: 'download Zig from https://ziglang.org/download',
    brew: 'zig',
    winget: 'zig.zig',
  },
  java: { ...jdk, versionArguments: ['-version'] },
  javac: { ...jdk, versionArguments: ['-version'] },
  mvn: { apt: 'maven', brew: 'maven', winget: 'Apache.Maven' },
  gradle: { apt: 'gradle', brew: 'gradle', winget: 'Gradle.Gradle' },
  dotnet: { apt: 'dotnet-sdk-9.0', brew: 'dotnet', winget: 'Microsoft.DotNet.SDK.9' },
  swift: { apt: 'download Swift from https://www.swift.org/install', brew: 'swift', winget: 'Swift.Toolchain' },
  ghc: { ...haskell, apt: 'ghc' },
  cabal: { ...haskell, apt: 'cabal-install' },
  stack: { apt: 'haskell-stack', brew: 'haskell-stack', winget: 'commercialhaskell.stack' },
  opam: { apt: 'opam', brew: 'opam', winget: 'OCaml.opam' },
  ocaml: { versionArguments: ['-version'], apt: 'ocaml', brew: 'ocaml', winget: 'OCaml.opam' },
  dune: { apt: 'ocaml-dune', brew: 'dune', winget: 'OCaml.opam' },
  ruby: { apt: 'ruby-full', brew: 'ruby', winget: 'RubyInstallerTeam.RubyWithDevKit.3.4' },
  bundle: { apt: 'ruby-bundler', brew: 'ruby', winget: 'RubyInstallerTeam.RubyWithDevKit.3.4' },
  php: { apt: 'php-cli', brew: 'php', winget: 'PHP.PHP.8.4' },
  composer: { apt: 'composer', brew: 'composer', winget: 'download Composer from https://getcomposer.org/download' },
  elixir: { apt: 'elixir', brew: 'elixir', winget: 'Elixir.Elixir' },
  mix: { apt: 'elixir', brew: 'elixir', winget: 'Elixir.Elixir' },
  erl: {
    versionArguments: ['-noshell', '-eval', 'io:format("~s~n", [erlang:system_info(otp_release)]), halt().'],
    apt: 'erlang',
    brew: 'erlang',
    winget: 'Erlang.ErlangOTP',
  },
  rebar3: {
    versionArguments: ['version'],
    apt: 'rebar3',
    brew: 'rebar3',
    winget: 'download rebar3 from https://rebar3.org',
  },
  gleam: {
    apt: 'download Gleam from https://gleam.run/getting-started/installing',
    brew: 'gleam',
    winget: 'Gleam.Gleam',
  },
  perl: { apt: 'perl', brew: 'perl', winget: 'StrawberryPerl.StrawberryPerl' },
  cpanm: { apt: 'cpanminus', brew: 'cpanminus', winget: 'StrawberryPerl.StrawberryPerl' },
  bats: { apt: 'bats', brew: 'bats-core', winget: 'npm install --global bats' },
  poetry: { apt: poetry, brew: poetry, winget: poetry },
  pipenv: { apt: 'pipenv', brew: 'pipenv', winget: 'pip install --user pipenv' },
  pdm: { apt: 'pipx install pdm', brew: 'pdm', winget: 'pip install --user pdm' },
  hugo: { versionArguments: ['version'], apt: 'hugo', brew: 'hugo', winget: 'Hugo.Hugo.Extended' },
  zola: {
    apt: 'download Zola from https://www.getzola.org/documentation/getting-started/installation',
    brew: 'zola',
    winget: 'getzola.zola',
  },
  mdbook: { apt: 'cargo install mdbook', brew: 'mdbook', winget: 'Rustlang.mdBook' },
  mkdocs: { apt: 'mkdocs', brew: 'mkdocs', winget: 'pip install --user mkdocs' },
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
  const isWhole = /^(?:cargo|curl|download|npm|pip|pipx|xcode-select) /.test(name);
  return isWhole ? name : `${installer} ${name}`;
}
