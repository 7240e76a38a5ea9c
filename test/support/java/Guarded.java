// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * Runs another main class, and ends this JVM at once when standard input closes: that is how a name server or broker of
 * a test learns that the process which started it is gone, even when that one was killed and could run no handler. The
 * folder named by -Dguarded.folder, which nobody is left to remove, goes with it.
 */
public final class Guarded {
  public static void main(String[] args) throws Exception {
    Thread guard = new Thread(Guarded::haltAtEndOfInput, "guard");
    guard.setDaemon(true);
    guard.start();
    String[] rest = Arrays.copyOfRange(args, 1, args.length);
    Class.forName(args[0]).getMethod("main", String[].class).invoke(null, (Object) rest);
  }

  private static void haltAtEndOfInput() {
    try {
      while (System.in.read() >= 0) {
        // what is written to us does not matter, only the end does
      }
    } catch (IOException closed) {
      // the same as the end
    }
    try {
      removeFolder(Path.of(System.getProperty("guarded.folder")));
    } finally {
      Runtime.getRuntime().halt(143);
    }
  }

  private static void removeFolder(Path folder) {
    for (int attempt = 0; attempt < 3; attempt++) { // the other threads of this JVM may still write
      try (Stream<Path> tree = Files.walk(folder)) {
        tree.sorted(Comparator.reverseOrder()).forEach(Guarded::remove);
        Files.deleteIfExists(folder.getParent()); // when it is empty: the last of a cluster removes the whole
        return;
      } catch (IOException | UncheckedIOException again) {
        // the next attempt sees what has changed
      }
    }
  }

  private static void remove(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException notEmptyAnyMore) {
      throw new UncheckedIOException(notEmptyAnyMore);
    }
  }
}
