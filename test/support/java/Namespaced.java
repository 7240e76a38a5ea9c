// SPDX-License-Identifier: Apache-2.0

import org.apache.rocketmq.client.ClientConfig;

/** {@code namespace=} (version 1), {@code namespaceV2=} (5.x) and {@code unit=} of a client, as its users set them. */
final class Namespaced {
  private Namespaced() {}

  static void apply(Arguments arguments, ClientConfig client) throws Exception {
    String namespace = arguments.text("namespace", null);
    if (namespace != null) {
      client.setNamespace(namespace);
    }
    String version2 = arguments.text("namespaceV2", null);
    if (version2 != null) {
      ClientConfig.class.getMethod("setNamespaceV2", String.class).invoke(client, version2); // 4.9 has none
    }
    String unit = arguments.text("unit", null);
    if (unit != null) {
      client.setUnitName(unit);
    }
  }
}
