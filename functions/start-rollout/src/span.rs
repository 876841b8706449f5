//! The spans of the log.

use tracing::field::Empty;
use tracing::{Span, info_span};
use turnstile::words::ids::{AutoScalingGroupName, InstanceId};

/// The span of what the schedule says of a group, or of one of its instances: it names them as the span of a launch's call does.
pub(crate) fn about(group: &AutoScalingGroupName, instance: Option<&InstanceId>) -> Span {
    info_span!("start-rollout", execution = Empty, group = group.as_str(), instance = instance.map(InstanceId::as_str))
}
