/** Projects of compiled languages, with the files that such projects have. */
import { empty, json, type Project } from './project.ts';

const pom = (more: string, version = '1.0.0') =>
  `<project>\n  <modelVersion>4.0.0</modelVersion>\n  <groupId>org.example</groupId>\n  <artifactId>board</artifactId>\n  <version>${version}</version>\n  ${more}\n</project>\n`;
const sdk = (name: string, more = '') =>
  `<Project Sdk="Microsoft.NET.Sdk${name}">\n<PropertyGroup><TargetFramework>net9.0</TargetFramework>${more}</PropertyGroup></Project>\n`;
const tests =
  '<Project Sdk="Microsoft.NET.Sdk"><ItemGroup><PackageReference Include="Microsoft.NET.Test.Sdk" /></ItemGroup></Project>';
const cmake = ['cmake -S . -B build -DCMAKE_BUILD_TYPE=Release', 'cmake --build build --config Release --parallel'];
const goApi = {
  'go.mod': 'module example.org/api\n\ngo 1.24\n\ntoolchain go1.24.3\n',
  'main.go': 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":80", nil) }\n',
};
const goBuild = 'go build -trimpath -buildvcs=false -o bin/ ./...';
const crate = (dependencies = '') =>
  `[package]\nname = "api"\nversion = "0.1.0"\nedition = "2024"\n\n[dependencies]\n${dependencies}`;
const gradle = '--no-daemon --console=plain';

