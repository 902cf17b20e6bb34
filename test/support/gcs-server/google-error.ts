/** Owns the form in which Google Cloud Storage says no. Source: cloud.google.com/storage/docs/json_api/v1/status-codes */

/** What the server answers instead of what was asked for. */
export class GoogleError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, reason: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.headers = headers;
  }

  get body(): string {
    return JSON.stringify({
      error: {
        code: this.status,
        message: this.message,
        errors: [{ message: this.message, domain: 'global', reason: this.reason }],
      },
    });
  }
}

export const noBucket = () => new GoogleError(404, 'notFound', 'The specified bucket does not exist.');
export const noObject = (name: string) => new GoogleError(404, 'notFound', `No such object: ${name}`);
export const conditionNotMet = () =>
  new GoogleError(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.');
export const wrongChecksum = (name: string, given: string, found: string) =>
  new GoogleError(400, 'invalid', `Provided ${name} "${given}" doesn't match calculated ${name} "${found}".`);
