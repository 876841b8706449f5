//! The calls of SNS and of EventBridge that tell of a rollout's end. Neither service takes back what it was told twice: whoever calls makes sure
//! before that nobody has.

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sns::types::MessageAttributeValue;
use turnstile::policy::message::Message;
use turnstile::policy::rollout_end;
use turnstile::words::error::Error;
use turnstile::words::rollout_end::{DETAIL_TYPE, RolloutEnd, SOURCE};

use crate::error::{of_call, of_code, unexpected};

/// The topic for people, and the event bus for programs.
#[derive(Debug, Clone)]
pub struct Notices {
    sns: aws_sdk_sns::Client,
    events: aws_sdk_eventbridge::Client,
    topic_arn: String,
}

impl Notices {
    /// Notices on this topic and on the account's default event bus.
    pub fn new(sns: aws_sdk_sns::Client, events: aws_sdk_eventbridge::Client, topic_arn: String) -> Self {
        Self { sns, events, topic_arn }
    }

    /// Publishes a message on the topic.
    ///
    /// # Errors
    /// [`Error::Throttled`], [`Error::Unavailable`], [`Error::AccessDenied`] or [`Error::Unexpected`]; so for every call here.
    pub async fn publish(&self, message: &Message) -> Result<(), Error> {
        const CALL: &str = "SNS.Publish";
        let mut request =
            self.sns.publish().topic_arn(&self.topic_arn).subject(&message.subject).message(&message.text);
        for (name, value) in &message.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            request = request.message_attributes(*name, value.map_err(|e| unexpected(CALL, e.to_string()))?);
        }
        request.send().await.map(drop).map_err(|e| of_call(CALL, &e))
    }

    /// Puts an event on the account's default event bus.
    ///
    /// # Errors
    /// See [`Notices::publish`].
    pub async fn put_event(&self, end: &RolloutEnd) -> Result<(), Error> {
        const CALL: &str = "EventBridge.PutEvents";
        let entry = PutEventsRequestEntry::builder()
            .source(SOURCE)
            .detail_type(DETAIL_TYPE)
            .resources(end.id.execution.as_str())
            .detail(rollout_end::detail(end));
        let answer = self.events.put_events().entries(entry.build()).send().await.map_err(|e| of_call(CALL, &e))?;
        // The call succeeds although its entry does not.
        let failed = answer.entries().iter().find_map(|entry| Some((entry.error_code()?, entry.error_message())));
        match failed {
            Some((code, message)) => Err(of_code(CALL, code, message.unwrap_or_default(), None)),
            None => Ok(()),
        }
    }
}
