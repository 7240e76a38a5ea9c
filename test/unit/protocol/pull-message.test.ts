// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { queueOffset } from '../../../src/model/queue-offset.ts';
import { encodeRequest } from '../../../src/protocol/define-request.ts';
import { decodeFrame } from '../../../src/protocol/frame.ts';
import { preparePull, pullMessage, pullSysFlag } from '../../../src/protocol/requests/pull-message.ts';
import { pullFlagSamples, sessionCommands } from './wire-samples.ts';

const constants = {
  ...{
    consumerGroup: 'GID_golden',
    topic: 'GoldenTopic',
    queueId: 3,
    maxMsgNums: 32,
    suspendTimeoutMillis: 15000,
  },
  ...{ subscription: 'TagA || TagB', subVersion: 1700000000000, expressionType: 'TAG', bname: 'broker-a' },
};

describe('a prepared pull', () => {
  it('is the request that Java sends, but for language and version', () => {
    const bytes = preparePull(constants)(7, queueOffset(12), 6, queueOffset(0));
    expect(bytes.readInt32BE(0)).toBe(bytes.length - 4);
    expect(JSON.parse(bytes.toString('utf8', 8))).toEqual({
      ...{ code: 11, flag: 0, language: 'OTHER', opaque: 7, serializeTypeCurrentRPC: 'JSON', version: 441 },
      extFields: {
        ...{
          consumerGroup: 'GID_golden',
          topic: 'GoldenTopic',
          queueId: '3',
          maxMsgNums: '32',
          bname: 'broker-a',
        },
        ...{ suspendTimeoutMillis: '15000', subscription: 'TagA || TagB', subVersion: '1700000000000' },
        ...{ expressionType: 'TAG', queueOffset: '12', sysFlag: '6', commitOffset: '0' },
      },
    });
  });

  it('has the fields of the official Java client’s pulls', () => {
    const pull = sessionCommands.find(({ kind }) => kind === 'req 11');
    const { queueOffset: next, sysFlag, commitOffset, maxMsgBytes, ...rest } = pull?.extFields ?? {};
    const {
      queueId,
      maxMsgNums,
      suspendTimeoutMillis,
      subVersion,
      consumerGroup = '',
      topic = '',
      ...names
    } = rest;
    const encode = preparePull({
      ...{ consumerGroup, topic, ...names, extra: { maxMsgBytes: maxMsgBytes ?? '' } },
      ...{ queueId: Number(queueId), maxMsgNums: Number(maxMsgNums), subVersion: Number(subVersion) },
      suspendTimeoutMillis: Number(suspendTimeoutMillis),
    });
    const bytes = encode(1, queueOffset(Number(next)), Number(sysFlag), queueOffset(Number(commitOffset)));
    expect({ ...decodeFrame(bytes.subarray(4)).fields }).toEqual(pull?.extFields);
  });

  it('means the same as the general encoder’s, whatever the values', () => {
    const anyOffset = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    const anyText = fc.string({ unit: 'grapheme' });
    const values = fc.tuple(
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      anyOffset,
      fc.nat(7),
      anyOffset,
      anyText,
      anyText,
    );
    fc.assert(
      fc.property(values, ([opaque, next, sysFlag, commit, subscription, ns]) => {
        const extra = { ns, nsd: 'true' };
        const prepared = preparePull({ ...constants, subscription, extra })(
          opaque,
          queueOffset(next),
          sysFlag,
          queueOffset(commit),
        );
        const header = { ...constants, subscription, queueOffset: next, sysFlag, commitOffset: commit };
        const general = encodeRequest(pullMessage, header, { opaque, extra });
        expect({ ...decodeFrame(prepared.subarray(4)), size: 0 }).toEqual({
          ...decodeFrame(general.subarray(4)),
          size: 0, // the prepared one is larger: it escapes what is not ASCII
        });
        expect(prepared.readInt32BE(0)).toBe(prepared.length - 4);
      }),
    );
  });

  it('leaves out what is not given', () => {
    const { subscription: _, expressionType: __, bname: ___, ...least } = constants;
    const bytes = preparePull({ ...least, bname: undefined })(1, queueOffset(0), 2, queueOffset(0));
    expect(Object.keys(decodeFrame(bytes.subarray(4)).fields).sort()).toEqual(
      Object.keys({ ...least, queueOffset: 0, sysFlag: 0, commitOffset: 0 }).sort(),
    );
  });
});

describe('pullSysFlag', () => {
  it.each(pullFlagSamples.filter(({ litePull }) => !litePull))(
    'has Java’s value $sysFlag',
    ({ sysFlag, ...flags }) => {
      expect(pullSysFlag(flags)).toBe(sysFlag);
    },
  );
});
