//! Whether another deployment can succeed where one has failed.
//!
//! It is told by the error code. The codes are those of the CodeDeploy API reference: `Diagnostics.errorCode` of a lifecycle event,
//! as the agent reports it, and `ErrorInformation.code` of a deployment. docs/failures.md shows the same table to operators.

use crate::words::failure::{FailureKind, Reason};

/// A code, whether another deployment can succeed after it, and why.
pub type Row = (&'static str, bool, &'static str);

/// What the agent reports of a lifecycle event that failed.
pub const LIFECYCLE_EVENT: [Row; 6] = [
    ("Success", true, "nothing failed here: the event came to an end, and the trouble was around it"),
    ("ScriptMissing", false, "the bundle has no such script, and will not have it next time"),
    ("ScriptNotExecutable", false, "the bundle's script lacks the permission, and will lack it next time"),
    ("ScriptTimedOut", true, "what the script waited for may be there next time"),
    ("ScriptFailed", true, "the script may have met a network or a lock that is free next time"),
    ("UnknownError", true, "the agent's own: restarted, two commands at once, a download that broke off"),
];

/// What CodeDeploy reports of a deployment that failed.
pub const DEPLOYMENT: [Row; 34] = [
    ("AGENT_ISSUE", true, "the agent was restarted or late, as it is while an instance launches"),
    ("ALARM_ACTIVE", false, "an alarm of the deployment group is on: it is waited for first"),
    ("APPLICATION_MISSING", false, "the application was deleted"),
    ("AUTOSCALING_VALIDATION_ERROR", false, "the deployment group names Auto Scaling groups that cannot be used"),
    ("AUTO_SCALING_CONFIGURATION", false, "the Auto Scaling group does not fit the deployment group"),
    ("AUTO_SCALING_IAM_ROLE_PERMISSIONS", false, "the service role lacks permissions for Auto Scaling"),
    ("CLOUDFORMATION_STACK_FAILURE", false, "of deployments by CloudFormation: none of Turnstile's"),
    ("CODEDEPLOY_RESOURCE_CANNOT_BE_FOUND", false, "something that the deployment needs was deleted"),
    ("CUSTOMER_APPLICATION_UNHEALTHY", false, "of ECS and Lambda deployments: none of Turnstile's"),
    ("DEPLOYMENT_GROUP_MISSING", false, "the deployment group was deleted"),
    ("ECS_UPDATE_ERROR", false, "of ECS deployments: none of Turnstile's"),
    ("ELASTIC_LOAD_BALANCING_INVALID", false, "the deployment group's load balancer cannot be used"),
    (
        "ELB_INVALID_INSTANCE",
        false,
        "the instance cannot be registered with the load balancer, in its subnet or zone for instance",
    ),
    ("HEALTH_CONSTRAINTS", true, "instances failed, of which the cause names one; or two deployments met on one"),
    ("HEALTH_CONSTRAINTS_INVALID", false, "the deployment configuration cannot be met by so few instances"),
    ("HOOK_EXECUTION_FAILURE", false, "of ECS and Lambda deployments: none of Turnstile's"),
    ("IAM_ROLE_MISSING", false, "the service role was deleted"),
    ("IAM_ROLE_PERMISSIONS", false, "the service role lacks permissions"),
    ("INTERNAL_ERROR", true, "CodeDeploy's own trouble, which passes"),
    ("INVALID_ECS_SERVICE", false, "of ECS deployments: none of Turnstile's"),
    ("INVALID_LAMBDA_CONFIGURATION", false, "of Lambda deployments: none of Turnstile's"),
    ("INVALID_LAMBDA_FUNCTION", false, "of Lambda deployments: none of Turnstile's"),
    ("INVALID_REVISION", false, "the bundle or its AppSpec file is wrong, and will be next time"),
    ("MANUAL_STOP", false, "somebody wanted it to stop"),
    ("MISSING_BLUE_GREEN_DEPLOYMENT_CONFIGURATION", false, "of blue/green deployments: none of Turnstile's"),
    ("MISSING_ELB_INFORMATION", false, "the deployment group names no load balancer, and should"),
    ("MISSING_GITHUB_TOKEN", false, "somebody has to connect CodeDeploy to GitHub again"),
    ("NO_EC2_SUBSCRIPTION", false, "the account cannot use EC2"),
    ("NO_INSTANCES", true, "the group selects no running instance: one that was just launched may be running soon"),
    ("OVER_MAX_INSTANCES", false, "the group selects more instances than the quota allows"),
    ("RESOURCE_LIMIT_EXCEEDED", true, "too many deployments at once in the account, which passes"),
    ("REVISION_MISSING", false, "the bundle was deleted"),
    ("THROTTLED", true, "CodeDeploy was throttled by another service, which passes"),
    ("TIMEOUT", true, "the agent did not answer in time: it may next time"),
];

