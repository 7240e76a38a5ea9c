// SPDX-License-Identifier: Apache-2.0
/** What must differ between two runs of the same requests, and is therefore not compared? Each rule has a name and a reason. */

interface Rule {
  readonly name: string;
  readonly why: string;
  /** Places the rule is about. */
  readonly at: RegExp;
  /** What of the text is replaced. */
  readonly from: RegExp;
  readonly to: string;
}

/** All of them, in the order they are applied. A text that does not look as the rule says stays, and then differs. */
export const rules: readonly Rule[] = [
  {
    name: 'port',
    why: 'Every run listens at ports that are free, and its clients get theirs from the system.',
    at: /(^remark|clientAddr|brokerAddrs\.\d+|bornHost|storeHost)$/,
    from: /127\.0\.0\.1:\d+/g,
    to: '127.0.0.1:(port)',
  },
  {
    name: 'message id',
    why: 'It is made of the port and of the position in the log.',
    at: /(msgId|ORIGIN_MESSAGE_ID)$/,
    from: /\b7F000001[0-9A-F]{24}\b/g,
    to: '(message id)',
  },
  {
    name: 'unique id',
    why: 'A broker makes one up for a message that came without: from its address, process and time.',
    at: /(transactionId|UNIQ_KEY)$/,
    from: /^(?!7F00000100010{18})[0-9A-F]{32,56}$/,
    to: '(unique id)',
  },
  {
    name: 'position',
    why: 'Where a message lies in the log depends on what else is written there, schedules and offsets of the broker included.',
    at: /commitLogOffset$/,
    from: /^\d+$/,
    to: '(position)',
  },
  {
    name: 'time',
    why: 'The time of the run. 0, for never, is compared.',
    at: /(storeTimestamp|lastTimestamp|lastUpdateTimestamp)$/,
    from: /^1[67]\d{11}$/,
    to: '(time)',
  },
  {
    name: 'rate',
    why: 'Measured over seconds that no two runs share.',
    at: /(consumeTps|topicPutTps)$/,
    from: /^\d+(\.\d+)?$/,
    to: '(rate)',
  },
  {
    name: 'release',
    why: 'The number of the release that answers; the embedded broker is none of them.',
    at: /^version$/,
    from: /^\d+$/,
    to: '(release)',
  },
];

/** The text as it is compared. */
export function tidy(path: string, text: string): string {
  return rules
    .filter(rule => rule.at.test(path))
    .reduce((tidied, rule) => tidied.replace(rule.from, rule.to), text);
}
