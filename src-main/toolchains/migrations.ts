/** Owns how migrations of a database are recognised: the tool, the command that applies them, and where they lie. Runs nothing. */
import type { Evidence, PlanStep } from '../contract/plan.ts';
import type { DetectedPlan } from './detected-plan.ts';
import { firstFile } from './detected-plan.ts';
import { detectedStep, lineOf, type ProjectTree } from './project-tree.ts';
import { withPackages } from './python-packages.ts';

interface MigrationRule {
  readonly tool: string;
  /** A file that is there only where the tool has migrations. */
  readonly marker: RegExp;
  /** What some manifest, or the marker itself, must say besides; null where the marker is enough. */
  readonly proof: { readonly files: RegExp; readonly pattern: RegExp } | null;
  readonly run: string;
  /** What fails where a model has changed without a migration; safe to repeat. */
  readonly check?: string;
  readonly language?: 'node' | 'python' | 'ruby';
  /** Names of plans to which alone the rule applies. */
  readonly plans?: readonly string[];
}

const packageJson = (pattern: RegExp) => ({ files: /^package\.json$/, pattern });
const goSources = (pattern: RegExp) => ({
  files: /^(?:go\.mod|Makefile|Taskfile\.ya?ml|README\.md|docker-compose\.ya?ml|compose\.ya?ml)$/,
  pattern,
});

/** Commands as each tool's manual gives them for production: they apply what is there and make nothing new. */
const rules: readonly MigrationRule[] = [
  {
    tool: 'django',
    marker: /^manage\.py$/,
    proof: { files: /^manage\.py$/, pattern: /DJANGO_SETTINGS_MODULE/ },
    language: 'python',
    check: 'python3 manage.py makemigrations --check --dry-run',
    run: 'python3 manage.py migrate --noinput',
  },
  {
    tool: 'alembic',
    marker: /(?:^|\/)alembic\.ini$/,
    proof: null,
    language: 'python',
    run: 'python3 -m alembic upgrade head',
  },
  {
    tool: 'flask-migrate',
    marker: /^migrations\/(?:env\.py|alembic\.ini)$/,
    proof: { files: /^(?:requirements\.txt|pyproject\.toml|Pipfile)$/, pattern: /flask[-_]migrate/i },
    language: 'python',
    run: 'python3 -m flask db upgrade',
  },
  {
    tool: 'rails',
    marker: /^db\/(?:migrate\/.+\.rb|schema\.rb|structure\.sql)$/,
    proof: { files: /^(?:Gemfile|config\/application\.rb)$/, pattern: /\brails\b/i },
    language: 'ruby',
    run: 'bundle exec rails db:migrate',
  },
  {
    tool: 'laravel',
    marker: /^database\/migrations\/.+\.php$/,
    proof: { files: /^artisan$/, pattern: /^/ },
    run: 'php artisan migrate --force',
  },
  {
    tool: 'doctrine',
    marker: /^migrations\/Version\d+\.php$/,
    proof: { files: /^composer\.json$/, pattern: /doctrine\/(?:doctrine-migrations-bundle|migrations)/ },
    run: 'php bin/console doctrine:migrations:migrate --no-interaction --allow-no-migration',
  },
  {
    tool: 'prisma',
    marker: /(?:^|\/)prisma\/(?:schema\/)?migrations\/.+\/migration\.sql$/,
    proof: null,
    language: 'node',
    run: 'prisma migrate deploy',
  },
  {
    tool: 'drizzle',
    marker: /^drizzle\.config\.[cm]?[jt]s(?:on)?$/,
    proof: null,
    language: 'node',
    run: 'drizzle-kit migrate',
  },
  { tool: 'knex', marker: /^knexfile\.[cm]?[jt]s$/, proof: null, language: 'node', run: 'knex migrate:latest' },
  {
    tool: 'typeorm',
    marker: /(?:^|\/)(?:data-source|ormconfig|datasource)\.(?:ts|js|json)$/i,
    proof: packageJson(/"typeorm"\s*:/),
    language: 'node',
    run: 'typeorm migration:run',
  },
  {
    tool: 'sequelize',
    marker: /^(?:\.sequelizerc|migrations\/.+\.[cm]?[jt]s|db\/migrations\/.+\.[cm]?[jt]s)$/,
    proof: packageJson(/"sequelize(?:-cli)?"\s*:/),
    language: 'node',
    run: 'sequelize-cli db:migrate',
  },
  {
    tool: 'ecto',
    marker: /(?:^|\/)priv\/(?:\w+\/)?(?:repo|\w+_repo)\/migrations\/.+\.exs$/,
    proof: { files: /(?:^|\/)mix\.exs$/, pattern: /:ecto(?:_sql)?\b/ },
    run: 'MIX_ENV=prod mix ecto.migrate',
  },
  {
    tool: 'flyway',
    marker: /(?:^|\/)(?:db\/migration|sql|migrations)\/V\d[\w.]*__.+\.(?:sql|java)$/,
    proof: null,
    run: 'flyway migrate',
  },
  {
    tool: 'liquibase',
    marker:
      /(?:^|\/)(?:liquibase\.properties|db\/changelog\/.+\.(?:xml|ya?ml|sql|json)|(?:db\.)?changelog(?:-master)?\.(?:xml|ya?ml))$/,
    proof: null,
    run: 'liquibase update',
  },
  {
    tool: 'diesel',
    marker: /^diesel\.toml$|^migrations\/[^/]+\/up\.sql$/,
    proof: { files: /(?:^|\/)(?:Cargo|diesel)\.toml$/, pattern: /\bdiesel\b|print_schema/ },
    run: 'diesel migration run',
  },
  {
    tool: 'sqlx',
    marker: /^migrations\/\d+_.+\.sql$/,
    proof: { files: /(?:^|\/)Cargo\.toml$/, pattern: /^[ \t]*sqlx\b/m },
    run: 'sqlx migrate run',
  },
  {
    tool: 'goose',
    marker: /(?:^|\/)(?:migrations|db|sql|schema)\/(?:.+\/)?\d+_.+\.(?:sql|go)$/,
    proof: goSources(/\bpressly\/goose\b|\bgoose\b/),
    run: 'goose up',
  },
  {
    tool: 'golang-migrate',
    marker: /(?:^|\/)\d+_.+\.up\.sql$/,
    proof: null,
    run: 'migrate -database "$DATABASE_URL" up',
  },
  { tool: 'dbmate', marker: /^db\/migrations\/\d+_.+\.sql$/, proof: null, run: 'dbmate --no-dump-schema migrate' },
  {
    tool: 'ef-core',
    marker: /(?:^|\/)Migrations\/.+ModelSnapshot\.cs$/,
    proof: null,
    run: 'dotnet ef database update',
  },
];

