//! The SDK's clients, and why their settings are what they are.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_codedeploy::config::retry::RetryPartition;
use turnstile::words::ids::HookName;
use turnstile::words::time::Timestamp;

use crate::autoscaling::AutoScaling;
use crate::codedeploy::CodeDeploy;
use crate::ends::Ends;
use crate::enrolments::EnrolmentRecord;
use crate::executions::Executions;
use crate::gates::Gates;
use crate::launches::Launches;
use crate::metrics::{self, Metrics};
use crate::notices::Notices;
use crate::owners::Owners;
use crate::served::Served;
use crate::turns::Turns;

/// Three tries within a call ride out a lost packet or a throttled second. What lasts longer is for the state machine,
/// whose retries cost no Lambda time.
const ATTEMPTS: u32 = 3;
/// The APIs answer within a second; one that has not after five is not going to.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// All tries of one call. A function makes several, but an API that is this slow for one is not worth the next: the function
/// ends with the first that fails.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How often the SDK tries a call.
pub fn retry_config() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS)
}

/// How long the SDK waits for a call.
pub fn timeout_config() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

/// Makes a function's clients. Each is made by an inlined function, so that a binary has the code of those services only that its
/// function calls.
#[derive(Clone)]
pub struct Clients {
    config: SdkConfig,
    retry_partition: Option<RetryPartition>,
    output: metrics::Output,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The clock by which the SDK signs its requests. A rollout's own times come with its calls; this one is for what nobody waits for.
#[derive(Debug, Clone)]
pub struct Clock(SdkConfig);

impl Clock {
    /// The present.
    pub fn now(&self) -> Timestamp {
        let now = self.0.time_source().map_or_else(SystemTime::now, |source| source.now());
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Clients {
    /// Clients with this configuration.
    pub fn new(config: SdkConfig) -> Self {
        Self { config, retry_partition: None, output: metrics::standard_output() }
    }

    /// Clients with region, credentials and endpoint from the environment, as Lambda sets it.
    pub async fn from_environment() -> Self {
        let loader = aws_config::defaults(BehaviorVersion::latest());
        Self::new(loader.retry_config(retry_config()).timeout_config(timeout_config()).load().await)
    }

    /// The same clients with a budget of retries of their own. The SDK's default is one for each service in a process, which is
    /// one for each function in Lambda, but not where several functions run in one process.
    pub fn with_retry_partition(self, retry_partition: RetryPartition) -> Self {
        Self { retry_partition: Some(retry_partition), ..self }
    }

    /// The same clients, with metrics that go elsewhere than to standard output.
    pub fn with_output(self, output: metrics::Output) -> Self {
        Self { output, ..self }
    }

    /// Metrics.
    pub fn metrics(&self) -> Metrics {
        Metrics::new(self.output.clone())
    }

    /// The SDK's clock.
    pub fn clock(&self) -> Clock {
        Clock(self.config.clone())
    }

    /// The Region's name, as in `eu-west-1`; empty when the configuration has none.
    pub fn region(&self) -> String {
        self.config.region().map_or_else(String::new, ToString::to_string)
    }

    /// Auto Scaling.
    #[inline]
    pub fn autoscaling(&self) -> AutoScaling {
        let mut config = aws_sdk_autoscaling::config::Builder::from(&self.config);
        config.set_retry_partition(self.retry_partition.clone());
        AutoScaling::new(aws_sdk_autoscaling::Client::from_conf(config.build()))
    }

    /// CodeDeploy.
    #[inline]
    pub fn codedeploy(&self) -> CodeDeploy {
        let mut config = aws_sdk_codedeploy::config::Builder::from(&self.config);
        config.set_retry_partition(self.retry_partition.clone());
        CodeDeploy::new(aws_sdk_codedeploy::Client::from_conf(config.build()))
    }

    /// Step Functions.
    #[inline]
    pub fn executions(&self) -> Executions {
        let mut config = aws_sdk_sfn::config::Builder::from(&self.config);
        config.set_retry_partition(self.retry_partition.clone());
        Executions::new(aws_sdk_sfn::Client::from_conf(config.build()))
    }

    /// The gates of instances.
    #[inline]
    pub fn gates(&self) -> Gates {
        let mut config = aws_sdk_resourcegroupstagging::config::Builder::from(&self.config);
        config.set_retry_partition(self.retry_partition.clone());
        Gates::new(aws_sdk_resourcegroupstagging::Client::from_conf(config.build()))
    }

    /// SNS and EventBridge. `topic_arn` is the topic's.
    #[inline]
    pub fn notices(&self, topic_arn: String) -> Notices {
        let mut sns = aws_sdk_sns::config::Builder::from(&self.config);
        sns.set_retry_partition(self.retry_partition.clone());
        let mut events = aws_sdk_eventbridge::config::Builder::from(&self.config);
        events.set_retry_partition(self.retry_partition.clone());
        Notices::new(
            aws_sdk_sns::Client::from_conf(sns.build()),
            aws_sdk_eventbridge::Client::from_conf(events.build()),
            topic_arn,
        )
    }

    /// `table` is the name of the table of turns.
    #[inline]
    pub fn ends(&self, table: String) -> Ends {
        Ends::new(self.dynamodb(), table)
    }

    /// DynamoDB. `table` is the name of the table of turns.
    #[inline]
    pub fn turns(&self, table: String) -> Turns {
        Turns::new(self.dynamodb(), table)
    }

    /// What is known of which groups have the hook of this name. `table` is the name of the table of turns.
    #[inline]
    pub fn enrolments(&self, table: String, hook: &HookName) -> EnrolmentRecord {
        EnrolmentRecord::new(self.dynamodb(), table, hook)
    }

    /// `table` is the name of the table of turns.
    #[inline]
    pub fn served(&self, table: String) -> Served {
        Served { autoscaling: self.autoscaling(), turns: self.turns(table), gates: self.gates() }
    }

    /// `table` is the name of the table of turns.
    pub fn launches(&self, table: String) -> Launches {
        Launches { autoscaling: self.autoscaling(), owners: Owners::new(self.dynamodb(), table) }
    }

    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.config);
        config.set_retry_partition(self.retry_partition.clone());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }
}
