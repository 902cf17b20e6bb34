/** Owns what makes the form of a new region complete. Pure; the engine checks the store itself. */

export interface RegionForm {
  /** A cloud location's id; empty with `elsewhere` or before one is chosen. */
  readonly location: string;
  readonly elsewhere: boolean;
  readonly name: string;
  readonly latitude: string;
  readonly longitude: string;
  readonly storeUrl: string;
}

export const emptyRegionForm: RegionForm = {
  location: '',
  elsewhere: false,
  name: '',
  latitude: '',
  longitude: '',
  storeUrl: '',
};

export interface RegionInput {
  readonly name: string;
  readonly location: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly storeUrl: string;
}

export interface RegionProblems {
  readonly place?: string;
  readonly name?: string;
  readonly latitude?: string;
  readonly longitude?: string;
  readonly storeUrl?: string;
}

/** The form as the engine wants it, or what each field lacks. */
export function checkRegionForm(
  form: RegionForm,
): { readonly ok: true; readonly input: RegionInput } | { readonly ok: false; readonly problems: RegionProblems } {
  const latitude = degrees(form.latitude, 90);
  const longitude = degrees(form.longitude, 180);
  const placed = form.elsewhere || form.location !== '';
  const problems: RegionProblems = {
    ...(placed ? {} : { place: 'Choose where the store is.' }),
    ...(form.name.trim() ? {} : { name: 'Give the region a name: it stands on the map.' }),
    ...(placed && latitude === null ? { latitude: 'A number from −90 to 90.' } : {}),
    ...(placed && longitude === null ? { longitude: 'A number from −180 to 180.' } : {}),
    ...(form.storeUrl.trim() ? {} : { storeUrl: 'Say where the copies go.' }),
  };
  if (Object.keys(problems).length > 0 || latitude === null || longitude === null) return { ok: false, problems };
  const input = {
    name: form.name.trim(),
    location: form.location,
    latitude,
    longitude,
    storeUrl: form.storeUrl.trim(),
  };
  return { ok: true, input };
}

/** A number of degrees as people type it, with a point or a comma; null where it is none. */
function degrees(text: string, most: number): number | null {
  const normal = text.trim().replace(',', '.').replace(/^[−–]/, '-');
  if (!/^[+-]?\d{1,3}(?:\.\d+)?$/.test(normal)) return null;
  const value = Number(normal);
  return Math.abs(value) <= most ? value : null;
}