/** Manifests that are read for one proof. */
const maxProofFiles = 20;

/**
 * The migrations of the tree, of phase `migrate`, in the order in which they would run. Not idempotent: a migration that failed
 * half-way must not run again by itself. Checks are, since they change nothing.
 */
export async function detectMigrations(tree: ProjectTree, plan: DetectedPlan): Promise<PlanStep[]> {
  const found: PlanStep[] = [];
  const files = new Set<string>();
  for (const rule of rules) {
    const marker = firstFile(tree, rule.marker);
    if (marker === null || files.has(folderOf(marker))) continue;
    const proof = await proofOf(tree, rule, marker);
    if (proof === null) continue;
    // Two tools do not share a folder of migrations; the rule that is tried first knows more of it.
    files.add(folderOf(marker));
    const run = commandOf(tree, plan, rule, marker);
    if (run === null) continue;
    if (rule.check !== undefined) {
      const check = { id: `${rule.tool}-check`, name: `Check migrations (${rule.tool})`, phase: 'migrate' } as const;
      found.push(detectedStep({ ...check, run: forPlan(rule.check, tree, plan, rule) }, ...proof));
    }
    const step = { id: `${rule.tool}-migrate`, name: `Migrate (${rule.tool})`, phase: 'migrate', run } as const;
    found.push({ ...detectedStep(step, ...proof), idempotent: false });
  }
  return found;
}

