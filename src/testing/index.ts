// SPDX-License-Identifier: Apache-2.0
/** What helps users test code that uses a consumer. */
export { TestClock } from './test-clock.ts';
