// SPDX-License-Identifier: Apache-2.0

import java.io.BufferedWriter;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.rocketmq.common.message.MessageClientExt;
import org.apache.rocketmq.common.message.MessageExt;

/** Where a consumer writes down every field of what it was given: a line of JSON a message, of a body its length and SHA-256. */
final class FieldsFile {
  private final BufferedWriter out;

  FieldsFile(String file) throws IOException {
    out = Files.newBufferedWriter(Path.of(file), StandardCharsets.US_ASCII);
  }

  void write(MessageExt message) {
    String line = Json.of(fieldsOf(message)) + "\n";
    synchronized (out) {
      try {
        out.write(line);
        out.flush();
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

  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static Map<String, Object> fieldsOf(MessageExt message) {
    Map<String, Object> fields = new LinkedHashMap<>();
    byte[] body = message.getBody();
    fields.put("topic", message.getTopic());
    fields.put("bodyLength", body == null ? null : body.length);
    fields.put("bodySha256", body == null ? null : sha256(body));
    fields.put("tags", message.getTags());
    fields.put("keys", message.getKeys());
    fields.put("msgId", message.getMsgId());
    fields.put("offsetMsgId", message instanceof MessageClientExt received ? received.getOffsetMsgId() : null);
    fields.put("transactionId", message.getTransactionId());
    fields.put("brokerName", message.getBrokerName());
    fields.put("queueId", message.getQueueId());
    fields.put("queueOffset", message.getQueueOffset());
    fields.put("commitLogOffset", message.getCommitLogOffset());
    fields.put("preparedTransactionOffset", message.getPreparedTransactionOffset());
    fields.put("reconsumeTimes", message.getReconsumeTimes());
    fields.put("bornTimestamp", message.getBornTimestamp());
    fields.put("storeTimestamp", message.getStoreTimestamp());
    fields.put("bornHost", hostText(message.getBornHost()));
    fields.put("storeHost", hostText(message.getStoreHost()));
    fields.put("flag", message.getFlag());
    fields.put("sysFlag", message.getSysFlag());
    fields.put("bodyCrc", message.getBodyCRC());
    fields.put("storeSize", message.getStoreSize());
    fields.put("properties", message.getProperties());
    return fields;
  }

  private static String hostText(SocketAddress address) {
    InetSocketAddress host = (InetSocketAddress) address;
    return host.getAddress().getHostAddress() + ":" + host.getPort();
  }
}
