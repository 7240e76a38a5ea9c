// SPDX-License-Identifier: Apache-2.0
/** As which peer do embedded servers present themselves? As the Apache RocketMQ they behave like. */

/** Clients look at it before they use what is new: SQL filters, standard JSON. */
export const serverLanguage = 'JAVA';

/** V5_5_0. protocol.md section 1.5. */
export const serverVersion = 513;

export const serverVersionName = 'V5_5_0';
