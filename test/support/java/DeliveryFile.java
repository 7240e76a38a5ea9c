// SPDX-License-Identifier: Apache-2.0

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageClientExt;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Where a consumer writes down what it was given, a line a message:
 *
 * <pre>
 * queueId queueOffset seq brokerName reconsumeTimes timestamp begunMs endedMs call ok|failed queueTopic topic shardingKey
 * msgId offsetMsgId retryTopic originId                                                          (more words of the same line)
 * </pre>
 *
 * begunMs and endedMs are of CLOCK_MONOTONIC, which is the same for all processes of a machine; a word that is missing is
 * empty. The file is at most 0.2 s behind.
 */
final class DeliveryFile {
  /** MessageConst has it from 5.0 on. */
  private static final String SHARDING_KEY = "__SHARDINGKEY";

  private final BufferedWriter out;

  DeliveryFile(String file) throws IOException {
    out = Files.newBufferedWriter(Path.of(file), StandardCharsets.US_ASCII);
    Thread flusher = new Thread(this::flushOften, "flush");
    flusher.setDaemon(true);
    flusher.start();
  }

  /** What a listener call has in common for all its messages. */
  record Call(long number, String queueTopic, double begunMs) {}

  /** Linux gives System.nanoTime() and every other process CLOCK_MONOTONIC. */
  static double monotonicMs() {
    return System.nanoTime() / 1e6;
  }

  void write(MessageExt message, Call call, boolean failed) {
    String line = String.join(" ",
        Integer.toString(message.getQueueId()),
        Long.toString(message.getQueueOffset()),
        sequenceOf(message),
        message.getBrokerName(),
        Integer.toString(message.getReconsumeTimes()),
        Long.toString(System.currentTimeMillis()),
        shown(call.begunMs()),
        shown(monotonicMs()),
        Long.toString(call.number()),
        failed ? "failed" : "ok",
        call.queueTopic(),
        message.getTopic(),
        property(message, SHARDING_KEY),
        message.getMsgId(),
        message instanceof MessageClientExt received ? received.getOffsetMsgId() : "",
        property(message, MessageConst.PROPERTY_RETRY_TOPIC),
        orEmpty(MessageAccessor.getOriginMessageId(message)));
    synchronized (out) {
      try {
        out.write(line + "\n");
      } catch (IOException failure) {
        throw new IllegalStateException(failure); // the message counts as not consumed
      }
    }
  }

  void close() throws IOException {
    synchronized (out) {
      out.close();
    }
  }

  static String sequenceOf(MessageExt message) {
    byte[] body = message.getBody();
    return body == null || body.length < 10 ? "-" : new String(body, 0, 10, StandardCharsets.US_ASCII);
  }

  private static String property(MessageExt message, String name) {
    return orEmpty(message.getProperty(name));
  }

  private static String orEmpty(String text) {
    return text == null ? "" : text;
  }

  private static String shown(double ms) {
    return String.format(Locale.ROOT, "%.3f", ms);
  }

  private void flushOften() {
    while (true) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
      synchronized (out) {
        try {
          out.flush();
        } catch (IOException closed) {
          return;
        }
      }
    }
  }
}
