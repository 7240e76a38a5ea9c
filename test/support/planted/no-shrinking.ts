// SPDX-License-Identifier: Apache-2.0
/** That a random test fails is enough where a bug was planted: nobody reads the shortest history, and to find it takes most of the time. */
import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true });
