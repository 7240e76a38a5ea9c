// SPDX-License-Identifier: Apache-2.0
/** A user's secret is changed at the broker while he consumes: does he go on with the new one, by himself? */
import type { Report } from '../kit/report.ts';
import type { Stage } from '../kit/stage.ts';
import { rotating } from './cast.ts';
import { bodiesOf, SignedMember, send } from './signed-member.ts';

const updateUserCode = 3002;
const patience = 60_000;

export async function rotated(stage: Stage, report: Report): Promise<void> {
  const count = stage.pick({ full: 1000, share: 100 });
  const topic = 'invoices';
  let secretKey: string = rotating.secretKey;
  let asked = 0;
  await using member = await new SignedMember(stage, {
    ...{ topic, group: 'rotating' },
    credentials: async () => {
      asked += 1;
      return { accessKey: rotating.accessKey, secretKey };
    },
    more: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
  }).start();
  await send(stage, topic, bodiesOf('before', count));
  await stage.until('all from before came', patience, () => member.got.size === count);
  report.check('asked for credentials at the start, and before dials', asked, { atMost: 2 });
  secretKey = 'canary-after-the-change';
  await changeSecret(stage, secretKey);
  const from = performance.now();
  await send(stage, topic, bodiesOf('after', count));
  await stage.until('all came', patience, () => member.got.size === 2 * count).catch(() => {}); // judged below
  report.check('came', member.got.size, { is: 2 * count });
  report.check('repeated', member.repeated, { is: 0 });
  report.check('it was told why', member.faults.some(isRefusal), { is: true });
  report.note('until all had come, ms', Math.round(performance.now() - from));
  report.note('asked for credentials in all', asked);
  await member.stop();
  report.check('lines, errors and events with a secret', member.leaks, { is: 0 });
}

function isRefusal({ code }: { readonly code: string }): boolean {
  return code === 'RMQ_AUTHENTICATION_FAILED';
}

async function changeSecret(stage: Stage, password: string): Promise<void> {
  const { accessKey: username } = rotating;
  await stage.cluster.admin.must('broker-a', {
    code: updateUserCode,
    fields: { username },
    body: Buffer.from(JSON.stringify({ username, password })),
  });
}
