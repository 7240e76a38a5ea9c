// SPDX-License-Identifier: Apache-2.0
/** How is a broker asked what it keeps of the group? */
import { fromPromise } from 'xstate';
import type { Address } from '../../model/route.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import type { ConflictsPort, GroupLook } from './conflicts.types.ts';

export interface LookInput {
  readonly port: ConflictsPort;
  /** undefined: there is no broker to ask. */
  readonly address: Address | undefined;
}

export const lookAtGroup = fromPromise<GroupLook | undefined, LookInput>(
  async ({ input: { port, address }, signal }) =>
    address === undefined ? undefined : port.look(address, sharedSignal(signal)),
);
