// SPDX-License-Identifier: Apache-2.0

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Sends numbered messages with the official client. The body starts with the ten-digit sequence number and '|', KEYS is
 * the sequence number, so that every message can be told apart at the other end.
 *
 * <pre>
 * namesrv= topic= count=     required
 * start=0                    first sequence number
 * size=256                   body bytes, at least 11
 * rate=0                     messages a second; 0: as fast as possible, in batches
 * batch=64                   messages per batch when rate=0; 1: no batches
 * threads=1  group=producer  tag=
 * sharding=0                 number of sharding keys: property __SHARDINGKEY, one queue and one thread per key, order kept
 * queue=-1                   every message to this queue id of every broker
 * delayLevel=0
 * retry=false                repeat a failed send until it is acknowledged (an unacknowledged one may be stored twice)
 * timeout=3000               of one send, ms
 * namespace= namespaceV2= unit=   none, Namespaced
 * </pre>
 *
 * Prints {@code READY}, {@code PROGRESS sent=} once a second, {@code SENT count}, then one line of JSON. The exit code is 1
 * when a send failed and was not repeated.
 */
public final class Producer {
  private final String topic;
  private final int size;
  private final String tag;
  private final int batch;
  private final long rate;
  private final int sharding;
  private final int delayLevel;
  private final boolean retry;
  private final long timeout;
  private final DefaultMQProducer client;
  private final List<MessageQueue> queues = new ArrayList<>();
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong retries = new AtomicLong();
  private final AtomicLong failures = new AtomicLong();

  private Producer(Arguments arguments) throws Exception {
    topic = arguments.text("topic");
    size = Math.max(11, (int) arguments.number("size", 256));
    tag = arguments.text("tag", null);
    rate = arguments.number("rate", 0);
    sharding = (int) arguments.number("sharding", 0);
    delayLevel = (int) arguments.number("delayLevel", 0);
    // A batch may carry neither a delay nor messages for different queues.
    int asked = (int) arguments.number("batch", 64);
    batch = rate > 0 || sharding > 0 || delayLevel > 0 ? 1 : asked;
    retry = arguments.flag("retry");
    timeout = arguments.number("timeout", 3000);
    client = new DefaultMQProducer(arguments.text("group", "producer"));
    client.setNamesrvAddr(arguments.text("namesrv"));
    client.setVipChannelEnabled(false);
    client.setPollNameServerInterval(1000);
    client.setHeartbeatBrokerInterval(10_000);
    client.setRetryTimesWhenSendFailed(0);
    Namespaced.apply(arguments, client);
    client.setCompressMsgBodyOverHowmuch(Math.max(4096, size + 1));
  }

  public static void main(String[] words) throws Exception {
    Arguments arguments = new Arguments(words);
    Producer producer = new Producer(arguments);
    long first = arguments.number("start", 0);
    long count = Long.parseLong(arguments.text("count"));
    int asked = (int) arguments.number("threads", 1);
    int threads = producer.sharding > 0 ? 1 : asked; // two threads would break the order of a key
    int queueId = (int) arguments.number("queue", -1);
    arguments.nothingElse();
    System.exit(producer.run(first, count, threads, queueId) ? 0 : 1);
  }

  private boolean run(long first, long count, int threads, int queueId) throws Exception {
    client.start();
    findQueues(queueId);
    System.out.println("READY");
    Thread progress = new Thread(this::printProgress, "progress");
    progress.setDaemon(true);
    progress.start();

    long began = System.nanoTime();
    List<Thread> senders = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      long from = first + count * i / threads;
      long to = first + count * (i + 1) / threads;
      int lane = i;
      Thread sender = new Thread(() -> sendRange(from, to, lane, threads, began), "sender-" + i);
      sender.start();
      senders.add(sender);
    }
    for (Thread sender : senders) {
      sender.join();
    }
    long ms = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
    System.out.println("SENT " + sent.get());
    System.out.printf("{\"sent\":%d,\"ms\":%d,\"rate\":%d,\"retries\":%d,\"failures\":%d}%n",
        sent.get(), ms, sent.get() * 1000 / Math.max(1, ms), retries.get(), failures.get());
    client.shutdown();
    return failures.get() == 0;
  }

  /** The route may not have reached every name server yet, or the topic must first be made by its first message. */
  private void findQueues(int queueId) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (true) {
      try {
        for (MessageQueue queue : client.fetchPublishMessageQueues(topic)) {
          if (queueId < 0 || queue.getQueueId() == queueId) {
            queues.add(queue);
          }
        }
        if (!queues.isEmpty()) {
          return;
        }
        throw new IllegalStateException("no queue " + queueId + " in topic " + topic);
      } catch (Exception notYet) {
        if (System.nanoTime() > deadline) {
          throw notYet;
        }
        Thread.sleep(100);
      }
    }
  }

  private void sendRange(long from, long to, int lane, int lanes, long began) {
    byte[] template = new byte[size];
    Arrays.fill(template, (byte) 'x');
    int turn = lane;
    for (long next = from; next < to; ) {
      int amount = (int) Math.min(batch, to - next);
      if (rate > 0) {
        long due = began + (next - from) * 1_000_000_000L * lanes / rate;
        waitUntil(due);
      }
      List<Message> messages = new ArrayList<>(amount);
      for (int i = 0; i < amount; i++) {
        messages.add(message(next + i, template));
      }
      MessageQueue queue = sharding > 0
          ? queues.get((int) (next % sharding % queues.size()))
          : queues.get(turn++ % queues.size());
      send(messages, queue);
      next += amount;
    }
  }

  private static void waitUntil(long due) {
    for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  private Message message(long sequence, byte[] template) {
    byte[] body = template.clone();
    long digits = sequence;
    for (int i = 9; i >= 0; i--) {
      body[i] = (byte) ('0' + digits % 10);
      digits /= 10;
    }
    body[10] = '|';
    Message message = new Message(topic, tag, Long.toString(sequence), body);
    if (delayLevel > 0) {
      message.setDelayTimeLevel(delayLevel);
    }
    if (sharding > 0) {
      MessageAccessor.putProperty(message, "__SHARDINGKEY", "key-" + sequence % sharding);
    }
    return message;
  }

  private void send(List<Message> messages, MessageQueue first) {
    MessageQueue queue = first;
    int turn = queues.indexOf(first);
    while (true) {
      try {
        SendResult result = messages.size() == 1
            ? client.send(messages.get(0), queue, timeout)
            : client.send(messages, queue, timeout);
        if (result.getSendStatus() != SendStatus.SEND_OK) {
          System.out.println("WEAK " + result.getSendStatus());
        }
        sent.addAndGet(messages.size());
        return;
      } catch (Exception failed) {
        if (!retry) {
          failures.addAndGet(messages.size());
          System.out.println("FAILED " + failed);
          return;
        }
        if (retries.incrementAndGet() == 1) {
          System.out.println("RETRYING " + new String(messages.get(0).getBody(), 0, 10, StandardCharsets.US_ASCII) + " " + failed);
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        if (sharding == 0) {
          queue = queues.get(++turn % queues.size()); // perhaps another broker is alive; with sharding the order forbids it
        }
      }
    }
  }

  private void printProgress() {
    while (true) {
      LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
      System.out.println("PROGRESS sent=" + sent.get());
    }
  }
}
