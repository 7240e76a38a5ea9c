// SPDX-License-Identifier: Apache-2.0
import { scenariosOn } from '../scenarios.ts';

scenariosOn('4.9.7');
