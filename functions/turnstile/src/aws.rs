//! The SDK clients' settings, and why they are what they are.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// Three tries within a call ride out a lost packet or a throttled second. What lasts longer is for the state machine,
/// whose retries cost no Lambda time.
const ATTEMPTS: u32 = 3;
/// The APIs answer within a second; one that has not after five is not going to.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// All tries of one call. A function makes several, but an API that is this slow for one is not worth the next: the function
/// ends with the first that fails.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Region, credentials and endpoint from the environment, as Lambda sets it.
pub async fn config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts)
        .load()
        .await
}
