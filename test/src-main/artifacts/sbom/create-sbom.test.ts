import { expect, test } from 'vitest';
import { z } from 'zod';
import { createSbom } from '../../../../src-main/artifacts/sbom/create-sbom.ts';
import { parseSbom } from '../../../../src-main/artifacts/sbom/sbom-document.ts';

const about = { name: 'app', revision: 'f'.repeat(40) };
const sha256 = 'ab'.repeat(32);
const sha512 = Buffer.alloc(64, 7);
const integrity = `sha512-${sha512.toString('base64')}`;

function sbomOf(files: Readonly<Record<string, string>>) {
  return createSbom(
    { files: Object.keys(files), readText: async (path, maxBytes) => files[path]?.slice(0, maxBytes) ?? null },
    about,
  );
}

async function purlsOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  return parseSbom((await sbomOf(files)).bytes).components.map(component => component.purl);
}

/** The parts of CycloneDX 1.6 that we write, as its JSON schema has them: nothing else is allowed. */
const propertySchema = z.strictObject({ name: z.string(), value: z.string() });
const hashSchema = z.strictObject({
  alg: z.enum(['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512']),
  content: z.string().regex(/^([a-f0-9]{40}|[a-f0-9]{64}|[a-f0-9]{96}|[a-f0-9]{128})$/),
});
const componentSchema = z.strictObject({
  type: z.literal('library'),
  'bom-ref': z.string().min(1),
  group: z.string().optional(),
  name: z.string(),
  version: z.string().max(1024),
  purl: z.string(),
  hashes: z.array(hashSchema).min(1).optional(),
  properties: z.array(propertySchema),
});
const documentSchema = z.strictObject({
  $schema: z.literal('http://cyclonedx.org/schema/bom-1.6.schema.json'),
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.literal('1.6'),
  version: z.int().min(1),
  metadata: z.strictObject({
    tools: z.strictObject({
      components: z.array(z.strictObject({ type: z.literal('application'), name: z.string(), version: z.string() })),
    }),
    component: z.strictObject({
      type: z.literal('application'),
      'bom-ref': z.string().min(1),
      name: z.string(),
      version: z.string(),
    }),
    properties: z.array(propertySchema),
  }),
  components: z.array(componentSchema),
});

