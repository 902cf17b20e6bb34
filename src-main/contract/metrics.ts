/** Owns the calls that turn the metrics at /metrics on and off. */
import { z } from 'zod';
import { done, route } from './api-values.ts';

export const metricsApi = {
  get: route('GET', '/metrics', 'Whether /metrics answers').output(z.object({ enabled: z.boolean() })),
  enable: route('POST', '/metrics/enable', 'Let /metrics answer to a new token, which is shown this once').output(
    z.object({ token: z.string() }),
  ),
  disable: route('POST', '/metrics/disable', 'Let /metrics answer to nobody').output(done),
};
