// SPDX-License-Identifier: Apache-2.0
/** Random tests draw the same cases in every run, so that a red one is red again; `FC_SEED=7` draws others. */
import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env['FC_SEED'] ?? 20_261_123) });
