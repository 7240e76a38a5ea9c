// Which way may imports point? design.md section 9, types included. Run by `npm run layers`; drawn in visualizations/layers.mmd.

/** Folder of src → the other folders it may import from. Whoever is missing here may be imported by nobody but the entry. */
const layers = {
  model: ['errors'],
  errors: ['model'],
  protocol: ['model', 'errors'],
  allocation: ['model', 'errors'],
  listeners: ['model', 'errors', 'flow'],
  subscriptions: ['model', 'errors'],
  flow: ['model', 'errors'],
  config: ['model', 'errors', 'allocation', 'listeners', 'subscriptions'],
  observability: ['model', 'errors', 'config'],
  transport: ['model', 'errors', 'protocol'],
  stores: ['model', 'errors', 'config', 'protocol', 'transport'],
  producer: ['model', 'errors', 'protocol', 'transport', 'observability'],
  machines: [
    ...['model', 'errors', 'protocol', 'allocation', 'listeners', 'subscriptions', 'flow', 'config'],
    ...['observability', 'transport', 'stores', 'producer'],
  ],
  testing: ['model', 'errors', 'protocol', 'transport'],
  // Looks at any XState actor from outside; knows none of ours.
  inspect: ['model', 'errors', 'observability'],
  // The public entry: what src/index.ts names, and what stands between a user and the machines.
  consumer: [
    ...['model', 'errors', 'protocol', 'allocation', 'listeners', 'subscriptions', 'flow', 'config'],
    ...['observability', 'transport', 'stores', 'producer', 'machines'],
  ],
};

/** Package → who may import it; everything else in src may not. */
const packages = {
  xstate: '^src/(machines/|consumer/|inspect/|[^/]+\\.ts$)',
  ws: '^src/inspect/',
  pino: '^src/observability/',
  long: '^src/protocol/',
};

/** A chart knows the charts it spawns, no others: parent folder → children. */
const charts = {
  consumer: [
    'routes',
    'conflicts',
    'connection',
    'heartbeat',
    'rebalance',
    'resets',
    'trace',
    'offsets',
    'locks',
    'queues',
    'send-back',
    'commands',
  ],
  commands: ['subscribing'],
  queues: ['queue'],
  queue: ['pull', 'consume'],
};

const folders = names => `^src/(${names.join('|')})/`;

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Move what both need into a third file.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...Object.entries(layers).map(([folder, below]) => ({
      name: `layer-${folder}`,
      comment: `src/${folder} may import ${below.join(', ')} and itself. Name an interface where it is needed and satisfy it from below.`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: '^src/', pathNot: folders([folder, ...below]) },
    })),
    {
      name: 'known-folders-only',
      comment: 'A new folder of src needs a row in the layers above.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: folders(Object.keys(layers)) },
      to: {},
    },
    {
      name: 'entry-not-testing',
      comment: 'What serves tests is its own entry: ./testing.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/testing/' },
      to: { path: '^src/testing/' },
    },
    {
      name: 'src-imports-src',
      comment: 'What is published imports nothing from tests, scripts or pictures.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|scripts|visualizations|examples)/' },
    },
    ...Object.entries(packages).map(([name, importers]) => ({
      name: `only-there-${name}`,
      comment: `Of src, only ${importers} imports ${name}.`,
      severity: 'error',
      from: { path: '^src/', pathNot: importers },
      to: { path: `(^|/)node_modules/${name}/` },
    })),
    {
      name: 'sockets-in-transport',
      comment:
        'Nobody else opens a connection: pass a Dialer. (isIP and BlockList of node:net are pure; their users are let through.)',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: '^src/(transport|testing|config|inspect)/|^src/(protocol/host-bytes|model/host-list)\\.ts$',
      },
      to: { path: '^(node:)?(net|tls|http|https|http2|dgram)$' },
    },
    {
      name: 'pure-protocol',
      comment: 'Bytes in, values out: no files, no timers, no host.',
      severity: 'error',
      from: { path: '^src/(protocol|model|errors|allocation|flow)/' },
      to: { path: '^(node:)?(fs|fs/promises|os|timers|timers/promises|child_process|worker_threads)$' },
    },
    {
      name: 'pure-logic',
      comment: '*.logic.ts decides; effects and wiring live in *.actors.ts and *.machine.ts.',
      severity: 'error',
      from: { path: '\\.logic\\.ts$' },
      to: {
        path: '((^|/)node_modules/xstate/|\\.(machine|actors)\\.ts$)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'charts-know-their-children-only',
      comment: 'Siblings meet through their *.types.ts and the refs in input.',
      severity: 'error',
      from: {
        path: '^src/machines/([^/]+)/',
        pathNot: folders(Object.keys(charts).map(parent => `machines/${parent}`)),
      },
      to: { path: '\\.machine\\.ts$', pathNot: '^src/machines/$1/' },
    },
    ...Object.entries(charts).map(([parent, children]) => ({
      name: `charts-of-${parent}`,
      comment: `${parent} wires ${children.join(', ')}.`,
      severity: 'error',
      from: { path: `^src/machines/${parent}/` },
      to: {
        path: '\\.machine\\.ts$',
        pathNot: folders([parent, ...children].map(name => `machines/${name}`)),
      },
    })),
    {
      name: 'runtime-dependencies-only',
      comment:
        'A development dependency is not there when the package is installed. (ws is an optional peer too: it is imported when needed.)',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: '(^|/)node_modules/ws/' },
    },
    {
      name: 'resolvable',
      comment: 'The imported file or package does not exist.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|\\.ci)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
