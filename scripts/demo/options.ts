// SPDX-License-Identifier: Apache-2.0
/** What was asked for on the command line? */
import { parseArgs } from 'node:util';
import { endpointOf } from '../../src/transport/address.ts';

export type DemoRequest =
  | { readonly kind: 'help' }
  | { readonly kind: 'run'; readonly namesrvAddr: string | undefined; readonly plain: boolean }
  | { readonly kind: 'wrong'; readonly problem: string };

export const usage = `npm run demo                             on an embedded cluster, in this process; needs nothing but Node
npm run demo -- --namesrv HOST:PORT      the same on any Apache RocketMQ 4.9 or 5.x; 'A:9876;B:9876' for several

  --namesrv HOST:PORT   name servers of the cluster. The demo makes a topic and a group there, both called
                        rocketmq-actors-demo, and leaves them.
  --plain               one line a second and one for every event, as without a terminal, or with CI=true
  --help                this text

NO_COLOR=1 turns colours off. Ctrl-C stops in order. Exit code: 0 all is well, 1 it is not, 2 wrong options,
130 interrupted.`;

/** @param args what follows the script's name */
export function parseDemoArgs(args: readonly string[]): DemoRequest {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { namesrv: { type: 'string' }, plain: { type: 'boolean' }, help: { type: 'boolean' } },
    });
    if (values.help === true) return { kind: 'help' };
    const problem = values.namesrv === undefined ? undefined : addressProblem(values.namesrv);
    if (problem !== undefined) return { kind: 'wrong', problem };
    return { kind: 'run', namesrvAddr: values.namesrv, plain: values.plain === true };
  } catch (error) {
    return { kind: 'wrong', problem: error instanceof Error ? error.message : String(error) };
  }
}

function addressProblem(namesrv: string): string | undefined {
  const parts = namesrv.split(';');
  const wrong = parts.find(part => endpointOf(part) === undefined);
  return wrong === undefined ? undefined : `--namesrv: '${wrong}' is not HOST:PORT, such as 127.0.0.1:9876`;
}