export const compiledProjects: readonly Project[] = [
  {
    title: 'CMake with tests, C++',
    files: {
      'CMakeLists.txt':
        'cmake_minimum_required(VERSION 3.20)\nproject(app LANGUAGES CXX)\nenable_testing()\nadd_executable(app src/main.cpp)\n',
      ...empty('src/main.cpp'),
    },
    tool: 'cmake',
    run: [...cmake, 'ctest --test-dir build -C Release --output-on-failure'],
    include: ['build'],
    programs: ['cmake', 'c++'],
    versions: { cmake: '3.20' },
  },
  {
    title: 'CMake, C',
    files: {
      'CMakeLists.txt': 'project(lib C)\nadd_library(lib a.c)\n',
      Makefile: 'all:\n\tcmake .\n',
      ...empty('a.c'),
    },
    tool: 'cmake',
    run: cmake,
    include: ['build'],
    programs: ['cmake', 'cc'],
  },
  {
    title: 'Meson',
    files: {
      'meson.build': "project('app', 'c', meson_version: '>=1.1')\nexecutable('app', 'main.c')\ntest('t', app)\n",
      ...empty('main.c'),
    },
    tool: 'meson',
    run: ['meson setup build --buildtype=release', 'meson compile -C build', 'meson test -C build --print-errorlogs'],
    include: ['build'],
    programs: ['meson', 'ninja'],
    versions: { meson: '1.1' },
  },
  {
    title: 'Autotools from a checkout',
    files: {
      'configure.ac': 'AC_INIT([app],[1.0])\nAM_INIT_AUTOMAKE\n',
      'Makefile.am': 'bin_PROGRAMS = app\nTESTS = t.sh\n',
      ...empty('main.c'),
    },
    tool: 'autotools',
    run: ['autoreconf --force --install', 'sh ./configure', 'make', 'make check'],
    programs: ['autoreconf', 'automake', 'make', 'cc'],
  },
  {
    title: 'Autotools with autogen.sh',
    files: { 'configure.ac': 'AC_INIT([app],[1.0])\n', ...empty('autogen.sh', 'main.c') },
    tool: 'autotools',
    run: ['NOCONFIGURE=1 sh ./autogen.sh', 'sh ./configure', 'make'],
  },
  {
    title: 'make in the way of small C programs',
    files: { Makefile: 'CC = gcc\nall: tool\ntool: main.o\ncheck: tool\n\t./tool --self-test\n', ...empty('main.c') },
    tool: 'make',
    run: ['make', 'make check'],
    programs: ['make'],
  },
  {
    title: 'make that drives NASM',
    files: { makefile: 'os.bin: boot.asm\n\tnasm -f bin boot.asm -o os.bin\n', 'boot.asm': 'org 0x7c00\n' },
    tool: 'make',
    run: ['make'],
    programs: ['make', 'nasm'],
  },
  {
    title: 'Zig',
    files: {
      'build.zig':
        'const std = @import("std");\npub fn build(b: *std.Build) void {\n  const t = b.step("test", "");\n}\n',
      'build.zig.zon': '.{ .name = .app, .minimum_zig_version = "0.14.0" }\n',
      ...empty('src/main.zig'),
    },
    tool: 'zig',
    run: ['zig build -Doptimize=ReleaseSafe', 'zig build test'],
    include: ['zig-out'],
    versions: { zig: '0.14.0' },
  },
  {
    title: 'Spring Boot with Maven and its wrapper',
    files: {
      'pom.xml': pom(
        '<parent><artifactId>spring-boot-starter-parent</artifactId><version>3.5.0</version></parent><properties><java.version>21</java.version></properties><build><plugins><plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build>',
      ),
      ...empty(
        'mvnw',
        'mvnw.cmd',
        'src/main/java/App.java',
        'src/test/java/AppTest.java',
        'src/main/resources/db/migration/V1__init.sql',
      ),
    },
    tool: 'maven',
    run: ['sh ./mvnw -B -ntp -DskipTests package', 'sh ./mvnw -B -ntp test'],
    include: ['target/*.jar'],
    start: 'java -jar target/board-1.0.0.jar',
    programs: ['javac'],
    versions: { javac: '21' },
    migrations: ['sh ./mvnw -B -ntp flyway:migrate'],
  },
  {
    title: 'a library with Maven',
    files: { 'pom.xml': pom(''), ...empty('src/main/java/Lib.java') },
    tool: 'maven',
    run: ['mvn -B -ntp -DskipTests package'],
    include: ['target/*.jar'],
    programs: ['javac', 'mvn'],
  },
  {
    title: 'modules of Maven',
    files: {
      'pom.xml': pom('<modules><module>a</module></modules>'),
      'a/pom.xml': pom(''),
      ...empty('a/src/main/java/A.java'),
    },
    tool: 'maven',
    run: ['mvn -B -ntp -DskipTests package'],
    include: ['**/target/*.jar', '**/target/*.war'],
  },
  {
    title: 'Quarkus',
    files: {
      'pom.xml': pom(
        '<build><plugins><plugin><artifactId>quarkus-maven-plugin</artifactId></plugin></plugins></build>',
      ),
    },
    tool: 'maven',
    run: ['mvn -B -ntp -DskipTests package'],
    include: ['target/quarkus-app'],
    start: 'java -jar target/quarkus-app/quarkus-run.jar',
  },
  {
    title: 'a web archive on Windows',
    files: { 'pom.xml': pom('<packaging>war</packaging>'), ...empty('mvnw', 'mvnw.cmd') },
    tool: 'maven',
    run: ['.\\mvnw.cmd -B -ntp -DskipTests package'],
    include: ['target/*.war'],
    platform: 'win32',
  },
  {
    title: 'Spring Boot with Gradle in Kotlin',
    files: {
      'build.gradle.kts':
        'plugins {\n  id("org.springframework.boot") version "3.5.0"\n  kotlin("jvm")\n}\nversion = "1.2"\nkotlin { jvmToolchain(21) }\n',
      'settings.gradle.kts': 'rootProject.name = "board"\n',
      ...empty('gradlew', 'gradlew.bat', 'src/main/kotlin/App.kt', 'src/test/kotlin/AppTest.kt'),
    },
    tool: 'gradle',
    run: [`sh ./gradlew ${gradle} bootJar`, `sh ./gradlew ${gradle} test`],
    include: ['**/build/libs/*.jar'],
    start: 'java -jar build/libs/board-1.2.jar',
    versions: { javac: '21' },
  },
  {
    title: 'gradle init, an application in app/',
    files: {
      'settings.gradle.kts': 'rootProject.name = "tool"\ninclude("app")\n',
      'app/build.gradle.kts': 'plugins {\n    application\n}\n',
      ...empty('gradlew', 'app/src/main/java/App.java'),
    },
    tool: 'gradle',
    run: [`sh ./gradlew ${gradle} installDist`],
    include: ['app/build/install'],
    start: './app/build/install/app/bin/app',
  },
  {
    title: 'a library with Gradle in Groovy',
    files: { 'build.gradle': "plugins { id 'java-library' }\nsourceCompatibility = '17'\n" },
    tool: 'gradle',
    run: [`gradle ${gradle} assemble`],
    include: ['**/build/libs/*.jar'],
    programs: ['javac', 'gradle'],
    versions: { javac: '17' },
  },
  {
    title: 'ASP.NET with tests and EF Core',
    files: {
      'Board.sln': '',
      'src/Board/Board.csproj': sdk('.Web'),
      'src/Board/Migrations/BoardContextModelSnapshot.cs': '',
      'tests/Board.Tests/Board.Tests.csproj': tests,
      'global.json': json({ sdk: { version: '9.0.100' } }),
    },
    tool: 'dotnet',
    run: ['dotnet publish src/Board/Board.csproj -c Release -o publish', 'dotnet test Board.sln -c Release'],
    include: ['publish'],
    start: 'dotnet publish/Board.dll',
    versions: { dotnet: '9.0.100' },
    migrations: ['dotnet ef database update --project src/Board/Board.csproj'],
  },
  {
    title: 'a console program of .NET',
    files: { 'tool.csproj': sdk('', '<OutputType>Exe</OutputType>'), 'Program.cs': '' },
    tool: 'dotnet',
    run: ['dotnet publish tool.csproj -c Release -o publish'],
    include: ['publish'],
    versions: { dotnet: '9.0' },
  },
  {
    title: 'a library in F#',
    files: { 'lib.fsproj': sdk('') },
    tool: 'dotnet',
    run: ['dotnet build lib.fsproj -c Release'],
  },
  {
    title: 'Vapor',
    files: {
      'Package.swift':
        '// swift-tools-version:6.0\nimport PackageDescription\nlet package = Package(name: "api", dependencies: [.package(url: "https://github.com/vapor/vapor.git", from: "4.0.0")], targets: [.executableTarget(name: "App")])\n',
      ...empty('Sources/App/main.swift', 'Tests/AppTests/AppTests.swift'),
    },
    tool: 'swift',
    run: ['swift build -c release', 'swift test'],
    include: ['.build/release/App', '.build/release/*.resources'],
    start: './.build/release/App',
    versions: { swift: '6.0' },
  },
  {
    title: 'a library in Swift',
    files: {
      'Package.swift':
        '// swift-tools-version: 5.9\nlet package = Package(name: "lib", targets: [.target(name: "Lib")])\n',
      '.swift-version': '5.10\n',
    },
    tool: 'swift',
    run: ['swift build -c release'],
    versions: { swift: '5.10' },
  },
  {
    title: 'Haskell with Stack',
    files: {
      'stack.yaml': 'resolver: lts-23.0\n',
      'package.yaml':
        'name: api\nexecutables:\n  api-exe:\n    main: Main.hs\ntests:\n  api-test:\n    main: Spec.hs\n',
    },
    tool: 'haskell',
    run: ['mkdir -p bin && stack build --copy-bins --local-bin-path bin', 'stack test'],
    include: ['bin'],
    programs: ['stack'],
  },
  {
    title: 'Haskell with Cabal, served by Scotty',
    files: { 'api.cabal': 'cabal-version: 3.0\nname: api\nexecutable api\n  build-depends: base, scotty\n' },
    tool: 'haskell',
    run: [
      'cabal update',
      'mkdir -p bin && cabal install exe:all --install-method=copy --overwrite-policy=always --installdir=bin',
    ],
    include: ['bin'],
    start: './bin/api',
    programs: ['ghc', 'cabal'],
  },
  {
    title: 'OCaml with opam',
    files: { 'dune-project': '(lang dune 3.17)\n', 'app.opam': '', ...empty('bin/dune', 'bin/main.ml', 'test/dune') },
    tool: 'ocaml',
    run: [
      'opam install . --deps-only --with-test --yes',
      'opam exec -- dune build --profile release',
      'opam exec -- dune runtest',
    ],
    include: ['_build/default'],
    programs: ['opam'],
  },
  {
    title: 'OCaml with dune alone',
    files: { 'dune-project': '(lang dune 3.17)\n', ...empty('dune', 'main.ml') },
    tool: 'ocaml',
    run: ['dune build --profile release'],
    include: ['_build/default'],
    versions: { dune: '3.17' },
  },
  {
    title: 'Go, with golang-migrate and its pages in web/',
    files: {
      ...goApi,
      'db/migrations/000001_init.up.sql': '',
      'db/migrations/000001_init.down.sql': '',
      'web/package.json': '{}',
    },
    tool: 'go',
    run: [goBuild],
    include: ['bin'],
    start: './bin/api',
    versions: { go: '1.24.3' },
    migrations: ['migrate -path db/migrations -database "$DATABASE_URL" up'],
    roots: ['web node'],
  },
  {
    title: 'Go with goose, version by mise',
    files: {
      ...goApi,
      'migrations/00001_init.sql': '-- +goose Up\nselect 1;\n',
      'mise.toml': '[env]\ngo = "9"\n[tools]\ngo = "1.25.1"\nnode = "22"\n',
    },
    tool: 'go',
    run: [goBuild],
    include: ['bin', 'migrations'],
    start: './bin/api',
    versions: { go: '1.25.1' },
    migrations: ['goose -dir migrations up'],
  },
  {
    title: 'Go with dbmate',
    files: { ...goApi, 'db/migrations/20240101_init.sql': '-- migrate:up\nselect 1;\n' },
    tool: 'go',
    run: [goBuild],
    include: ['bin'],
    start: './bin/api',
    migrations: ['dbmate --no-dump-schema migrate'],
  },
  {
    title: 'Rust with sqlx and a toolchain',
    files: {
      'Cargo.toml': crate('axum = "0.8"\nsqlx = "0.8"\n'),
      'Cargo.lock': '',
      'rust-toolchain.toml': '[toolchain]\nchannel = "1.86.0"\n',
      'src/main.rs': 'fn main() {}\n',
      'migrations/20240101_init.sql': '',
    },
    tool: 'rust',
    run: ['cargo build --release --locked'],
    include: ['target/release/api'],
    start: './target/release/api',
    versions: { cargo: '1.86.0', rustc: '1.86.0' },
    migrations: ['sqlx migrate run'],
  },
  {
    title: 'Rust with Diesel',
    files: {
      'Cargo.toml': crate('diesel = "2"\nrocket = "0.5"\n'),
      'diesel.toml': '[print_schema]\nfile = "src/schema.rs"\n',
      'src/main.rs': '',
      'migrations/2024_init/up.sql': '',
    },
    tool: 'rust',
    run: ['cargo build --release'],
    include: ['target/release/api'],
    start: './target/release/api',
    migrations: ['diesel migration run'],
  },
  {
    title: 'Rust and pages side by side',
    files: {
      'Cargo.toml': crate(),
      'src/main.rs': '',
      'frontend/package.json': '{}',
      'examples/x/Cargo.toml': crate(),
    },
    tool: 'rust',
    run: ['cargo build --release'],
    include: ['target/release/api'],
    roots: ['frontend node'],
  },
];