const locks: Readonly<Record<string, readonly [string, readonly string[]]>> = {
  'package-lock.json': [
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        '': { name: 'app', version: '1.0.0' },
        'node_modules/@scope/a': { version: '1.2.3', integrity },
        'node_modules/b/node_modules/c': { version: '2.0.0-rc.1+x' },
        'node_modules/alias': { name: 'real', version: '3.0.0' },
        'node_modules/linked': { resolved: 'packages/linked', link: true },
        'packages/linked': { version: '9.9.9' },
      },
    }),
    ['pkg:npm/%40scope/a@1.2.3', 'pkg:npm/c@2.0.0-rc.1%2Bx', 'pkg:npm/real@3.0.0'],
  ],
  'npm-shrinkwrap.json': [
    JSON.stringify({
      lockfileVersion: 1,
      dependencies: { a: { version: '1.0.0', dependencies: { b: { version: '2.0.0', integrity } } } },
    }),
    ['pkg:npm/a@1.0.0', 'pkg:npm/b@2.0.0'],
  ],
  'pnpm-lock.yaml': [
    `lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      a:\n        version: 1.0.0\n\npackages:\n\n  '@scope/a@1.0.0':\n    resolution: {integrity: ${integrity}}\n    engines: {node: '>=20'}\n\n  b@2.0.0(react@19.0.0):\n    resolution: {integrity: ${integrity}}\n\n  /old/1.1.0_react@17.0.0:\n    resolution: {integrity: ${integrity}}\n\nsnapshots:\n\n  c@3.0.0: {}\n`,
    ['pkg:npm/%40scope/a@1.0.0', 'pkg:npm/b@2.0.0', 'pkg:npm/old@1.1.0'],
  ],
  'yarn.lock': [
    `# yarn lockfile v1\n\n\n"@scope/a@^1.0.0", "@scope/a@^1.1.0":\n  version "1.1.0"\n  resolved "https://registry.yarnpkg.com/@scope/a/-/a-1.1.0.tgz#00"\n  integrity ${integrity}\n  dependencies:\n    version "9.9.9"\n\nb@2:\n  version "2.0.0"\n`,
    ['pkg:npm/%40scope/a@1.1.0', 'pkg:npm/b@2.0.0'],
  ],
  'berry/yarn.lock': [
    `__metadata:\n  version: 8\n\n"a@npm:^1.0.0, a@npm:^1.1.0":\n  version: 1.1.0\n  resolution: "a@npm:1.1.0"\n  checksum: 10c0/${'0'.repeat(128)}\n  languageName: node\n\n"app@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "app@workspace:."\n`,
    ['pkg:npm/a@1.1.0'],
  ],
  'Cargo.lock': [
    `version = 4\n\n[[package]]\nname = "app"\nversion = "0.1.0"\ndependencies = [\n "serde",\n]\n\n[[package]]\nname = "serde"\nversion = "1.0.200"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "${sha256}"\n`,
    ['pkg:cargo/serde@1.0.200'],
  ],
  'go.sum': [
    'github.com/Masterminds/semver/v3 v3.2.1 h1:abc=\ngithub.com/Masterminds/semver/v3 v3.2.1/go.mod h1:def=\ngolang.org/x/net v0.0.0-20210226172049-e18ecbb05110/go.mod h1:x=\n',
    ['pkg:golang/github.com/masterminds/semver/v3@v3.2.1'],
  ],
  'poetry.lock': [
    `[[package]]\nname = "Flask_Login"\nversion = "0.6.3"\ndescription = ""\nfiles = [\n    {file = "a.whl", hash = "sha256:${sha256}"},\n]\n\n[package.dependencies]\nversion = ">=1"\n\n[metadata]\nlock-version = "2.0"\n`,
    ['pkg:pypi/flask-login@0.6.3'],
  ],
  'uv.lock': [
    `version = 1\n\n[[package]]\nname = "app"\nversion = "0.1.0"\nsource = { editable = "." }\n\n[[package]]\nname = "idna"\nversion = "3.7"\nsource = { registry = "https://pypi.org/simple" }\nsdist = { url = "https://x/idna.tar.gz", hash = "sha256:${sha256}", size = 1 }\n`,
    ['pkg:pypi/idna@3.7'],
  ],
  'Pipfile.lock': [
    JSON.stringify({
      _meta: {},
      default: { six: { hashes: [`sha256:${sha256}`], version: '==1.16.0' } },
      develop: { own: { path: '.', editable: true } },
    }),
    ['pkg:pypi/six@1.16.0'],
  ],
  'requirements.txt': [
    `# pins\n-r other.txt\nDjango==5.0.1 ; python_version >= "3.10" \\\n    --hash=sha256:${sha256}\nuvicorn[standard]==0.29.0\nloose>=1.0\nwild==1.*\n`,
    ['pkg:pypi/django@5.0.1', 'pkg:pypi/uvicorn@0.29.0'],
  ],
  'composer.lock': [
    JSON.stringify({
      packages: [{ name: 'Symfony/console', version: 'v7.0.1', dist: { shasum: '' } }],
      'packages-dev': [{ name: 'phpunit/phpunit', version: '11.0.0' }],
    }),
    ['pkg:composer/phpunit/phpunit@11.0.0', 'pkg:composer/symfony/console@v7.0.1'],
  ],
  'Gemfile.lock': [
    `GIT\n  remote: x\n  specs:\n    own (0.1)\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    rails (7.1.3)\n      rack (>= 2)\n    rack (3.0.0)\n\nCHECKSUMS\n  rack (3.0.0) sha256=${sha256}\n`,
    ['pkg:gem/rack@3.0.0', 'pkg:gem/rails@7.1.3'],
  ],
  'mix.lock': [
    `%{\n  "jason": {:hex, :jason, "1.4.1", "${'1'.repeat(64)}", [:mix], [], "hexpm", "${sha256}"},\n  "own": {:git, "https://x/y.git", "abc", []},\n}\n`,
    ['pkg:hex/jason@1.4.1'],
  ],
};

test.each(Object.entries(locks))('%s names its packages, and not the project itself', async (path, [text, purls]) => {
  const sbom = await sbomOf({ [path]: text });
  expect(sbom.problems).toEqual([]);
  expect(parseSbom(sbom.bytes).components.map(component => component.purl)).toEqual(purls);
});

