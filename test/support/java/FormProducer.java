// SPDX-License-Identifier: Apache-2.0

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Sends a few messages of every form that the official client can make; the property {@code form} says which.
 *
 * <pre>
 * namesrv= topic=            required
 * group=                     prefix of the producer groups, required
 * batchTopic=                a topic with queue.type=BatchCQ, for inner batches
 * timer=false                also messages with a time of delivery (brokers from 5.0 on)
 * </pre>
 *
 * Prints a line {@code FORM {json}} for each message, {@code SENT n}, and then waits for the line 'stop' or the end of
 * standard input: the broker asks a living producer what became of its transactions.
 */
public final class FormProducer {
  private static final int LARGEST = 4 * 1024 * 1024;
  private static final int NEVER = Integer.MAX_VALUE;

  private final String namesrv;
  private final String topic;
  private final String group;
  private final List<DefaultMQProducer> clients = new ArrayList<>();
  private int sent;

  private FormProducer(String namesrv, String topic, String group) {
    this.namesrv = namesrv;
    this.topic = topic;
    this.group = group;
  }

  public static void main(String[] words) throws Exception {
    Arguments arguments = new Arguments(words);
    FormProducer producer =
        new FormProducer(arguments.text("namesrv"), arguments.text("topic"), arguments.text("group"));
    String batchTopic = arguments.text("batchTopic", null);
    boolean timer = arguments.flag("timer");
    arguments.nothingElse();
    producer.run(batchTopic, timer);
    System.exit(0);
  }

  private void run(String batchTopic, boolean timer) throws Exception {
    sendTransactions(); // first: the broker takes its time to ask about two of them
    DefaultMQProducer client = started(new DefaultMQProducer(group + "-plain"), NEVER);
    sendDelayed(client, timer);
    sendPlain(client);
    sendBatch(client, topic, "batch", 5);
    for (String type : List.of("ZLIB", "LZ4", "ZSTD")) {
      sendCompressed(type);
    }
    if (batchTopic != null) {
      sendBatch(client, batchTopic, "innerBatch", 5);
      sendBatch(client, batchTopic, "innerBatch", 3);
    }
    System.out.println("SENT " + sent);
    int input = System.in.read();
    while (input >= 0 && input != '\n') {
      input = System.in.read();
    }
    clients.forEach(DefaultMQProducer::shutdown);
  }

  private <P extends DefaultMQProducer> P started(P client, int compressFrom) throws Exception {
    client.setNamesrvAddr(namesrv);
    client.setVipChannelEnabled(false);
    client.setCompressMsgBodyOverHowmuch(compressFrom);
    client.setSendMsgTimeout(10_000);
    client.setHeartbeatBrokerInterval(1000); // a broker asks about a transaction over the connection of a known group
    client.start();
    clients.add(client);
    return client;
  }

  private void sendPlain(DefaultMQProducer client) throws Exception {
    send(client, "plain", message -> {});
    send(client, "plain", message -> {
      message.setTags("paid");
      message.setKeys("order-17");
    });
    send(client, "keys", message -> message.setKeys(List.of("order-17", "customer-4", "invoice-9")));
    send(client, "keys", message -> message.setKeys(" two  spaces "));
    send(client, "shardingKey", message -> MessageAccessor.putProperty(message, "__SHARDINGKEY", "customer-4"));
    send(client, "unicode", message -> {
      message.setTags("t\u00e4g-\u6807\u7b7e-\ud83d\ude80");
      message.setKeys("\u043a\u043b\u044e\u0447 \u9375 \ud83d\udd11");
      message.setBody("K\u00f6rper \u6b63\u6587 \ud83d\udce6 \u0000 end".getBytes(StandardCharsets.UTF_8));
      message.putUserProperty("\u5c5e\u6027", "\u503c \ud83c\udf0d");
      message.putUserProperty("line", "a\nb\tc\"\\");
    });
    send(client, "fields", message -> {
      message.setFlag(-42);
      message.setWaitStoreMsgOK(false);
      message.setBuyerId("buyer");
      message.putUserProperty("__proto__", "polluted");
      message.putUserProperty("constructor", "x");
    });
    send(client, "manyProperties", message -> {
      for (int i = 0; i < 1000; i++) {
        message.putUserProperty("name-" + i, "value of " + i);
      }
    });
    send(client, "oneByte", message -> message.setBody(new byte[1]));
    send(client, "largest", message -> message.setBody(noise(LARGEST)));
  }

