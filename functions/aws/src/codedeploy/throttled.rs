//! Which calls the SDK may repeat of an operation that must not take effect twice.

use aws_sdk_codedeploy::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_codedeploy::error::ProvideErrorMetadata;
use aws_sdk_codedeploy::operation::create_deployment::CreateDeploymentError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;

use crate::error::is_throttled;

/// Forbids the SDK to repeat a CreateDeployment, unless CodeDeploy has refused it for the rate of calls: such a call has no effect. Otherwise
/// the SDK's own classifiers decide what is repeated.
#[derive(Debug)]
pub(super) struct OnlyThrottled;

impl ClassifyRetry for OnlyThrottled {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(Result::err).and_then(|error| error.as_operation_error());
        let code = error.and_then(|error| error.downcast_ref::<CreateDeploymentError>()).and_then(|error| error.code());
        match code.is_some_and(is_throttled) {
            true => RetryAction::NoActionIndicated,
            false => RetryAction::RetryForbidden,
        }
    }

    fn name(&self) -> &'static str {
        "only throttled"
    }
}
