/** Projects of Node: frameworks, workspaces, migrations, and the files that state versions. */
import { empty, json, type Project } from './project.ts';

const npm = 'npm install --no-audit --no-fund';
const ci = 'npm ci --no-audit --no-fund';
const prune = 'npm prune --omit=dev --ignore-scripts --no-audit --no-fund';

interface Shape {
  readonly scripts?: Record<string, string>;
  readonly dependencies?: readonly string[];
  readonly devDependencies?: readonly string[];
  readonly more?: Record<string, unknown>;
}
const names = (list: readonly string[]) => Object.fromEntries(list.map(name => [name, '1']));
const pkg = ({ scripts = {}, dependencies = [], devDependencies = [], more = {} }: Shape) => ({
  'package.json': json({
    name: 'app',
    private: true,
    scripts,
    ...(dependencies.length > 0 ? { dependencies: names(dependencies) } : {}),
    ...(devDependencies.length > 0 ? { devDependencies: names(devDependencies) } : {}),
    ...more,
  }),
});
const built = [npm, 'npm run build'];
const site = (build: string, dependency: string, dev = '') =>
  pkg({ scripts: { build, ...(dev === '' ? {} : { start: dev }) }, devDependencies: [dependency] });

export const nodeProjects: readonly Project[] = [
  {
    title: 'Next with its start script',
    files: {
      ...pkg({
        scripts: { build: 'next build', start: 'next start', dev: 'next dev' },
        dependencies: ['next', 'react'],
      }),
      'package-lock.json': '{}',
      '.nvmrc': 'v22.11.0\n',
    },
    tool: 'node',
    run: [ci, 'npm run build'],
    start: 'npm start',
    versions: { node: '22.11.0' },
  },
  {
    title: 'Next without a start script',
    files: pkg({ scripts: { build: 'next build' }, dependencies: ['next'] }),
    tool: 'node',
    run: built,
    start: 'npx --no-install next start',
  },
  {
    title: 'Next, exported',
    files: {
      ...pkg({ scripts: { build: 'next build' }, dependencies: ['next'] }),
      'next.config.mjs': "export default { output: 'export' };\n",
    },
    tool: 'node',
    run: built,
    include: ['out'],
  },
  {
    title: 'Create React App',
    files: site('react-scripts build', 'react-scripts', 'react-scripts start'),
    tool: 'node',
    run: built,
    include: ['build'],
  },
  {
    title: 'Vite whose start is its development server',
    files: site('tsc -b && vite build', 'vite', 'vite'),
    tool: 'node',
    run: built,
    include: ['dist'],
  },
  {
    title: 'Remix',
    files: pkg({ scripts: { build: 'remix vite:build' }, dependencies: ['@remix-run/serve'] }),
    tool: 'node',
    run: built,
    start: 'npx --no-install remix-serve build/server/index.js',
  },
  {
    title: 'React Router as a framework',
    files: pkg({
      scripts: { build: 'react-router build', start: 'react-router-serve ./build/server/index.js' },
      dependencies: ['@react-router/serve'],
    }),
    tool: 'node',
    run: built,
    start: 'npm start',
  },
  {
    title: 'Astro, pages',
    files: site('astro build', 'astro', 'astro dev'),
    tool: 'node',
    run: built,
    include: ['dist'],
  },
  {
    title: 'Astro with the adapter for Node',
    files: pkg({ scripts: { build: 'astro build' }, dependencies: ['astro', '@astrojs/node'] }),
    tool: 'node',
    run: built,
    start: 'node ./dist/server/entry.mjs',
  },
  {
    title: 'Nuxt',
    files: pkg({ scripts: { build: 'nuxt build' }, dependencies: ['nuxt'] }),
    tool: 'node',
    run: built,
    include: ['.output'],
    start: 'node .output/server/index.mjs',
  },
  {
    title: 'Nuxt, generated',
    files: pkg({ scripts: { build: 'nuxt generate' }, dependencies: ['nuxt'] }),
    tool: 'node',
    run: built,
    include: ['.output/public'],
  },
  {
    title: 'SvelteKit with the adapter for Node',
    files: pkg({
      scripts: { build: 'vite build' },
      devDependencies: ['@sveltejs/kit', '@sveltejs/adapter-node', 'vite'],
    }),
    tool: 'node',
    run: built,
    start: 'node build',
  },
  {
    title: 'SvelteKit, pages',
    files: pkg({
      scripts: { build: 'vite build' },
      devDependencies: ['@sveltejs/kit', '@sveltejs/adapter-static', 'vite'],
    }),
    tool: 'node',
    run: built,
    include: ['build'],
  },
  {
    title: 'NestJS',
    files: pkg({
      scripts: { build: 'nest build', start: 'nest start', 'start:prod': 'node dist/main' },
      dependencies: ['@nestjs/core'],
      devDependencies: ['@nestjs/cli'],
    }),
    tool: 'node',
    run: [...built, prune],
    start: 'node dist/main',
  },
  {
    title: 'Angular',
    files: { ...site('ng build', '@angular/cli', 'ng serve'), 'angular.json': '{\n  "projects": {}\n}' },
    tool: 'node',
    run: built,
    include: ['dist'],
  },
  {
    title: 'Angular with a folder of its own',
    files: { ...site('ng build', '@angular/cli', 'ng serve'), 'angular.json': '{\n  "outputPath": "dist/board"\n}' },
    tool: 'node',
    run: built,
    include: ['dist/board'],
  },
  {
    title: 'Gatsby',
    files: site('gatsby build', 'gatsby', 'gatsby develop'),
    tool: 'node',
    run: built,
    include: ['public'],
  },
  {
    title: 'Docusaurus',
    files: site('docusaurus build', '@docusaurus/core', 'docusaurus start'),
    tool: 'node',
    run: built,
    include: ['build'],
  },
  {
    title: 'VitePress in docs',
    files: site('vitepress build docs', 'vitepress'),
    tool: 'node',
    run: built,
    include: ['docs/.vitepress/dist'],
  },
  { title: 'Eleventy', files: site('eleventy', '@11ty/eleventy'), tool: 'node', run: built, include: ['_site'] },
  {
    title: 'Vue CLI',
    files: site('vue-cli-service build', '@vue/cli-service'),
    tool: 'node',
    run: built,
    include: ['dist'],
  },
  {
    title: 'Express, built by tsc',
    files: {
      ...pkg({
        scripts: { build: 'tsc', start: 'node dist/index.js' },
        dependencies: ['express'],
        devDependencies: ['typescript'],
        more: { engines: { node: '>=20' } },
      }),
      'package-lock.json': '{}',
    },
    tool: 'node',
    run: [ci, 'npm run build', prune],
    start: 'node dist/index.js',
    versions: { node: '>=20' },
  },
  {
    title: 'Express under nodemon, without a build',
    files: pkg({ scripts: { start: 'nodemon index.js' }, dependencies: ['express'] }),
    tool: 'node',
    run: [npm],
    start: 'npm start',
  },
  {
    title: 'workspaces of npm',
    files: {
      ...pkg({ more: { workspaces: ['packages/*'] } }),
      ...empty('package-lock.json', 'packages/a/package.json', 'packages/b/package.json'),
    },
    tool: 'node',
    run: [ci, 'npm run build --workspaces --if-present'],
  },
  {
    title: 'workspaces of pnpm',
    files: {
      ...pkg({ more: { packageManager: 'pnpm@10.2.0' } }),
      'pnpm-workspace.yaml': 'packages: [apps/*]\n',
      ...empty('pnpm-lock.yaml', 'apps/web/package.json'),
    },
    tool: 'node',
    run: ['pnpm install --frozen-lockfile', 'pnpm --recursive --if-present run build'],
    versions: { pnpm: '10.2.0' },
  },
  {
    title: 'workspaces of yarn 4',
    files: {
      ...pkg({ more: { workspaces: ['packages/*'], packageManager: 'yarn@4.6.0' } }),
      ...empty('yarn.lock', '.yarnrc.yml', 'packages/a/package.json'),
    },
    tool: 'node',
    run: ['yarn install --immutable', 'yarn workspaces foreach --all --topological run build'],
    versions: { yarn: '4.6.0' },
  },
  {
    title: 'workspaces that Turborepo builds',
    files: {
      ...pkg({ scripts: { build: 'turbo run build' }, devDependencies: ['turbo'], more: { workspaces: ['apps/*'] } }),
      ...empty('package-lock.json', 'turbo.json', 'apps/web/package.json'),
    },
    tool: 'node',
    run: [ci, 'npm run build', prune],
  },
  {
    title: 'Prisma',
    files: {
      ...pkg({ scripts: { start: 'node index.js' }, dependencies: ['prisma', '@prisma/client'] }),
      'prisma/migrations/2024_init/migration.sql': '',
      'prisma/schema.prisma': '',
    },
    tool: 'node',
    run: [npm],
    start: 'node index.js',
    migrations: ['npx --no-install prisma migrate deploy'],
  },
  {
    title: 'Drizzle under pnpm',
    files: {
      ...pkg({ scripts: { start: 'node index.js' }, dependencies: ['drizzle-orm'] }),
      ...empty('pnpm-lock.yaml', 'drizzle.config.ts'),
    },
    tool: 'node',
    run: ['pnpm install --frozen-lockfile'],
    start: 'node index.js',
    migrations: ['pnpm exec drizzle-kit migrate'],
  },
  {
    title: 'Knex under yarn',
    files: {
      ...pkg({ scripts: { start: 'node index.js' }, dependencies: ['knex'] }),
      ...empty('yarn.lock', 'knexfile.js', 'migrations/2024_users.js'),
    },
    tool: 'node',
    run: ['yarn install --frozen-lockfile'],
    start: 'node index.js',
    migrations: ['yarn run knex migrate:latest'],
  },
  {
    title: 'TypeORM, compiled',
    files: {
      ...pkg({ scripts: { build: 'tsc', start: 'node dist/index.js' }, dependencies: ['typeorm'] }),
      'src/data-source.ts': '',
    },
    tool: 'node',
    run: built,
    start: 'node dist/index.js',
    migrations: ['npx --no-install typeorm migration:run -d dist/data-source.js'],
  },
  {
    title: 'Sequelize',
    files: {
      ...pkg({ scripts: { start: 'node index.js' }, dependencies: ['sequelize'] }),
      'migrations/2024-users.js': '',
    },
    tool: 'node',
    run: [npm],
    start: 'node index.js',
    migrations: ['npx --no-install sequelize-cli db:migrate'],
  },
  {
    title: 'Liquibase beside Node',
    files: { ...pkg({ scripts: { start: 'node index.js' } }), 'db/changelog/db.changelog-master.yaml': '' },
    tool: 'node',
    run: [],
    start: 'node index.js',
    migrations: ['liquibase update --changelog-file=db/changelog/db.changelog-master.yaml'],
  },
  {
    title: 'a version by Volta',
    files: pkg({
      scripts: { build: 'tsc' },
      devDependencies: ['typescript'],
      more: { volta: { node: '22.9.0' }, engines: { node: '>=18' } },
    }),
    tool: 'node',
    run: built,
    versions: { node: '22.9.0' },
  },
  {
    title: 'Node with services of other languages below',
    files: {
      ...pkg({ scripts: { start: 'node index.js' } }),
      ...empty(
        'services/api/go.mod',
        'services/ml/pyproject.toml',
        'services/ml/requirements.txt',
        'tests/fixture/Cargo.toml',
      ),
    },
    tool: 'node',
    run: [],
    start: 'node index.js',
    roots: ['services/api go', 'services/ml python'],
  },
];