async function proofOf(tree: ProjectTree, rule: MigrationRule, marker: string): Promise<Evidence[] | null> {
  const evidence = { file: marker, line: 1, reason: `a migration or its settings, of ${rule.tool}` };
  if (rule.tool === 'dbmate') {
    const text = (await tree.readText(marker)) ?? '';
    const line = lineOf(text, /^--\s*migrate:up/m);
    return line === null ? null : [{ ...evidence, line }];
  }
  if (rule.tool === 'goose') {
    const text = (await tree.readText(marker)) ?? '';
    const line = lineOf(text, /^--\s*\+goose\b/m);
    if (line !== null) return [{ ...evidence, line }];
    if (marker.endsWith('.sql')) return null;
  }
  if (rule.proof === null) return [evidence];
  const { files, pattern } = rule.proof;
  for (const file of tree.files.filter(path => files.test(path)).slice(0, maxProofFiles)) {
    const line = lineOf((await tree.readText(file)) ?? '', pattern);
    if (line === null) continue;
    return file === marker ? [{ ...evidence, line }] : [evidence, { file, line, reason: `names ${rule.tool}` }];
  }
  return null;
}

/** Null where a path cannot be written in the shell without quoting. */
function commandOf(tree: ProjectTree, plan: DetectedPlan, rule: MigrationRule, marker: string): string | null {
  const folder = folderOf(marker);
  if (!/^[\w./@-]*$/.test(folder)) return null;
  switch (rule.tool) {
    case 'alembic':
      return forPlan(
        `${rule.run.replace('alembic upgrade', folder === '' ? 'alembic upgrade' : `alembic -c ${marker} upgrade`)}`,
        tree,
        plan,
        rule,
      );
    case 'prisma': {
      const schema = marker.replace(/\/migrations\/.*$/, '');
      return forPlan(schema === 'prisma' ? rule.run : `${rule.run} --schema ${schema}`, tree, plan, rule);
    }
    case 'typeorm':
      return forPlan(`${rule.run} -d ${builtFile(marker, plan)}`, tree, plan, rule);
    case 'flyway':
      return flywayOr('flyway', `${rule.run} -locations=filesystem:${folder}`, plan);
    case 'liquibase':
      return flywayOr(
        'liquibase',
        marker.endsWith('.properties') ? rule.run : `${rule.run} --changelog-file=${marker}`,
        plan,
      );
    case 'goose':
      return `goose -dir ${folder} up`;
    case 'golang-migrate':
      return `migrate -path ${folder} -database ${tree.platform === 'win32' ? '%DATABASE_URL%' : '"$DATABASE_URL"'} up`;
    case 'ef-core': {
      const project = firstFile(
        tree,
        new RegExp(`^${folder.replace(/\/?Migrations$/, '').replace(/[.+]/g, '\\$&')}/?[^/]+\\.csproj$`),
      );
      return project === null || project.includes(' ') ? rule.run : `${rule.run} --project ${project}`;
    }
    default:
      return forPlan(rule.run, tree, plan, rule);
  }
}

/** The build tool's plugin where there is one, since it has the settings. */
function flywayOr(tool: 'flyway' | 'liquibase', command: string, plan: DetectedPlan): string {
  const [maven] = plan.tool === 'maven' ? (/^(?:sh )?\S*mvnw?(?:\.cmd)?/.exec(plan.steps[0]?.run ?? '') ?? []) : [];
  return maven === undefined ? command : `${maven} -B -ntp ${tool}:${tool === 'flyway' ? 'migrate' : 'update'}`;
}

/** TypeORM's program reads JavaScript; of a source in TypeScript it is the compiled file. */
function builtFile(marker: string, plan: DetectedPlan): string {
  if (!marker.endsWith('.ts')) return marker;
  const built = marker.replace(/\.ts$/, '.js').replace(/^src\//, '');
  return plan.steps.some(({ phase }) => phase === 'build') ? `dist/${built}` : marker;
}

function forPlan(run: string, tree: ProjectTree, plan: DetectedPlan, rule: MigrationRule): string {
  const program = plan.requirements.map(({ program }) => program).find(name => ['pnpm', 'yarn', 'bun'].includes(name));
  switch (rule.language) {
    case 'python': {
      const command = tree.platform === 'win32' ? run.replace('python3', 'python') : run;
      return withPackages(command, tree.platform, plan.env.PYTHONPATH !== undefined);
    }
    case 'node':
      return program === 'pnpm'
        ? `pnpm exec ${run}`
        : program === 'yarn'
          ? `yarn run ${run}`
          : program === 'bun'
            ? `bunx ${run}`
            : `npx --no-install ${run}`;
    default:
      return run;
  }
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}
