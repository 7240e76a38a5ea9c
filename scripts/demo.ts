// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run demo`: an embedded cluster, a shop that sends orders, members that share them, join, leave and retry, and a
 * board to watch it on. Ends by itself after some 13 s. `npm run demo -- --namesrv HOST:PORT`: the same on any cluster.
 */
import { embeddedStage } from './demo/embedded-stage.ts';
import { parseDemoArgs, usage } from './demo/options.ts';
import { run } from './demo/run.ts';
import { wireStage } from './demo/wire-stage.ts';

const request = parseDemoArgs(process.argv.slice(2));
switch (request.kind) {
  case 'help':
    console.log(usage);
    break;
  case 'wrong':
    console.error(`${request.problem}\n\n${usage}`);
    process.exitCode = 2;
    break;
  case 'run': {
    const { namesrvAddr, plain } = request;
    const raise = () => (namesrvAddr === undefined ? embeddedStage() : wireStage({ namesrvAddr }));
    process.exitCode = await run(raise, { plain });
  }
}