  private void sendCompressed(String type) throws Exception {
    System.setProperty("rocketmq.message.compressType", type); // the one switch that 4.9 has too; read when a client is made
    DefaultMQProducer client = started(new DefaultMQProducer(group + "-" + type), 4096);
    String form = "compressed " + type;
    send(client, form, message -> message.setBody(("some text, " + type + "; ").repeat(1000).getBytes(StandardCharsets.UTF_8)));
    send(client, form, message -> message.setBody(noise(20_000)));
    send(client, form, message -> message.setBody(new byte[LARGEST]));
  }

  private void sendDelayed(DefaultMQProducer client, boolean timer) throws Exception {
    send(client, "delayed", message -> message.setDelayTimeLevel(2));
    send(client, "delayed", message -> message.setDelayTimeLevel(5));
    if (timer) {
      // What setDeliverTimeMs, setDelayTimeSec and setDelayTimeMs write, which 4.9 does not have.
      String at = Long.toString(System.currentTimeMillis() + 2500);
      send(client, "timer", message -> MessageAccessor.putProperty(message, "TIMER_DELIVER_MS", at));
      send(client, "timer", message -> MessageAccessor.putProperty(message, "TIMER_DELAY_SEC", "1"));
      send(client, "timer", message -> MessageAccessor.putProperty(message, "TIMER_DELAY_MS", "1500"));
    }
  }

  private void sendTransactions() throws Exception {
    TransactionMQProducer client = new TransactionMQProducer(group + "-transactions");
    client.setTransactionListener(new Decided());
    started(client, NEVER);
    for (String form : List.of("committed", "committed", "rolledBack", "rolledBack", "committedLater", "rolledBackLater")) {
      Message message = message(topic, form);
      tell(form, message, client.sendMessageInTransaction(message, null), 0);
    }
  }

  /** Does what the form says; what is to happen later is unknown until the broker asks. */
  private static final class Decided implements TransactionListener {
    @Override
    public LocalTransactionState executeLocalTransaction(Message message, Object unused) {
      String form = message.getProperty("form");
      return form.endsWith("Later") ? LocalTransactionState.UNKNOW : ended(form);
    }

    @Override
    public LocalTransactionState checkLocalTransaction(MessageExt message) {
      System.out.println("CHECKED " + message.getProperty("form"));
      return ended(message.getProperty("form"));
    }

    private static LocalTransactionState ended(String form) {
      return form.startsWith("committed") ? LocalTransactionState.COMMIT_MESSAGE : LocalTransactionState.ROLLBACK_MESSAGE;
    }
  }

  private void sendBatch(DefaultMQProducer client, String to, String form, int amount) throws Exception {
    List<Message> messages = new ArrayList<>();
    for (int i = 0; i < amount; i++) {
      Message message = message(to, form);
      message.setTags("tag-" + i);
      message.setKeys("key-" + i + " second");
      message.setFlag(i);
      message.setBody((form + " body " + i).getBytes(StandardCharsets.UTF_8));
      messages.add(message);
    }
    SendResult result = client.send(messages);
    for (int i = 0; i < amount; i++) {
      tell(form, messages.get(i), result, i);
    }
  }

  private void send(DefaultMQProducer client, String form, Consumer<Message> shape) throws Exception {
    Message message = message(topic, form);
    shape.accept(message);
    byte[] body = message.getBody();
    SendResult result = client.send(message);
    message.setBody(body);
    tell(form, message, result, 0);
  }

  private static Message message(String to, String form) {
    Message message = new Message(to, "a message of the form " .concat(form).getBytes(StandardCharsets.UTF_8));
    message.putUserProperty("form", form);
    return message;
  }

  /** Bytes that do not compress, the same in every run. */
  private static byte[] noise(int length) {
    byte[] bytes = new byte[length];
    new Random(20_261_123).nextBytes(bytes);
    return bytes;
  }

  private void tell(String form, Message message, SendResult result, int index) {
    if (result.getSendStatus() != SendStatus.SEND_OK) {
      throw new IllegalStateException(form + ": " + result);
    }
    String[] offsetMsgIds = result.getOffsetMsgId() == null ? new String[0] : result.getOffsetMsgId().split(",");
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("form", form);
    told.put("topic", message.getTopic());
    told.put("msgId", result.getMsgId());
    told.put("offsetMsgId", index < offsetMsgIds.length ? offsetMsgIds[index] : null);
    told.put("transactionId", result.getTransactionId());
    told.put("queueId", result.getMessageQueue().getQueueId());
    told.put("queueOffset", result.getQueueOffset() + index);
    told.put("tags", message.getTags());
    told.put("keys", message.getKeys());
    told.put("flag", message.getFlag());
    told.put("bodyLength", message.getBody().length);
    told.put("bodySha256", FieldsFile.sha256(message.getBody()));
    System.out.println("FORM " + Json.of(told));
    sent++;
  }
}