/// Whether another deployment can succeed where this one failed.
pub fn is_worthwhile(kind: FailureKind, reason: &Reason) -> bool {
    match kind {
        FailureKind::DeploymentTimedOut
        | FailureKind::NeighbourFailed
        | FailureKind::JoinedFailed
        | FailureKind::AgentSilent
        | FailureKind::GateNotSeen
        | FailureKind::AlarmActive => false,
        FailureKind::InstanceNotReached | FailureKind::DeploymentFailed => {
            reason.error_code.as_deref().is_none_or(may_pass)
        }
    }
}

/// Whether what an error code stands for may pass by itself. An unknown code may need a person.
fn may_pass(code: &str) -> bool {
    let mut rows = LIFECYCLE_EVENT.iter().chain(&DEPLOYMENT);
    rows.any(|(row, may_pass, _)| *row == code && *may_pass)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::application::DeploymentGroup;
    use crate::words::ids::CodeDeployName;

    fn reason(error_code: Option<&str>) -> Reason {
        let name = |name| CodeDeployName::try_from(name).unwrap();
        Reason {
            summary: String::new(),
            group: DeploymentGroup { application_name: name("A"), deployment_group_name: name("S") },
            deployment_id: "d-1".into(),
            deployment_url: String::new(),
            deployment_status: "Failed".into(),
            instance_id: None,
            lifecycle_event: None,
            script_name: None,
            error_code: error_code.map(Into::into),
            message: None,
            log_tail: None,
            silent_seconds: None,
            others_not_begun: Vec::new(),
            attempts: 1,
        }
    }

    #[test]
    fn only_what_another_deployment_can_mend_is_retried() {
        use FailureKind::{
            AgentSilent, AlarmActive, DeploymentFailed, DeploymentTimedOut, GateNotSeen, InstanceNotReached,
            JoinedFailed, NeighbourFailed,
        };
        for (code, retried) in [
            (None, true),
            (Some("ScriptFailed"), true),
            (Some("UnknownError"), true),
            (Some("ScriptMissing"), false),
            (Some("HEALTH_CONSTRAINTS"), true),
            (Some("NO_INSTANCES"), true),
            (Some("AGENT_ISSUE"), true),
            (Some("REVISION_MISSING"), false),
            (Some("MANUAL_STOP"), false),
            (Some("SOMETHING_NEW"), false),
        ] {
            for kind in [DeploymentFailed, InstanceNotReached] {
                assert_eq!(is_worthwhile(kind, &reason(code)), retried, "{kind:?} {code:?}");
            }
            for kind in [DeploymentTimedOut, NeighbourFailed, JoinedFailed, AgentSilent, GateNotSeen, AlarmActive] {
                assert!(!is_worthwhile(kind, &reason(code)), "{kind:?} {code:?}");
            }
        }
    }

    #[test]
    fn every_row_is_documented() {
        let documented = include_str!("../../../../docs/failures.md");
        for (code, may_pass, why) in LIFECYCLE_EVENT.iter().chain(&DEPLOYMENT) {
            let row = format!("| `{code}` | {} | {why} |", if *may_pass { "yes" } else { "no" });
            assert!(documented.contains(&row), "docs/failures.md lacks: {row}");
        }
    }
}
