//! An execution environment: a function that has started, with SDK clients of its own.

use std::rc::Rc;
use std::sync::Arc;

use account::REGION;
use aws::clients::{Clients, retry_config, timeout_config};
use aws::settings::Settings;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime::client::retries::{RetryPartition, TokenBucket};

use super::code::Handler;
use super::{Code, Surroundings};
use crate::clock::Clock;
use crate::connector::Connector;
use crate::seed::Random;

/// An environment that takes one invocation after the other.
pub(super) struct Environment {
    pub(super) name: String,
    pub(super) version: usize,
    pub(super) connector: Connector,
    /// An error says why the function could not start.
    pub(super) handler: Result<Handler, String>,
}

impl Environment {
    /// Starts a version of a function.
    pub(super) fn start(
        name: String,
        function: &str,
        (version, code): (usize, Code),
        settings: &Settings,
        surroundings: &Surroundings,
        random: Rc<Random>,
    ) -> Self {
        let Surroundings { clock, services, network, .. } = surroundings;
        let connector = Connector::open(name.clone(), services.clone(), network.clone(), random);
        let config = sdk_config(function, *clock, connector.clone());
        // The SDK's own budgets of retries are static: environments of one process would share them, and runs too.
        let retries = RetryPartition::custom(name.clone()).token_bucket(TokenBucket::default()).build();
        let metrics = surroundings.metrics.clone();
        let clients = Clients::new(config).with_retry_partition(retries).with_output(Arc::new(move |line| {
            metrics.lock().expect("no panic while a line is written").push(line.to_owned());
        }));
        Self { name, version, connector, handler: (code.0)(&clients, settings) }
    }
}

/// The SDK's configuration of a function, as Lambda's environment variables and the functions' own choices make it.
pub(crate) fn sdk_config(function: &str, clock: Clock, connector: Connector) -> SdkConfig {
    // Who calls is all that the services tell from a signature.
    let credentials = Credentials::new(function, "function", Some("function".to_owned()), None, "simulation");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(retry_config())
        .timeout_config(timeout_config())
        .sleep_impl(TokioSleep::new())
        .time_source(clock)
        .http_client(connector)
        .build()
}
