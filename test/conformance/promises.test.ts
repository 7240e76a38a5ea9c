// SPDX-License-Identifier: Apache-2.0
import { otherPromises } from './promises.ts';

otherPromises();
