// SPDX-License-Identifier: Apache-2.0

import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;

/** Which messages a consumer is to fail, and how they get back to the broker. */
final class Failing {
  private final long every;
  private final long times;
  private final String by;

  Failing(Arguments arguments) {
    every = arguments.number("failEvery", 0);
    times = arguments.number("failTimes", 1);
    by = arguments.text("failBy", "answer");
    if (!List.of("answer", "copy", "both").contains(by)) {
      throw new IllegalArgumentException("unknown failBy=" + by);
    }
  }

  boolean fails(MessageExt message) {
    return every > 0 && sequence(message) % every == 0 && message.getReconsumeTimes() < times;
  }

  /** Not by the listener's answer (36), but by the copy that the client sends when 36 has failed. */
  boolean byCopy(MessageExt message) {
    return by.equals("copy") || by.equals("both") && sequence(message) / every % 2 == 1;
  }

  /** The same message that DefaultMQPushConsumerImpl.sendMessageBack sends in its catch block, by the same producer. */
  void sendCopy(DefaultMQPushConsumer client, MessageExt message) {
    Message copy = new Message(MixAll.getRetryTopic(client.getConsumerGroup()), message.getBody());
    String origin = MessageAccessor.getOriginMessageId(message);
    String retryTopic = message.getProperty(MessageConst.PROPERTY_RETRY_TOPIC);
    copy.setFlag(message.getFlag());
    MessageAccessor.setProperties(copy, message.getProperties());
    MessageAccessor.setOriginMessageId(copy, origin == null ? message.getMsgId() : origin);
    MessageAccessor.putProperty(copy, MessageConst.PROPERTY_RETRY_TOPIC, retryTopic == null ? message.getTopic() : retryTopic);
    MessageAccessor.setReconsumeTime(copy, Integer.toString(message.getReconsumeTimes() + 1));
    MessageAccessor.setMaxReconsumeTimes(copy, "16");
    MessageAccessor.clearProperty(copy, MessageConst.PROPERTY_TRANSACTION_PREPARED);
    copy.setDelayTimeLevel(3 + message.getReconsumeTimes());
    try {
      client.getDefaultMQPushConsumerImpl().getmQClientFactory().getDefaultMQProducer().send(copy);
    } catch (Exception failed) {
      throw new IllegalStateException("the copy of " + message.getMsgId() + " was not sent", failed);
    }
  }

  private static long sequence(MessageExt message) {
    return Long.parseLong(DeliveryFile.sequenceOf(message));
  }
}