test('the document is CycloneDX 1.6, the same bytes whatever the order of the files, one component for each package', async () => {
  const files = Object.fromEntries(Object.entries(locks).map(([path, [text]]) => [path, text]));
  const twice = { ...files, 'web/package-lock.json': files['package-lock.json'] ?? '' };
  const sbom = await sbomOf(twice);
  const reversed = await sbomOf(Object.fromEntries(Object.entries(twice).reverse()));
  expect(Buffer.from(reversed.bytes).equals(sbom.bytes)).toBe(true);
  const document = documentSchema.parse(JSON.parse(Buffer.from(sbom.bytes).toString('utf8')));
  expect(new Set(document.components.map(component => component['bom-ref'])).size).toBe(document.components.length);
  expect(sbom.componentCount).toBe(document.components.length);
  const scoped = document.components.find(component => component.purl === 'pkg:npm/%40scope/a@1.2.3');
  expect(scoped).toMatchObject({
    group: '@scope',
    name: 'a',
    hashes: [{ alg: 'SHA-512', content: sha512.toString('hex') }],
    properties: [
      { name: 'slipway:lockfile', value: 'package-lock.json' },
      { name: 'slipway:lockfile', value: 'web/package-lock.json' },
    ],
  });
  const hashed = document.components.filter(component => component.hashes?.[0]?.content === sha256);
  expect(hashed.map(component => component.purl)).toEqual([
    'pkg:cargo/serde@1.0.200',
    'pkg:gem/rack@3.0.0',
    'pkg:hex/jason@1.4.1',
    'pkg:pypi/django@5.0.1',
    'pkg:pypi/flask-login@0.6.3',
    'pkg:pypi/idna@3.7',
    'pkg:pypi/six@1.16.0',
  ]);
});

test('sources without a lock file have an SBOM without components', async () => {
  expect(await purlsOf({ 'README.md': 'text', 'my-package-lock.json.bak': '{}' })).toEqual([]);
});

test('a lock file that is damaged, too large or unreadable is named, and the others are read', async () => {
  const sbom = await createSbom(
    {
      files: ['a/package-lock.json', 'b/Cargo.lock', 'c/go.sum', 'd/mix.lock'],
      readText: async (path, maxBytes) => {
        if (path.startsWith('a/')) return '{"packages": [';
        if (path.startsWith('b/')) return 'x'.repeat(maxBytes);
        return path.startsWith('c/') ? null : (locks['mix.lock']?.[0] ?? '');
      },
    },
    about,
  );
  expect(sbom.problems).toEqual([
    'a/package-lock.json is not in the form that its tool writes',
    'b/Cargo.lock is larger than 32 MiB',
    'c/go.sum cannot be read',
  ]);
  expect(parseSbom(sbom.bytes)).toMatchObject({ components: [{ name: 'jason' }], unread: sbom.problems });
});

test.each([
  [
    'JSON of a thousand levels',
    'package-lock.json',
    `${'{"dependencies":{"a":'.repeat(20_000)}{}${'}}'.repeat(20_000)}`,
  ],
  [
    'a prototype',
    'package-lock.json',
    '{"packages":{"__proto__":{"version":"1"},"node_modules/__proto__":{"version":"1.0.0"}}}',
  ],
  ['names that leave the path', 'go.sum', '../../x v1.0.0 h1:a\n/x v1 h1:a\na//b v1 h1:a\n'],
  ['terminal escapes', 'requirements.txt', 'a==1\u001b[2J\n\u202ea==1\n'],
  ['a name without end', 'Gemfile.lock', `GEM\n  specs:\n    ${'a'.repeat(1_000_000)} (1.0)\n`],
  ['a line of many quotes', 'poetry.lock', `[[package]]\nname = ${'"'.repeat(1_000_000)}\n`],
  ['many spaces', 'requirements.txt', `a${' '.repeat(1_000_000)}b\n`],
])('hostile: %s gives no component that could do harm', async (_, path, text) => {
  const sbom = await sbomOf({ [path]: text });
  for (const { purl, name } of parseSbom(sbom.bytes).components) {
    expect(purl).toMatch(/^pkg:[a-z]+\/[\w%.:~/-]+@[\w%.:~-]+$/);
    expect(name.length).toBeLessThan(500);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(Buffer.from(sbom.bytes).toString('utf8')).not.toMatch(/[\u001b\u202e]/);
});
