/** The import rule: arrows point one way only. Source of the order: README, "How it is laid out". */
const parts = ['database', 'process', 'secrets', 'sources', 'toolchains', 'artifacts', 'stores', 'swarm'];
const services = ['poller', 'worker', 'replication', 'retention', 'backup', 'agent', 'interchange'];
/** Parts that their siblings in the same layer may import; cycles are refused below. */
const shared = ['process', 'secrets', 'stores'];

/** Layers from the bottom up. */
const layers = [['contract'], ['domain'], parts, ['releases'], ['queue'], services];

const folder = names => `^src-main/(${names.join('|')})/`;

const upward = layers.flatMap((names, level) => {
  const allowed = [...layers.slice(0, level).flat(), ...(names === parts ? shared : []), 'telemetry'];
  return names.map(name => ({
    name: `${name}-imports-downward`,
    comment: `${name} may import itself, ${allowed.join(', ')}.`,
    severity: 'error',
    from: { path: folder([name]) },
    to: { path: '^src-(main|renderer)/', pathNot: folder([name, ...allowed]) },
  }));
});

module.exports = {
  forbidden: [
    ...upward,
    {
      name: 'telemetry-imports-domain-only',
      severity: 'error',
      from: { path: folder(['telemetry']) },
      to: { path: '^src-', pathNot: folder(['telemetry', 'domain', 'contract']) },
    },
    {
      name: 'hosts-import-no-entry',
      severity: 'error',
      from: { path: folder(['host', 'desktop']) },
      to: { path: '^src-(renderer/|main/(main|cli|start|slipway)\\.ts)' },
    },
    {
      name: 'renderer-crosses-at-the-contract',
      severity: 'error',
      from: { path: '^src-renderer/' },
      to: { path: '^src-main/', pathNot: folder(['contract']) },
    },
    {
      name: 'electron-stays-at-the-edge',
      severity: 'error',
      from: { path: '^src-', pathNot: '^src-main/(main\\.ts|preload\\.ts|start\\.ts|desktop/)' },
      to: { path: '(^|/)electron($|/)' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js', '.json', '.css'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
