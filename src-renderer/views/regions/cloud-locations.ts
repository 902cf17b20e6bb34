/** Owns the list of places that a region can be put at: cloud locations with coordinates. */
import shipped from '../../../resources/cloud-locations.json';

export type CloudProvider = 'gcs' | 's3' | 'azure';

export interface CloudLocation {
  readonly provider: CloudProvider;
  /** The provider's word: `europe-west3`. */
  readonly id: string;
  readonly name: string;
  readonly latitude: number;
  readonly longitude: number;
}

/** The locations in a list as it is shipped; entries without a place are left out. */
export function parseLocations(value: unknown): CloudLocation[] {
  const list = Array.isArray(value) ? value : isRecord(value) && Array.isArray(value.locations) ? value.locations : [];
  return list.flatMap((entry: unknown) => {
    if (!isRecord(entry)) return [];
    const { id, provider, name, latitude, longitude } = entry;
    if (typeof id !== 'string' || typeof name !== 'string') return [];
    if (provider !== 'gcs' && provider !== 's3' && provider !== 'azure') return [];
    if (typeof latitude !== 'number' || typeof longitude !== 'number') return [];
    return [{ id, provider, name, latitude, longitude }];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

export const cloudLocations: readonly CloudLocation[] = parseLocations(shipped);
