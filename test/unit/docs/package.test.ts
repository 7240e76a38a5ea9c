// SPDX-License-Identifier: Apache-2.0
/** Is what is published whole? Built, packed and unpacked as npm would, then used by import, by require and by a compiler. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../../..');
const bin = (name: string): string => join(root, 'node_modules/.bin', name);

const folder = mkdtempSync(join(tmpdir(), 'package-'));
const user = join(folder, 'user');
const installed = join(user, 'node_modules/rocketmq-actors');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { exports, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
};
const entries = Object.keys(exports)
  .filter(name => name !== './package.json')
  .map(name => name.replace(/^\./, 'rocketmq-actors'));

const pages = ['README.md', 'DESIGN.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];

/** Path inside the package of each file that npm would publish. */
let files: readonly string[] = [];

/** The tree is copied first: a check that builds at the same time would take dist away. */
beforeAll(async () => {
  const tree = join(folder, 'tree');
  for (const name of [...pages, 'package.json', 'LICENSE', 'docs', 'examples', 'visualizations'])
    cpSync(join(root, name), join(tree, name), { recursive: true });
  const project = ['-p', join(root, 'tsconfig.build.json'), '--noCheck', '--outDir', join(tree, 'dist')];
  await run(bin('tsc'), project);
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--offline'], { cwd: tree });
  const [packed] = JSON.parse(stdout) as readonly [
    { readonly filename: string; readonly files: readonly { readonly path: string }[] },
  ];
  files = packed.files.map(({ path }) => path);
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(user, 'package.json'), JSON.stringify({ name: 'user', private: true }));
  await run('tar', ['-xzf', join(tree, packed.filename), '-C', installed, '--strip-components=1']);
  for (const name of [...Object.keys(dependencies), '@types'])
    symlinkSync(join(root, 'node_modules', name), join(user, 'node_modules', name));
}, 400_000);

/** As the sites that show pages make anchors of them. */
function headings(file: string): readonly string[] {
  const text = readFileSync(join(installed, file), 'utf8');
  return Array.from(text.matchAll(/^#+ (.*)$/gm), ([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** What a program of a user writes. */
async function output(name: string, program: string): Promise<string> {
  writeFileSync(join(user, name), program);
  const { stdout } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', name], {
    cwd: user,
  });
  return stdout.trim();
}

const use = `
  const missing = () => { try { api.createConsumer({}, () => {}); } catch (error) { return error.code; } };
  console.log(typeof api.createConsumer, missing(), typeof machines.consumerMachine, typeof testing.startEmbeddedCluster, typeof inspect.statelyBridge);
`;
const used = 'function RMQ_CONFIG_INVALID object function function';
/** By what name the programs call each entry; the optional peers are not installed. */
const entryNames = ['api', 'machines', 'testing', 'inspect'];

describe('the packed package', () => {
  it('works by import', { timeout: 60_000 }, async () => {
    const imports = entries.map((entry, i) => `import * as ${entryNames[i]} from '${entry}';`);
    expect(await output('esm.mjs', imports.join('\n') + use)).toBe(used);
  });

  it('works by require', { timeout: 60_000 }, async () => {
    const requires = entries.map((entry, i) => `const ${entryNames[i]} = require('${entry}');`);
    expect(await output('common.cjs', requires.join('\n') + use)).toBe(used);
  });

  it('compiles in a strict project that does not skip its declarations', { timeout: 300_000 }, async () => {
    writeFileSync(
      join(user, 'typed.mts'),
      `${entries.map((entry, i) => `import * as entry${i} from '${entry}';`).join('\n')}
const consumer: entry0.Consumer = entry0.createConsumer(
  { consumerGroup: 'g', namesrvAddr: 'a:1', subscriptions: [{ topic: 't', selector: entry0.tag('a || b') }] },
  entry0.concurrently(async messages => { console.log(messages[0].body.length); }),
);
console.log(consumer.isRunning(), ${entries.map((_, i) => `Object.keys(entry${i}).length`).join(', ')});`,
    );
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
    const lib = ['--lib', 'es2023,esnext.disposable'];
    const checked = await run(bin('tsc'), [...options, ...lib, '--skipLibCheck', 'false', 'typed.mts'], {
      cwd: user,
    }).catch((error: { readonly stdout: string }) => error);
    const ours = checked.stdout.split('\n').filter(line => /rocketmq-actors|^typed/.test(line));
    expect(ours).toEqual([]);
  });

  it('has every file and heading that its pages link to', () => {
    const texts = files.filter(path => path === 'README.md' || path.startsWith('docs/'));
    const links = texts.flatMap(page => {
      const text = readFileSync(join(installed, page), 'utf8');
      return [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(
        ([, path = '', heading]) => ({ page, heading, file: path === '' ? page : join(dirname(page), path) }),
      );
    });
    expect(links.length).toBeGreaterThan(60);
    expect(links.filter(({ file }) => !files.includes(file))).toEqual([]);
    const lost = links.filter(
      ({ file, heading }) => heading !== undefined && !headings(file).includes(heading),
    );
    expect(lost).toEqual([]);
  });

  it('holds the built code, its types, the pages and nothing else', () => {
    const kinds = new Set(
      files.map(path =>
        path.replace(/^(dist|docs|examples|visualizations)\/.*?((\.d)?\.\w+(\.map)?)$/, '$1 $2'),
      ),
    );
    expect(kinds).toEqual(
      new Set([
        ...['dist .js', 'dist .js.map', 'dist .d.ts', 'docs .md'],
        ...['examples .ts', 'visualizations .svg', 'visualizations .mmd', 'visualizations .md'],
        ...[...pages, 'package.json', 'LICENSE'],
      ]),
    );
  });
});
