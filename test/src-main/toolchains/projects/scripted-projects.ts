/** Projects of languages that are not compiled beforehand, apart from Node, with the files that such projects have. */
import { empty, json, type Project } from './project.ts';

const folder = '.python-packages';
const pip = `python3 -m pip install --disable-pip-version-check --no-compile --upgrade --target ${folder}`;
const within = `export PYTHONPATH="$PWD/${folder}" PATH="$PWD/${folder}/bin:$PATH"; `;
const exported = '.python-requirements.txt';
const gem = (...names: string[]) =>
  `source "https://rubygems.org"\nruby "3.4.1"\n${names.map(name => `gem "${name}"`).join('\n')}\n`;
const bundled = 'BUNDLE_PATH=vendor/bundle bundle exec ';
const composer = 'composer install --no-interaction --no-progress --prefer-dist --optimize-autoloader';
const npm = 'npm install --no-audit --no-fund';
const mixInstall = 'mix local.hex --force --if-missing && mix local.rebar --force --if-missing && mix deps.get';
const django = {
  'manage.py': 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site.settings")\n',
  'shop/wsgi.py': '',
  'shop/migrations/0001_initial.py': '',
};
const djangoMigrations = [
  `${within}python3 manage.py makemigrations --check --dry-run`,
  `${within}python3 manage.py migrate --noinput`,
];
const php = '${' + 'PORT:-8080}';
const port = '"${' + 'PORT:-8000}"';

