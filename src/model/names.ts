// SPDX-License-Identifier: Apache-2.0
/** Which names are legal, and what is a group's retry topic called? protocol.md section 6.1. */

export const retryTopicPrefix = '%RETRY%';

/** Longest topic a broker accepts. Unit: characters. */
const maxTopicLength = 127;
/** Longest group that keeps `%RETRY%group` legal on every broker version. Unit: characters. */
const maxGroupLength = 120;

const legalName = /^[%|a-zA-Z0-9_-]+$/;

export function retryTopicOf(consumerGroup: string): string {
  return retryTopicPrefix + consumerGroup;
}

export function isRetryTopic(topic: string): boolean {
  return topic.startsWith(retryTopicPrefix);
}

/** Why a topic name is refused, or undefined when it is legal. */
export function topicProblem(topic: string): string | undefined {
  return nameProblem(topic, maxTopicLength);
}

/** Why a consumer or producer group name is refused, or undefined when it is legal. */
export function groupProblem(group: string): string | undefined {
  if (group === 'DEFAULT_CONSUMER' || group === 'DEFAULT_PRODUCER') return `${group} is reserved`;
  return nameProblem(group, maxGroupLength);
}

function nameProblem(name: string, maxLength: number): string | undefined {
  if (name === '') return 'it is empty';
  if (name.length > maxLength) return `it has ${name.length} characters, at most ${maxLength} are allowed`;
  if (!legalName.test(name)) return 'only letters, digits, and % | _ - are allowed';
  return undefined;
}
