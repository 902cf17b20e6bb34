import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import {
  type ContainerStep,
  containerArguments,
  environmentScript,
} from '../../../../src-main/process/isolation/container.ts';

const step: ContainerStep = {
  engine: 'docker',
  image: 'node:24-bookworm',
  name: 'slipway-1',
  jobId: 'job-1',
  commandLine: 'npm test; echo "$HOME" \'quoted\'',
  tree: '/data/work/j-1/tree',
  cwd: '/data/work/j-1/tree/packages/api',
  caches: null,
  buildHome: '/data/homes/r',
  environmentFile: '/data/work/j-1/environment-1',
  network: true,
  limits: {},
  user: { uid: 1000, gid: 1001 },
};

describe('containerArguments', () => {
  test('removes itself, maps the user, mounts the tree at its own place, and ends with the command as one word', () => {
    const words = containerArguments(step);
    expect(words.slice(0, 6)).toEqual(['run', '--rm', '--init', '--name', 'slipway-1', '--label']);
    expect(words.join(' ')).toContain('--label slipway.job=job-1 --user 1000:1001');
    expect(words).toContain('type=bind,source=/data/work/j-1/tree,target=/data/work/j-1/tree');
    expect(words.join(' ')).toContain('--workdir /data/work/j-1/tree/packages/api --entrypoint');
    expect(words).toContain('type=bind,source=/data/work/j-1/environment-1,target=/slipway-environment,readonly');
    expect(words.slice(words.indexOf('--entrypoint'))).toEqual([
      ...['--entrypoint', '/bin/sh', 'node:24-bookworm', '-c', '. /slipway-environment; exec /bin/sh -e -c "$1"', 'sh'],
      step.commandLine,
    ]);
  });

  test('keeps the caller as owner under rootless podman, and leaves it to the engine where there is no user', () => {
    expect(containerArguments({ ...step, engine: 'podman' }).join(' ')).toContain('--userns keep-id');
    const asRoot = containerArguments({ ...step, engine: 'podman', user: { uid: 0, gid: 0 } }).join(' ');
    expect(asRoot).toContain('--user 0:0');
    expect(containerArguments({ ...step, user: null }).join(' ')).not.toMatch(/--user/);
  });

  test('takes the network away and sets the limits, each only when asked for', () => {
    expect(containerArguments(step).join(' ')).not.toMatch(/--network|--memory|--cpus|--pids-limit/);
    const limits = { memoryBytes: 1_000_000_000, cpus: 2, processes: 100 };
    expect(containerArguments({ ...step, network: false, limits }).join(' ')).toContain(
      '--network none --memory 1000000000 --cpus 2 --pids-limit 100',
    );
  });

  test('quotes a path that CSV would take apart', () => {
    const words = containerArguments({ ...step, tree: '/a,b"c,readonly/tree' });
    expect(words).toContain('type=bind,"source=/a,b""c,readonly/tree","target=/a,b""c,readonly/tree"');
  });
});

describe.skipIf(process.platform === 'win32')('environmentScript', () => {
  test('gives every value to a shell as it is, and runs none', () => {
    const hostile = {
      ONE: `it's "$(touch /tmp/escaped)" \`id\` \\`,
      TWO: 'line one\nline two\n\n',
      THREE: "'; exit 9; '",
      FOUR: '',
      FIVE: '*?~ $HOME !! ünïcode',
    };
    const names = Object.keys(hostile);
    const print = names.map(name => `printf '%s\\0' "$${name}"`).join(';');
    const output = execFileSync('/bin/sh', ['-e', '-c', `${environmentScript(hostile)}${print}`], { encoding: 'utf8' });
    expect(output.split('\0').slice(0, -1)).toEqual(Object.values(hostile));
  });

  test('leaves out what is no name, and has a home', () => {
    expect(environmentScript({ 'A;id': 'x', '': 'y', '1A': 'z' })).toBe("export HOME='/slipway-home'\n");
  });
});
