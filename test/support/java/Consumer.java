// SPDX-License-Identifier: Apache-2.0

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * The official push consumer.
 *
 * <pre>
 * namesrv= group= topic=     required; several topics: a,b
 * mode=concurrent            concurrent | orderly | bench (concurrent, counts only: time from the first message to the Nth)
 * expression=*               tag expression
 * from=FIRST                 FIRST | LAST, for a group without offsets
 * threads=20  batch=1  pullBatch=32
 * sleepMs=0                  per message, in the listener
 * failEvery=0 failTimes=1    each n-th sequence number fails that often before it is done
 * failBy=answer              answer | copy (a plain send to the retry topic, which the client does when 36 fails) | both (in turn);
 *                            copy and both: concurrent only
 * out=FILE                   a line per message: DeliveryFile
 * fields=FILE                all fields of each message: FieldsFile
 * exitAfter=0                ends after that many messages; required by mode=bench
 * instance=                  instance name, for a client id that is known before
 * namespace= namespaceV2= unit=   none, Namespaced
 * </pre>
 *
 * Prints {@code READY} when started, {@code ASSIGNED n} when the number of its queues of the topic changes, {@code RATE
 * n/s total=} once a second while messages come, {@code CONSUMED n} at the end; mode=bench adds one line of JSON. Ends by
 * consumer.shutdown() on SIGTERM, on the line 'stop' at standard input or its end, and after exitAfter messages.
 */
public final class Consumer {
  private final List<String> topics;
  private final boolean bench;
  private final long sleepMs;
  private final long exitAfter;
  private final DeliveryFile out;
  private final FieldsFile fields;
  private final Failing failing;
  private final DefaultMQPushConsumer client;
  private final AtomicLong calls = new AtomicLong();
  private final AtomicLong consumed = new AtomicLong();
  private final CountDownLatch end = new CountDownLatch(1);
  private final CountDownLatch ended = new CountDownLatch(1);
  private final AtomicLong firstAt = new AtomicLong();
  private volatile long lastAt;

  private Consumer(Arguments arguments) throws Exception {
    topics = List.of(arguments.text("topic").split(","));
    String mode = arguments.text("mode", "concurrent");
    bench = mode.equals("bench");
    sleepMs = arguments.number("sleepMs", 0);
    exitAfter = arguments.number("exitAfter", 0);
    String file = arguments.text("out", null);
    out = file == null ? null : new DeliveryFile(file);
    String fieldsFile = arguments.text("fields", null);
    fields = fieldsFile == null ? null : new FieldsFile(fieldsFile);
    failing = new Failing(arguments);
    client = new DefaultMQPushConsumer(arguments.text("group"));
    client.setNamesrvAddr(arguments.text("namesrv"));
    client.setVipChannelEnabled(false);
    client.setConsumeFromWhere(arguments.text("from", "FIRST").equals("LAST")
        ? ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET
        : ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    int threads = (int) arguments.number("threads", 20);
    client.setConsumeThreadMax(Math.max(threads, client.getConsumeThreadMax()));
    client.setConsumeThreadMin(threads);
    client.setConsumeThreadMax(threads);
    client.setConsumeMessageBatchMaxSize((int) arguments.number("batch", 1));
    client.setPullBatchSize((int) arguments.number("pullBatch", 32));
    String instance = arguments.text("instance", null);
    if (instance != null) {
      client.setInstanceName(instance);
    }
    Namespaced.apply(arguments, client);
    for (String topic : topics) {
      client.subscribe(topic, arguments.text("expression", "*"));
    }
    switch (mode) {
      case "bench":
        if (exitAfter < 1) {
          throw new IllegalArgumentException("mode=bench needs exitAfter=");
        }
        client.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
          count(messages.size());
          return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        break;
      case "orderly":
        client.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
          boolean done = consume(messages, context.getMessageQueue());
          return done ? ConsumeOrderlyStatus.SUCCESS : ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
        });
        break;
      case "concurrent":
        client.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
          boolean done = consume(messages, context.getMessageQueue());
          return done ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS : ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
        break;
      default:
        throw new IllegalArgumentException("unknown mode=" + mode);
    }
    arguments.nothingElse();
  }

  public static void main(String[] words) throws Exception {
    new Consumer(new Arguments(words)).run();
  }

  private void run() throws Exception {
    Runtime.getRuntime().addShutdownHook(new Thread(this::endBySignal, "end"));
    daemon("input", this::endAtStop);
    long began = System.nanoTime();
    client.start();
    System.out.println("READY");
    daemon("assigned", this::printAssigned);
    daemon("rate", this::printRate);
    end.await();
    client.shutdown();
    if (out != null) {
      out.close();
    }
    if (fields != null) {
      fields.close();
    }
    System.out.println("CONSUMED " + consumed.get());
    if (bench) {
      printBench(began);
    }
    System.out.flush();
    ended.countDown();
    System.exit(0);
  }

  /** Whether the whole batch is done; a message that went back by a copy is. */
  private boolean consume(List<MessageExt> messages, MessageQueue queue) {
    DeliveryFile.Call call = new DeliveryFile.Call(calls.incrementAndGet(), queue.getTopic(), DeliveryFile.monotonicMs());
    boolean answersFailed = messages.stream().anyMatch(each -> failing.fails(each) && !failing.byCopy(each));
    for (MessageExt message : messages) {
      if (sleepMs > 0) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(sleepMs));
      }
      boolean copied = failing.fails(message) && failing.byCopy(message);
      if (copied) {
        failing.sendCopy(client, message);
      }
      if (out != null) {
        out.write(message, call, answersFailed || copied);
      }
      if (fields != null) {
        fields.write(message);
      }
    }
    if (!answersFailed) {
      count(messages.size());
    }
    return !answersFailed;
  }

  private void count(int amount) {
    if (firstAt.get() == 0) {
      firstAt.compareAndSet(0, System.nanoTime());
    }
    long total = consumed.addAndGet(amount);
    if (exitAfter > 0 && total >= exitAfter && total - amount < exitAfter) {
      lastAt = System.nanoTime();
      end.countDown();
    }
  }

  private void printBench(long began) {
    long first = firstAt.get();
    double ms = (lastAt - first) / 1e6;
    System.out.printf("{\"count\":%d,\"ms\":%.1f,\"firstMessageMs\":%.1f,\"rate\":%d}%n",
        consumed.get(), ms, (first - began) / 1e6, Math.round(exitAfter * 1000 / Math.max(0.001, ms)));
  }

  private void printAssigned() {
    long before = -1;
    while (true) {
      long now = 0;
      for (MessageQueue queue : client.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet()) {
        if (topics.stream().anyMatch(topic -> client.withNamespace(topic).equals(queue.getTopic()))) {
          now++;
        }
      }
      if (now != before) {
        System.out.println("ASSIGNED " + now);
        before = now;
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
  }

  private void printRate() {
    long before = 0;
    while (true) {
      LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
      long now = consumed.get();
      if (now != before) {
        System.out.println("RATE " + (now - before) + "/s total=" + now);
      }
      before = now;
    }
  }

  private void endAtStop() {
    try (BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII))) {
      String line = input.readLine();
      while (line != null && !line.equals("stop")) {
        line = input.readLine();
      }
    } catch (IOException closed) {
      // the same as the end
    }
    end.countDown();
  }

  private void endBySignal() {
    end.countDown();
    try {
      ended.await(20, TimeUnit.SECONDS);
    } catch (InterruptedException hurried) {
      Thread.currentThread().interrupt();
    }
  }

  private static void daemon(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.start();
  }
}
