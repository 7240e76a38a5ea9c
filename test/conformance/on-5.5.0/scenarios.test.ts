// SPDX-License-Identifier: Apache-2.0
import { scenariosOn } from '../scenarios.ts';

scenariosOn('5.5.0');
