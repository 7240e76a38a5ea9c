// SPDX-License-Identifier: Apache-2.0
import { promisesOn } from '../promises.ts';

promisesOn('4.9.7');
