/** Owns what changing a setting does: it is checked, kept, and in force before the answer. */

import { DomainError } from '../contract/errors.ts';
import { type SettingName, type SettingView, settingText, settingViews } from '../contract/settings.ts';
import { readAllSettings, writeSetting } from '../database/settings.ts';
import type { Engine } from '../engine.ts';

export async function listSettings(engine: Engine): Promise<SettingView[]> {
  return settingViews(await readAllSettings(engine.db));
}

/** Throws `input.invalid`; then nothing has changed. */
export async function changeSetting(
  engine: Engine,
  { name, value }: { readonly name: SettingName; readonly value: string | number },
): Promise<SettingView> {
  await writeSetting(engine.db, name, settingText(name, value));
  if (name.startsWith('workers.')) await engine.pool.configure(name);
  if (name.startsWith('swarm.')) await engine.swarmRules.apply();
  if (name === 'sources.mirrorBytes') {
    await engine.mirrorKeeper.apply();
    engine.diskUse.forget();
  }
  const view = (await listSettings(engine)).find(setting => setting.name === name);
  if (!view) throw new DomainError('not_found', `There is no setting ${name}.`, { name });
  return view;
}
