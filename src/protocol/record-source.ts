// SPDX-License-Identifier: Apache-2.0
/** What do all messages of one received body have in common? */
import type { Namespace } from '../model/namespace.ts';
import { viewOf } from './record-layout.ts';
import { TextCache } from './text-cache.ts';

/** What all messages of one received body share. */
export class RecordSource {
  readonly bytes: Buffer;
  /** Over the same bytes: reads ten times as fast as Buffer's methods. */
  readonly view: DataView;
  readonly brokerName: string;
  /** Largest decompressed body. Unit: bytes. */
  readonly maxBodySize: number;
  /** Whose topics they are. */
  readonly namespace: Namespace | undefined;
  /** Messages of one pull have one topic and few tags: the text of the last one is used again. */
  readonly topics = new TextCache();
  readonly tags = new TextCache();

  constructor(bytes: Buffer, brokerName: string, maxBodySize: number, namespace: Namespace | undefined) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.brokerName = brokerName;
    this.maxBodySize = maxBodySize;
    this.namespace = namespace;
  }
}
