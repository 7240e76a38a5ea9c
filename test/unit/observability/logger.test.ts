// SPDX-License-Identifier: Apache-2.0
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { RocketmqError } from '../../../src/errors/errors.ts';
import { createLogger, guardLogger, type Logger, silentLogger } from '../../../src/observability/logger.ts';

function collecting(level: 'trace' | 'info' | 'silent'): {
  readonly logger: Logger;
  readonly lines: Record<string, unknown>[];
} {
  const lines: Record<string, unknown>[] = [];
  const destination = {
    write: (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>),
  };
  return { logger: createLogger({ level, destination }), lines };
}

describe('the default logger', () => {
  it('writes JSON lines from its level on, under the name of the library', () => {
    const { logger, lines } = collecting('info');
    logger.debug({}, 'not this');
    logger.info({ topic: 'orders' }, 'route changed');
    logger.error({ err: new RocketmqError('RMQ_CONNECTION_LOST', 'gone') }, 'lost');
    expect(lines).toMatchObject([
      { level: 30, name: 'rocketmq-actors', topic: 'orders', msg: 'route changed' },
      { level: 50, err: { code: 'RMQ_CONNECTION_LOST', message: 'gone' }, msg: 'lost' },
    ]);
  });

  it('writes all five levels at trace, and nothing at silent', () => {
    const all = collecting('trace');
    const none = collecting('silent');
    for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) {
      all.logger[level]({}, level);
      none.logger[level]({}, level);
    }
    expect(all.lines.map(line => line['level'])).toEqual([10, 20, 30, 40, 50]);
    expect(none.lines).toEqual([]);
  });

  it('gives its children fields of their own', () => {
    const { logger, lines } = collecting('info');
    logger.child({ actor: 'routes' }).child({ topic: 'orders' }).warn({ n: 1 }, 'text');
    expect(lines).toMatchObject([{ actor: 'routes', topic: 'orders', n: 1 }]);
  });

  it('hides secrets at any depth, in children too', () => {
    const { logger, lines } = collecting('info');
    const credentials = { accessKey: 'hunter1', secretKey: 'hunter2' };
    const child = logger.child({ secret_key: 'hunter3' });
    child.info(
      { credentials, config: { acl: [{ securityToken: 'hunter4', user: 'anna' }] }, passphrase: 'hunter5' },
      'x',
    );
    expect(JSON.stringify(lines)).not.toContain('hunter');
    expect(lines).toMatchObject([{ config: { acl: [{ securityToken: '(hidden)', user: 'anna' }] } }]);
  });

  it('writes neither bodies nor endless structures', () => {
    const { logger, lines } = collecting('info');
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    logger.info(
      { body: Buffer.alloc(1_000_000), loop, many: new Array(1000).fill(1), big: 7n, at: new Date(0) },
      'x',
    );
    expect(lines).toMatchObject([{ body: '(1000000 bytes)', big: '7', at: '1970-01-01T00:00:00.000Z' }]);
    expect(JSON.stringify(lines).length).toBeLessThan(1000);
  });
});

describe("a user's logger", () => {
  it('may be pino itself', () => {
    const lines: string[] = [];
    const logger: Logger = guardLogger(pino({ level: 'warn' }, { write: line => void lines.push(line) }));
    logger.child({ a: 1 }).warn({ b: 2 }, 'text');
    logger.info({}, 'below the level');
    expect(lines.map(line => JSON.parse(line))).toMatchObject([{ a: 1, b: 2, msg: 'text' }]);
  });

  it('that throws is survived', () => {
    const broken = (): never => {
      throw new Error('disk full');
    };
    const logger = guardLogger({
      trace: broken,
      debug: broken,
      info: broken,
      warn: broken,
      error: broken,
      child: broken,
    });
    expect(() => logger.child({ a: 1 }).error({}, 'text')).not.toThrow();
  });

  it('is not asked to format what its level drops', () => {
    const info = vi.fn();
    const logger = guardLogger({ ...silentLogger, info, isLevelEnabled: () => false });
    logger.info({}, 'text');
    expect(info).not.toHaveBeenCalled();
  });

  it('survives fields that throw when read', () => {
    const hostile = Object.defineProperty({}, 'x', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    const { logger } = collecting('info');
    expect(() => logger.info(hostile, 'text')).not.toThrow();
    expect(() => logger.child(hostile).info({}, 'text')).not.toThrow();
  });
});

describe('the silent logger', () => {
  it('takes everything and is its own child', () => {
    for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) {
      expect(silentLogger[level]({}, 'x')).toBeUndefined();
    }
    expect(silentLogger.child({ a: 1 })).toBe(silentLogger);
  });
});
