// SPDX-License-Identifier: Apache-2.0
import { e2eCasesOn } from '../e2e/on-version.ts';

e2eCasesOn('5.5.0');
