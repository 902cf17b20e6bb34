/** Owns the schema of the worker pool's evidence: what a worker uses; and the name of the setting that says whether workers take jobs. */

export const workerPool = `
ALTER TABLE workers ADD COLUMN memory_bytes INTEGER CHECK (memory_bytes >= 0);
ALTER TABLE workers ADD COLUMN peak_memory_bytes INTEGER CHECK (peak_memory_bytes >= 0);
UPDATE settings SET key = 'workers.mode', value = CASE value WHEN 'true' THEN 'paused' ELSE 'running' END
  WHERE key = 'workers.paused';
`;
