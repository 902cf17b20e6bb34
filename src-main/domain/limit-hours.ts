/** Owns when a limit holds that is meant for some hours of the day. Pure. */

const minutesOf = (hours: string | undefined, minutes: string | undefined): number =>
  Number(hours) * 60 + Number(minutes);

/**
 * Whether `minuteOfDay` (local, 0 to 1439) lies in `hours`: `always`, or `HH:MM-HH:MM`, which may run over midnight. The end
 * itself is outside; a start that is the end is the whole day.
 */
export function limitHolds(hours: string, minuteOfDay: number): boolean {
  const [, fromHour, fromMinute, toHour, toMinute] = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(hours) ?? [];
  if (toMinute === undefined) return true;
  const from = minutesOf(fromHour, fromMinute);
  const to = minutesOf(toHour, toMinute);
  if (from === to) return true;
  return from < to ? minuteOfDay >= from && minuteOfDay < to : minuteOfDay >= from || minuteOfDay < to;
}
