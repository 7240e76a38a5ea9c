// SPDX-License-Identifier: Apache-2.0
/** How does a broker put its refusals? Clients match codes, but people read these. Source: FAQUrl. */

const advice = '\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.';

/** A remark with the page brokers point to. */
export function withAdvice(remark: string): string {
  return remark + advice;
}
