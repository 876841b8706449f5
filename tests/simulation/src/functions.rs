//! Turnstile's functions.

use account::Variables;

use crate::lambda::{Code, Lambda};

/// Publishes each, as this version of the stack has it.
pub(crate) fn publish(lambda: &Lambda, variables: &Variables, version: usize) {
    for (name, code) in [
        ("start-rollout", Code::of::<start_rollout::StartRollout>()),
        ("plan-rollout", Code::of::<plan_rollout::PlanRollout>()),
        ("start-deployment", Code::of::<start_deployment::StartDeployment>()),
        ("check-status", Code::of::<check_status::CheckStatus>()),
        ("back-off", Code::of::<back_off::BackOff>()),
        ("report-outcome", Code::of::<report_outcome::ReportOutcome>()),
        ("complete-lifecycle-hook", Code::of::<complete_lifecycle_hook::CompleteLifecycleHook>()),
    ] {
        lambda.publish(name, code.in_version(name, version), variables);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_function_of_the_account_is_here() {
        let source = include_str!("functions.rs");
        for function in account::FUNCTIONS {
            assert!(source.contains(&format!("(\"{function}\", Code::of")), "{function}");
        }
    }
}
