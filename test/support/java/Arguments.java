// SPDX-License-Identifier: Apache-2.0

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;

/** How the programs of this folder are told what to do: {@code key=value} words. An unknown or missing key ends the program. */
final class Arguments {
  private final Map<String, String> values = new LinkedHashMap<>();
  private final TreeSet<String> unread = new TreeSet<>();

  Arguments(String[] words) {
    for (String word : words) {
      int equals = word.indexOf('=');
      if (equals < 1) {
        fail("not key=value: " + word);
      }
      values.put(word.substring(0, equals), word.substring(equals + 1));
    }
    unread.addAll(values.keySet());
  }

  String text(String key) {
    String value = text(key, null);
    if (value == null) {
      fail("missing argument " + key + "=");
    }
    return value;
  }

  String text(String key, String fallback) {
    unread.remove(key);
    return values.getOrDefault(key, fallback);
  }

  long number(String key, long fallback) {
    String value = text(key, null);
    return value == null ? fallback : Long.parseLong(value);
  }

  boolean flag(String key) {
    return Boolean.parseBoolean(text(key, "false"));
  }

  /** Call after the last read: a misspelt argument must not be ignored. */
  void nothingElse() {
    if (!unread.isEmpty()) {
      fail("unknown arguments " + unread);
    }
  }

  private static void fail(String message) {
    System.err.println(message);
    System.exit(64);
  }
}
