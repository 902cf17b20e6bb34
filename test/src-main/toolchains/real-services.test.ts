/** Services from their source to an answer over HTTP: dependencies without a registry, migrations of SQLite, the plan's own start command. */
import { execFile } from 'node:child_process';
import { access, mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { endsWithFile } from '../../support/for-this-file.ts';
import { projectFolder } from '../../support/project-folder.ts';
import { answerOf, has, realBuildMs, runLine, startRealBuilds } from '../../support/real-builds.ts';

const run = promisify(execFile);
const wheelMaker = resolve(import.meta.dirname, '../../support/python/installed-wheels.py');
/** Where Debian's packages of Python modules lie; the one that every machine with python3-django has. */
const debianPackages = '/usr/lib/python3/dist-packages';
const hasDebians = async (name: string) =>
  access(join(debianPackages, name)).then(
    () => true,
    () => false,
  );
const canNode = await has('node', 'npm');
const canDjango = (await has('python3', 'pip3')) && (await hasDebians('django')) && (await hasDebians('asgiref'));

const onEnd = endsWithFile();
let build: Awaited<ReturnType<typeof startRealBuilds>>;
beforeAll(async () => {
  build = await startRealBuilds(onEnd);
});

describe('a real service', { timeout: realBuildMs }, () => {
  it.skipIf(!canNode)('of Node, with a dependency from a tarball: locked, built, tested, answering', async () => {
    const library = await projectFolder({
      'package.json': '{ "name": "tides", "version": "1.0.0", "type": "module", "exports": "./index.js" }',
      'index.js': "export const next = tide => (tide === 'ebb' ? 'flood' : 'ebb');\n",
    });
    await run('npm', ['pack', '--silent', '--offline'], { cwd: library });
    const manifest = JSON.stringify({
      name: 'harbour',
      version: '1.0.0',
      type: 'module',
      private: true,
      scripts: { build: 'node build.js', test: 'node --test', start: 'node dist/server.js' },
      dependencies: { tides: 'file:tides-1.0.0.tgz' },
    });
    const tarball = await readFile(join(library, 'tides-1.0.0.tgz'));
    const locking = await projectFolder({ 'package.json': manifest });
    await run('cp', [join(library, 'tides-1.0.0.tgz'), locking]);
    await run('npm', ['install', '--package-lock-only', '--offline', '--silent'], { cwd: locking });
    const release = await build({
      files: {
        'package.json': manifest,
        'package-lock.json': await readFile(join(locking, 'package-lock.json'), 'utf8'),
        '.gitignore': 'node_modules\ndist\n',
        'build.js':
          "import { cpSync } from 'node:fs';\ncpSync('src', 'dist', { recursive: true });\nconsole.log('built dist');\n",
        'src/server.js':
          "import { createServer } from 'node:http';\nimport { next } from 'tides';\nconst server = createServer((request, response) => response.end(next(request.url.slice(1))));\nserver.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('port', server.address().port));\n",
        'tides.test.js':
          "import assert from 'node:assert';\nimport { test } from 'node:test';\nimport { next } from 'tides';\ntest('turns', () => assert.equal(next('flood'), 'ebb'));\n",
      },
      binaries: { 'tides-1.0.0.tgz': tarball },
      variables: { npm_config_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false' },
    });
    expect(release.plan).toMatchObject({ origin: 'detected', start: 'node dist/server.js' });
    expect(release.log).toContain('built dist');
    expect(release.log).toMatch(/pass 1\b/);
    expect(await answerOf(release, '/ebb')).toEqual({ status: 200, text: 'flood' });
  });

  describe.skipIf(!canDjango)('of Django with SQLite', () => {
    const files: Record<string, string> = {
      'manage.py':
        "import os, sys\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'harbour.settings')\nfrom django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n",
      'harbour/__init__.py': '',
      'harbour/settings.py':
        "import os\nfrom pathlib import Path\nBASE_DIR = Path(__file__).resolve().parent.parent\nSECRET_KEY = 'for tests alone'\nALLOWED_HOSTS = ['127.0.0.1']\nINSTALLED_APPS = ['ships']\nROOT_URLCONF = 'harbour.urls'\nUSE_TZ = True\nDEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': os.environ.get('DATABASE', BASE_DIR / 'db.sqlite3')}}\n",
      'harbour/urls.py':
        "from django.http import JsonResponse\nfrom django.urls import path\nfrom ships.models import Ship\nurlpatterns = [path('ships', lambda request: JsonResponse({'ships': list(Ship.objects.values_list('name', flat=True))}))]\n",
      'harbour/wsgi.py':
        "import os\nfrom django.core.wsgi import get_wsgi_application\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'harbour.settings')\napplication = get_wsgi_application()\n",
      'serve.py':
        "import os\nfrom wsgiref.simple_server import make_server\nfrom harbour.wsgi import application\nserver = make_server('127.0.0.1', int(os.environ['PORT']), application)\nprint('port %d' % server.server_port, flush=True)\nserver.serve_forever()\n",
      'ships/__init__.py': '',
      'ships/models.py':
        'from django.db import models\n\nclass Ship(models.Model):\n    name = models.CharField(max_length=40)\n',
      'ships/migrations/__init__.py': '',
      'ships/migrations/0001_initial.py':
        "from django.db import migrations, models\n\nclass Migration(migrations.Migration):\n    initial = True\n    dependencies = []\n    operations = [migrations.CreateModel('Ship', [('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')), ('name', models.CharField(max_length=40))])]\n",
      'ships/migrations/0002_first_ship.py':
        "from django.db import migrations\n\nclass Migration(migrations.Migration):\n    dependencies = [('ships', '0001_initial')]\n    operations = [migrations.RunPython(lambda apps, schema: apps.get_model('ships', 'Ship').objects.create(name='Aurora'), migrations.RunPython.noop)]\n",
      'ships/tests.py':
        "from django.test import TestCase\n\nclass ShipsTest(TestCase):\n    def test_lists_the_first_ship(self):\n        self.assertEqual(self.client.get('/ships').json(), {'ships': ['Aurora']})\n",
      '.gitignore': '*.sqlite3\n.python-packages\n',
    };
    let wheels = '';
    let requirements = '';
    beforeEach(async () => {
      wheels = join(await projectFolder({}), 'wheels');
      await mkdir(wheels);
      const names = ['Django', 'asgiref', 'sqlparse', ...((await hasDebians('pytz')) ? ['pytz'] : [])];
      ({ stdout: requirements } = await run('python3', [wheelMaker, debianPackages, wheels, ...names]));
    });
    const offline = () => ({ PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels, PIP_ROOT_USER_ACTION: 'ignore' });

    it('as detected: built, then migrated by the commands of the plan, then answering', async () => {
      const release = await build({
        files: { ...files, 'requirements.txt': requirements, Procfile: 'web: python3 serve.py\n' },
        variables: offline(),
      });
      expect(release.plan).toMatchObject({ origin: 'detected', tool: 'python' });
      expect(release.plan.migrations.map(({ id, idempotent }) => [id, idempotent])).toEqual([
        ['django-check', true],
        ['django-migrate', false],
      ]);
      const database = { DATABASE: join(release.folder, '..', 'production.sqlite3') };
      const outputs = [];
      for (const step of release.plan.migrations) outputs.push(await runLine(release, step.run, database));
      expect(outputs[0]).toContain('No changes detected');
      expect(outputs[1]).toMatch(/Applying ships\.0002_first_ship\S* OK/);
      expect(await answerOf(release, '/ships', database)).toEqual({ status: 200, text: '{"ships": ["Aurora"]}' });
    });

    const python = 'export PYTHONPATH="$PWD/.python-packages"; python3 manage.py';
    const pipeline = `steps:
  - { name: Install, phase: prepare, run: python3 -m pip install --target .python-packages -r requirements.txt }
  - { name: Check migrations, phase: test, run: '${python} makemigrations --check --dry-run' }
  - { name: Test, phase: test, run: '${python} test' }
  - { name: Migrate, phase: migrate, run: '${python} migrate --noinput' }
env: { PYTHONDONTWRITEBYTECODE: '1' }
artifact: ['.']
start: export PYTHONPATH="$PWD/.python-packages"; python3 serve.py
`;

    it('by slipway.yml: checked, tested and migrated at build, the database in the release', async () => {
      const release = await build({
        files: { ...files, 'requirements.txt': requirements, 'slipway.yml': pipeline },
        variables: offline(),
      });
      expect(release.log).toMatch(/Ran 1 test[\s\S]*OK/);
      expect(await answerOf(release, '/ships')).toEqual({ status: 200, text: '{"ships": ["Aurora"]}' });
    });

    it('fails where a model has changed without a migration, before anything is migrated', async () => {
      const changed = { 'ships/models.py': `${files['ships/models.py']}    length = models.IntegerField(default=0)\n` };
      const built = build({
        files: { ...files, ...changed, 'requirements.txt': requirements, 'slipway.yml': pipeline },
        variables: offline(),
      });
      await expect(built).rejects.toThrow(/the job is failed:[\s\S]*Add field length to ship/);
      await expect(built).rejects.not.toThrow(/Applying ships/);
    });
  });
});
