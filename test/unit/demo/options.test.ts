// SPDX-License-Identifier: Apache-2.0
/** Which command lines does the demo take, and what does it say to the others? */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDemoArgs } from '../../../scripts/demo/options.ts';

describe('the command line of the demo', () => {
  it('may be empty: an embedded cluster', () => {
    expect(parseDemoArgs([])).toEqual({ kind: 'run', namesrvAddr: undefined, plain: false });
  });

  it('names any cluster', () => {
    expect(parseDemoArgs(['--namesrv', 'a:9876;[::1]:9877', '--plain'])).toEqual({
      ...{ kind: 'run', namesrvAddr: 'a:9876;[::1]:9877', plain: true },
    });
  });

  it('asks for help, whatever else it says', () => {
    expect(parseDemoArgs(['--help', '--namesrv', 'a:1'])).toEqual({ kind: 'help' });
  });

  it.each([
    [['--namesrv', 'localhost'], "--namesrv: 'localhost' is not HOST:PORT, such as 127.0.0.1:9876"],
    [['--namesrv', 'a:9876;'], "--namesrv: '' is not HOST:PORT, such as 127.0.0.1:9876"],
    [['--namesrv', 'a:99999'], "--namesrv: 'a:99999' is not HOST:PORT, such as 127.0.0.1:9876"],
  ])('%j is refused with the reason', (args, problem) => {
    expect(parseDemoArgs(args)).toEqual({ kind: 'wrong', problem });
  });

  it.each([[['--nameserver', 'a:1']], [['--namesrv']], [['a:1']], [['--plain=yes']]])(
    '%j is refused, naming the option',
    args => {
      const request = parseDemoArgs(args);
      expect(request).toMatchObject({ kind: 'wrong' });
      expect(request.kind === 'wrong' && request.problem).toContain(args[0]?.split('=')[0]);
    },
  );
});

describe('the program', () => {
  const root = join(import.meta.dirname, '../../..');
  const run = (...args: readonly string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'scripts/demo.ts', ...args], {
      cwd: root,
      encoding: 'utf8',
    });

  it('refuses wrong options with the reason, the usage and exit code 2', { timeout: 60_000 }, () => {
    const { status, stderr, stdout } = run('--nameserver', 'a:1');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/'--nameserver'.*--namesrv HOST:PORT/s);
  });

  it('explains itself with exit code 0', { timeout: 60_000 }, () => {
    const { status, stderr, stdout } = run('--help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('--namesrv HOST:PORT');
  });

  it('ends with exit code 1 and one clear line when no name server answers', { timeout: 60_000 }, () => {
    const { status, stderr } = run('--namesrv', '127.0.0.1:1');
    expect(status).toBe(1);
    expect(stderr).toContain('The demo could not run: no name server answers at 127.0.0.1:1');
  });
});