export const scriptedProjects: readonly Project[] = [
  {
    title: 'uv',
    files: {
      'pyproject.toml': '[project]\nname = "api"\nversion = "1"\nrequires-python = ">=3.12"\n',
      'uv.lock': '',
      '.python-version': '3.13\n',
      'main.py': 'from fastapi import FastAPI\n\napp = FastAPI()\n',
    },
    tool: 'python',
    run: [`uv export --frozen --no-dev --no-emit-project --quiet --output-file ${exported} && ${pip} -r ${exported}`],
    start: `${within}python3 -m uvicorn main:app --host 0.0.0.0 --port ${port}`,
    programs: ['python3', 'uv', 'pip'],
    versions: { python3: '3.13' },
  },
  {
    title: 'uv with a package of its own',
    files: {
      'pyproject.toml': '[project]\nname = "api"\nversion = "1"\n\n[build-system]\nrequires = ["hatchling"]\n',
      'uv.lock': '',
      'src/api/__init__.py': '',
    },
    tool: 'python',
    run: [
      `uv export --frozen --no-dev --no-emit-project --quiet --output-file ${exported} && ${pip} -r ${exported} && ${pip} --no-deps .`,
    ],
  },
  {
    title: 'Poetry',
    files: {
      'pyproject.toml':
        '[tool.poetry]\nname = "api"\npackage-mode = false\n\n[tool.poetry.dependencies]\npython = "^3.11"\n',
      'poetry.lock': '',
      'app.py': '',
    },
    tool: 'python',
    run: [`poetry export --only main --format requirements.txt --output ${exported} && ${pip} -r ${exported}`],
    programs: ['python3', 'poetry', 'pip'],
    versions: { python3: '^3.11' },
  },
  {
    title: 'Pipenv',
    files: {
      Pipfile: '[packages]\nflask = "*"\n\n[requires]\npython_version = "3.12"\n',
      'Pipfile.lock': '{}',
      'app.py': 'import flask\n',
    },
    tool: 'python',
    run: [`pipenv requirements > ${exported} && ${pip} -r ${exported}`],
    start: `${within}python3 app.py`,
    programs: ['python3', 'pipenv', 'pip'],
    versions: { python3: '3.12' },
  },
  {
    title: 'Pipenv without a lock',
    files: { Pipfile: '[packages]\n', 'main.py': '' },
    tool: 'python',
    run: [`pipenv lock && pipenv requirements > ${exported} && ${pip} -r ${exported}`],
  },
  {
    title: 'PDM',
    files: { 'pyproject.toml': '[project]\nname = "api"\nversion = "1"\n', 'pdm.lock': '' },
    tool: 'python',
    run: [`pdm export --prod --format requirements --output ${exported} && ${pip} -r ${exported}`],
    programs: ['python3', 'pdm', 'pip'],
  },
  {
    title: 'Django with gunicorn',
    files: { ...django, 'requirements.txt': 'django==5.2\ngunicorn\n' },
    tool: 'python',
    run: [`${pip} -r requirements.txt`],
    start: `${within}python3 -m gunicorn shop.wsgi`,
    migrations: djangoMigrations,
  },
  {
    title: 'Django with assets of Node',
    files: {
      ...django,
      'requirements.txt': 'django\n',
      'package.json': json({ scripts: { build: 'tailwindcss' }, dependencies: { tailwindcss: '4' } }),
    },
    tool: 'python',
    run: [`${pip} -r requirements.txt`, npm, 'npm run build'],
    programs: ['python3', 'pip', 'node', 'npm'],
    start: `${within}python3 manage.py runserver --noreload 0.0.0.0:${port}`,
    migrations: djangoMigrations,
  },
  {
    title: 'Django with uvicorn',
    files: { ...django, 'shop/asgi.py': '', 'requirements.txt': 'django\nuvicorn[standard]\n' },
    tool: 'python',
    run: [`${pip} -r requirements.txt`],
    start: `${within}python3 -m uvicorn shop.asgi:application --host 0.0.0.0 --port ${port}`,
    migrations: djangoMigrations,
  },
  {
    title: 'Django with Channels and daphne',
    files: { ...django, 'shop/asgi.py': '', 'requirements.txt': 'django\ndaphne==4.1\n' },
    tool: 'python',
    run: [`${pip} -r requirements.txt`],
    start: `${within}python3 -m daphne --bind 0.0.0.0 --port ${port} shop.asgi:application`,
    migrations: djangoMigrations,
  },
  {
    title: 'FastAPI with workers of gunicorn',
    files: {
      'requirements.txt': 'fastapi\ngunicorn\nuvicorn\n',
      'app/__init__.py': '',
      'app/main.py': 'from fastapi import FastAPI\n\napi = FastAPI(title="x")\n',
    },
    tool: 'python',
    run: [`${pip} -r requirements.txt`],
    start: `${within}python3 -m gunicorn --worker-class uvicorn.workers.UvicornWorker app.main:api`,
  },
  {
    title: 'Starlette',
    files: {
      'requirements.txt': 'starlette\nuvicorn\n',
      'app.py': 'from starlette.applications import Starlette\n\napp = Starlette(routes=[])\n',
    },
    tool: 'python',
    run: [`${pip} -r requirements.txt`],
    start: `${within}python3 -m uvicorn app:app --host 0.0.0.0 --port ${port}`,
  },
  {
    title: 'Flask with gunicorn',
    files: {
      'requirements.txt': 'flask\ngunicorn\n',
      'app.py': 'import flask\n\napp = flask.Flask(__name__)\n',
    },
    tool: 'python',
    run: [`${pip} -r requirements.txt`],
    start: `${within}python3 -m gunicorn app:app`,
  },
  {
    title: 'Streamlit',
    files: { 'requirements.txt': 'streamlit\n', 'app.py': 'import streamlit as st\n\nst.title("x")\n' },
    tool: 'python',
    run: [`${pip} -r requirements.txt`],
    start: `${within}python3 -m streamlit run app.py --server.address 0.0.0.0 --server.port ${port} --server.headless true`,
  },
  {
    title: 'Python whose package serves nothing by itself',
    files: { 'requirements.txt': 'requests\n', 'app/main.py': 'import tornado\n' },
    tool: 'python',
    run: [`${pip} -r requirements.txt`],
  },
  {
    title: 'FastAPI with Alembic',
    files: {
      'requirements.txt': 'fastapi\nuvicorn\nalembic\n',
      'main.py': 'from fastapi import FastAPI\nimport uvicorn\napp = FastAPI()\nuvicorn.run(app)\n',
      'alembic.ini': '',
      'runtime.txt': 'python-3.12.4\n',
    },
    tool: 'python',
    run: [`${pip} -r requirements.txt`],
    start: `${within}python3 main.py`,
    versions: { python3: '3.12.4' },
    migrations: [`${within}python3 -m alembic upgrade head`],
  },
  { title: 'a script without dependencies', files: { 'main.py': 'print(1)\n' }, tool: 'python', run: [] },
  {
    title: 'setup.py',
    files: { 'setup.py': 'from setuptools import setup\n', '.tool-versions': 'nodejs 22.1.0\npython 3.11.9 3.10.0\n' },
    tool: 'python',
    run: [`${pip} .`],
    versions: { python3: '3.11.9' },
  },
  {
    title: 'Rails with assets and tests',
    files: {
      Gemfile: gem('rails', 'propshaft', 'puma'),
      ...empty(
        'Gemfile.lock',
        'bin/rails',
        'config.ru',
        'config/application.rb',
        'test/models/user_test.rb',
        'db/migrate/20240101_create_users.rb',
      ),
      'package.json': json({ scripts: { build: 'esbuild' }, dependencies: { esbuild: '1' } }),
      '.ruby-version': 'ruby-3.4.2\n',
    },
    tool: 'ruby',
    run: [
      'bundle install --jobs 4',
      npm,
      'npm run build',
      'bundle exec rails assets:precompile',
      'bundle exec rails test',
    ],
    start: `${bundled}rails server -e production`,
    programs: ['ruby', 'bundle', 'node', 'npm'],
    versions: { ruby: '3.4.2' },
    migrations: ['bundle exec rails db:migrate'],
  },
  {
    title: 'Sinatra with RSpec',
    files: { Gemfile: gem('sinatra', 'puma', 'rspec'), 'config.ru': 'run App\n', 'spec/app_spec.rb': '' },
    tool: 'ruby',
    run: ['bundle install --jobs 4', 'bundle exec rspec'],
    start: `${bundled}puma`,
    versions: { ruby: '3.4.1' },
  },
  {
    title: 'Jekyll',
    files: { Gemfile: gem('jekyll'), ...empty('_config.yml', 'index.html') },
    tool: 'ruby',
    run: ['bundle install --jobs 4', 'bundle exec jekyll build'],
    include: ['_site'],
  },
  {
    title: 'a gem',
    files: {
      Gemfile: 'source "https://rubygems.org"\ngemspec\n',
      'x.gemspec': '',
      Rakefile: 'Rake::TestTask.new\n',
      'test/test_x.rb': '',
    },
    tool: 'ruby',
    run: ['bundle install --jobs 4', 'bundle exec rake test'],
  },
  {
    title: 'Laravel',
    files: {
      'composer.json': json({
        require: { php: '^8.2', 'laravel/framework': '^12' },
        'require-dev': { 'phpunit/phpunit': '^11' },
      }),
      'package.json': json({ scripts: { build: 'vite build' }, devDependencies: { vite: '6' } }),
      ...empty(
        'composer.lock',
        'artisan',
        'public/index.php',
        'tests/Unit/ExampleTest.php',
        'database/migrations/2024_users.php',
      ),
    },
    tool: 'php',
    run: [composer, npm, 'npm run build', 'php artisan test', `${composer} --no-dev`],
    start: `php -S 0.0.0.0:${php} -t public`,
    versions: { php: '^8.2' },
    migrations: ['php artisan migrate --force'],
  },
  {
    title: 'Symfony with Doctrine',
    files: {
      'composer.json': json({ require: { 'doctrine/doctrine-migrations-bundle': '3' } }),
      ...empty('public/index.php', 'migrations/Version20240101.php'),
    },
    tool: 'php',
    run: [`${composer} --no-dev`],
    start: `php -S 0.0.0.0:${php} -t public`,
    migrations: ['php bin/console doctrine:migrations:migrate --no-interaction --allow-no-migration'],
  },
  {
    title: 'a plain PHP page',
    files: empty('index.php', 'style.css'),
    tool: 'php',
    run: [],
    start: `php -S 0.0.0.0:${php} -t .`,
    programs: ['php'],
  },
  {
    title: 'a PHP library with Pest',
    files: {
      'composer.json': json({ 'require-dev': { 'pestphp/pest': '3' } }),
      ...empty('src/A.php', 'tests/ATest.php'),
    },
    tool: 'php',
    run: [composer, 'php vendor/bin/pest', `${composer} --no-dev`],
  },
  {
    title: 'Phoenix',
    files: {
      'mix.exs':
        'defmodule Board.MixProject do\n  def project do\n    [app: :board, elixir: "~> 1.17", deps: [{:ecto_sql, "~> 3"}], aliases: ["assets.deploy": ["esbuild"]]]\n  end\n  def application do\n    [\n      mod: {Board.Application, []}\n    ]\n  end\nend\n',
      ...empty('test/board_test.exs', 'priv/repo/migrations/20240101_users.exs'),
      '.tool-versions': 'elixir 1.18.0-otp-27\nerlang 27.0\n',
    },
    tool: 'elixir',
    run: [mixInstall, 'mix test', 'mix assets.deploy', 'mix release --overwrite'],
    include: ['_build/prod/rel/board'],
    start: '_build/prod/rel/board/bin/board start',
    versions: { elixir: '1.18.0-otp-27', mix: '1.18.0-otp-27' },
    migrations: ['MIX_ENV=prod mix ecto.migrate'],
  },
  {
    title: 'a library in Elixir',
    files: { 'mix.exs': 'defmodule X do\n  def project do\n    [app: :x, elixir: "~> 1.15"]\n  end\nend\n' },
    tool: 'elixir',
    run: [mixInstall, 'mix compile'],
    versions: { elixir: '~> 1.15' },
  },
  {
    title: 'Erlang with a release',
    files: {
      'rebar.config': '{relx, [{release, {api, "0.1.0"}, [api]}]}.\n',
      ...empty('src/api.erl', 'test/api_SUITE.erl'),
    },
    tool: 'erlang',
    run: ['rebar3 as prod release', 'rebar3 ct'],
    include: ['_build/prod/rel/api'],
    start: '_build/prod/rel/api/bin/api foreground',
  },
  {
    title: 'a library in Erlang',
    files: { 'rebar.config': '{deps, []}.\n', 'test/x_tests.erl': '' },
    tool: 'erlang',
    run: ['rebar3 compile', 'rebar3 eunit'],
    include: ['_build/default/lib'],
    programs: ['erl', 'rebar3'],
  },
  {
    title: 'Gleam that serves',
    files: {
      'gleam.toml': 'name = "api"\ngleam = ">= 1.5.0"\n[dependencies]\nmist = "5"\n',
      'test/api_test.gleam': '',
    },
    tool: 'gleam',
    run: ['gleam export erlang-shipment', 'gleam test'],
    include: ['build/erlang-shipment'],
    start: 'sh build/erlang-shipment/entrypoint.sh run',
    versions: { gleam: '>= 1.5.0' },
  },
  {
    title: 'Gleam for JavaScript',
    files: { 'gleam.toml': 'name = "x"\ntarget = "javascript"\n' },
    tool: 'gleam',
    run: ['gleam build'],
    include: ['build'],
    programs: ['gleam', 'node'],
  },
  {
    title: 'Perl with PSGI',
    files: { cpanfile: "requires 'perl', '5.036';\nrequires 'Dancer2';\n", 'app.psgi': '', 't/base.t': '' },
    tool: 'perl',
    run: ['cpanm --notest --local-lib-contained local --installdeps .', 'prove -l -r t'],
    start:
      'export PERL5LIB="$PWD/local/lib/perl5:$PWD/lib" PATH="$PWD/local/bin:$PATH"; plackup -E production app.psgi',
    programs: ['perl', 'cpanm'],
    versions: { perl: '5.036' },
  },
  {
    title: 'a distribution of CPAN',
    files: empty('Makefile.PL', 'lib/X.pm', 't/x.t'),
    tool: 'perl',
    run: ['perl Makefile.PL', 'make', 'make test'],
  },
  {
    title: 'Module::Build',
    files: empty('Build.PL', 'lib/X.pm', 't/x.t'),
    tool: 'perl',
    run: ['perl Build.PL', 'perl Build', 'perl Build test'],
  },
  {
    title: 'Deno with tasks',
    files: {
      'deno.json':
        '{\n  // tasks\n  "tasks": { "build": "deno run build.ts", "start": "deno run -A main.ts", "test": "deno test", },\n}\n',
      'main.ts': '',
    },
    tool: 'deno',
    run: ['deno install', 'deno task build', 'deno task test'],
    start: 'DENO_DIR=.deno deno task start',
  },
  {
    title: 'Deno without tasks',
    files: { 'deno.jsonc': '{}', 'main.ts': 'Deno.serve(() => new Response("hi"));\n', 'main_test.ts': '' },
    tool: 'deno',
    run: ['deno install', 'deno check main.ts', 'deno test --allow-all'],
    start: 'DENO_DIR=.deno deno run --allow-all main.ts',
  },
  {
    title: 'shell scripts with names that tell',
    files: { 'build.sh': '#!/usr/bin/env bash\n', 'start.sh': '#!/bin/sh\n', 'test.sh': '' },
    tool: 'shell',
    run: ['bash ./build.sh', 'sh ./test.sh'],
    start: 'sh ./start.sh',
  },
  {
    title: 'shell scripts with Bats',
    files: empty('deploy.sh', 'test/deploy.bats'),
    tool: 'shell',
    run: ['bats test'],
    programs: ['bats'],
  },
  {
    title: 'a Procfile alone',
    files: { Procfile: 'worker: ./w\nweb: ./server --port 80\n', server: '' },
    tool: 'procfile',
    run: [],
    start: './server --port 80',
  },
  {
    title: 'Hugo',
    files: { 'hugo.toml': 'baseURL = "https://example.org"\n', 'content/_index.md': '' },
    tool: 'hugo',
    run: ['hugo --minify --gc'],
    include: ['public'],
  },
  {
    title: 'Zola',
    files: { 'config.toml': 'base_url = "https://example.org"\n' },
    tool: 'zola',
    run: ['zola build'],
    include: ['public'],
  },
  {
    title: 'mdBook with a folder of its own',
    files: { 'book.toml': '[book]\ntitle = "x"\n[build]\nbuild-dir = "out"\n' },
    tool: 'mdbook',
    run: ['mdbook build'],
    include: ['out'],
  },
  {
    title: 'MkDocs',
    files: { 'mkdocs.yml': 'site_name: X\n', 'docs/index.md': '' },
    tool: 'mkdocs',
    run: ['mkdocs build --strict'],
    include: ['site'],
  },
  { title: 'pages in docs', files: empty('docs/index.html', 'README.md'), tool: 'static', run: [], include: ['docs'] },
];
