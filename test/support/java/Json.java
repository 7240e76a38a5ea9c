// SPDX-License-Identifier: Apache-2.0

import java.util.Map;

/** How do the programs of this folder write JSON? In ASCII, so that no terminal and no pipe changes it. */
final class Json {
  private Json() {}

  /** Values: null, a Number, a Boolean, a Map of such, or anything else by its text. */
  static String of(Object value) {
    if (value == null || value instanceof Number || value instanceof Boolean) {
      return String.valueOf(value);
    }
    if (!(value instanceof Map<?, ?> map)) {
      return text(value.toString());
    }
    StringBuilder out = new StringBuilder("{");
    map.forEach((name, each) -> out.append(out.length() == 1 ? "" : ",").append(text(name.toString())).append(':').append(of(each)));
    return out.append('}').toString();
  }

  private static String text(String value) {
    StringBuilder out = new StringBuilder("\"");
    for (char each : value.toCharArray()) {
      if (each < ' ' || each > '~' || each == '"' || each == '\\') {
        out.append(String.format("\\u%04x", (int) each));
      } else {
        out.append(each);
      }
    }
    return out.append('"').toString();
  }
}
