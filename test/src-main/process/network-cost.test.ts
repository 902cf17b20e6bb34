import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createLinuxNetworkCost, meteredBy } from '../../../src-main/process/network-cost.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const head = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n';
const route = (name: string, destination: string, metric: number) =>
  `${name}\t${destination}\t010200C0\t0003\t0\t0\t${metric}\t00000000\n`;

async function costOf(
  routes: string,
  interfaces: Readonly<Record<string, string>>,
  manager: boolean | null = null,
): Promise<boolean | null> {
  const folder = await scratchFolder();
  const paths = { routes: join(folder, 'route'), interfaces: join(folder, 'net') };
  await writeFile(paths.routes, head + routes);
  for (const [name, facts] of Object.entries(interfaces)) {
    await mkdir(join(paths.interfaces, name), { recursive: true });
    await writeFile(join(paths.interfaces, name, 'uevent'), facts);
  }
  return createLinuxNetworkCost(paths, async () => manager).isMetered();
}

it('a modem is metered where the nearest default route goes through it', async () => {
  const interfaces = { wwan0: 'DEVTYPE=wwan\nINTERFACE=wwan0\n', eth0: 'INTERFACE=eth0\n' };
  expect(await costOf(route('wwan0', '00000000', 100), interfaces)).toBe(true);
  expect(await costOf(route('wwan0', '00000000', 700) + route('eth0', '00000000', 100), interfaces)).toBe(false);
  expect(await costOf(route('wwan0', '0002A8C0', 0) + route('eth0', '00000000', 100), interfaces)).toBe(false);
});

it('nothing is known without a default route, or without the files', async () => {
  expect(await costOf(route('eth0', '0002A8C0', 0), {})).toBe(null);
  expect(await costOf(route('../../etc', '00000000', 0), {})).toBe(null);
  expect(await createLinuxNetworkCost({ routes: '/no/such', interfaces: '/no/such' }).isMetered()).toBe(null);
});

it('what NetworkManager says counts where the kernel sees no modem', async () => {
  const [wifi, interfaces] = [route('wlan0', '00000000', 600), { wlan0: 'DEVTYPE=wlan\n' }];
  expect(await costOf(wifi, interfaces, true)).toBe(true);
  expect(await costOf(wifi, interfaces, false)).toBe(false);
  const modem = { wwan0: 'DEVTYPE=wwan\n' };
  expect(await costOf(route('wwan0', '00000000', 1), modem, false)).toBe(true);
});

it.each([
  ['u 1\n', true],
  ['u 2\n', false],
  ['u 3\n', true],
  ['u 4\n', false],
  ['u 0\n', null],
  ['', null],
  ['s "yes"', null],
] as const)('the answer %j of the bus is read as %s', (answer, expected) => {
  expect(meteredBy(answer)).toBe(expected);
});
