// SPDX-License-Identifier: Apache-2.0
/** Does the embedded broker answer what real brokers answered? Every recorded exchange is asked again. */
import { knownDifferences } from '../../test/unit/testing/replay/differences.ts';
import { judge } from '../../test/unit/testing/replay/known.ts';
import { replay } from '../../test/unit/testing/replay/replay.ts';
import type { Evidence } from './kit/stage.ts';

export const embeddedReplay: Evidence = {
  name: 'embedded-replay',
  about:
    'the wire captures of brokers 5.5.0, 5.3.3 and 4.9.7 asked again of the embedded one: equal in code, fields and body, but for what is listed with its reason',
  needsCluster: false,
  async run(stage, report) {
    for (const version of ['5.5.0', '5.3.3', '4.9.7']) {
      const compared = await replay(version);
      const differing = compared.filter(each => Object.keys(each.differences).length > 0);
      const judged = compared.map(({ exchange, differences }) => ({
        title: exchange.title,
        ...judge(version, exchange.name, differences),
      }));
      const wrong = judged.filter(({ unlisted, unseen }) => Object.keys(unlisted).length + unseen.length > 0);
      for (const { title, unlisted, unseen } of wrong) {
        stage.say(
          `${title}: not listed: ${JSON.stringify(unlisted)}; listed and not seen: ${unseen.join(', ')}`,
        );
      }
      const part = report.part(version);
      part.note('exchanges', compared.length);
      part.note('equal', compared.length - differing.length);
      part.note('with differences', differing.length);
      part.check('not as listed', wrong.length, { is: 0 });
    }
    for (const { versions, samples, why } of knownDifferences) {
      stage.say(`${versions.join(', ')}, ${samples.length} exchanges: ${why}`);
    }
  },
};
