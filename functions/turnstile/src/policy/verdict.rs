//! What a deployment means for the rollout. The instance's own target decides, never the deployment's status alone.
//!
//! Under OneAtATime a failure on the last instance leaves the deployment `Succeeded`, and a deployment can be `Failed` because of
//! another instance (CodeDeploy API reference, `MinimumHealthyHosts`).

use crate::words::deployment::{DeploymentStatus, Target, TargetStatus};

/// What [`of_instance`] and [`of_group`] decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The deployment is at work on the instance, or on another one that must not be disturbed.
    InProgress,
    Succeeded,
    Failed,
    /// The deployment has ended and left the instance, or some of a group's, as it was. That is good only if they are known to be up to date.
    NotReached,
}

/// What a deployment means for one instance. `target` is the instance's own; `None` when the deployment does not contain it.
pub fn of_instance(overall: DeploymentStatus, target: Option<TargetStatus>) -> Verdict {
    use DeploymentStatus as D;
    use TargetStatus as T;
    match (overall, target) {
        // The failure is certain as soon as the own target failed, whatever the others still do.
        (_, Some(T::Failed)) => Verdict::Failed,
        // The next deployment must not start while this one is at work on any instance.
        (D::Created | D::Queued | D::InProgress | D::Baking | D::Ready, _) => Verdict::InProgress,
        (D::Succeeded | D::Failed | D::Stopped, Some(T::Succeeded)) => Verdict::Succeeded,
        // The agent ends its lifecycle event first, or one of CodeDeploy's two answers trails the other.
        (D::Succeeded | D::Failed | D::Stopped, Some(T::InProgress)) => Verdict::InProgress,
        (D::Succeeded, Some(T::Pending)) => Verdict::InProgress,
        (D::Failed | D::Stopped, Some(T::Pending)) => Verdict::NotReached,
        (D::Succeeded | D::Failed | D::Stopped, None | Some(T::Skipped | T::Unknown | T::Ready)) => Verdict::NotReached,
    }
}

/// Whether a target may belong to an instance that is there no more, as far as the deployment tells: it has not succeeded, and no script
/// has failed.
pub fn may_be_gone(target: &Target) -> bool {
    let has_script_failed = || target.failed_event.as_ref().is_some_and(|event| event.script_name.is_some());
    match target.status {
        TargetStatus::Succeeded => false,
        TargetStatus::Failed => !has_script_failed(),
        _ => true,
    }
}

/// What a deployment means for a rollout of a whole group: every target counts whose instance is still there. `targets` are those, and may be
/// empty until the deployment has ended; `gone` is how many others there are. `error_code` is CodeDeploy's for the whole deployment.
///
/// That it succeeded says that it failed nowhere. An instance that it left out may be outdated all the same.
pub fn of_group(overall: DeploymentStatus, error_code: Option<&str>, targets: &[Target], gone: usize) -> Verdict {
    let any = |status| targets.iter().any(|target| target.status == status);
    let all_succeeded = targets.iter().all(|target| target.status == TargetStatus::Succeeded);
    let has_left_out = any(TargetStatus::Skipped) || any(TargetStatus::Pending);
    match overall {
        active if active.is_active() => Verdict::InProgress,
        _ if any(TargetStatus::InProgress) => Verdict::InProgress,
        _ if any(TargetStatus::Failed) => Verdict::Failed,
        DeploymentStatus::Succeeded => Verdict::Succeeded,
        // How CodeDeploy may say that no instance of the group is outdated.
        DeploymentStatus::Failed if error_code == Some("NO_INSTANCES") && targets.is_empty() => Verdict::Succeeded,
        // It failed, or was stopped, because of instances that were scaled in.
        _ if gone > 0 && all_succeeded => Verdict::Succeeded,
        _ if gone > 0 && has_left_out => Verdict::NotReached,
        _ => Verdict::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::deployment::{FailedEvent, sample};
    use Verdict::{Failed, InProgress, NotReached, Succeeded};

    const TARGETS: [Option<TargetStatus>; 8] = [
        None,
        Some(TargetStatus::Pending),
        Some(TargetStatus::InProgress),
        Some(TargetStatus::Ready),
        Some(TargetStatus::Succeeded),
        Some(TargetStatus::Failed),
        Some(TargetStatus::Skipped),
        Some(TargetStatus::Unknown),
    ];

    /// Every combination: a row a deployment status, a column a target status.
    #[test]
    #[rustfmt::skip]
    fn of_one_instance() {
        use DeploymentStatus as D;
        let (wait, good, bad, missed) = (InProgress, Succeeded, Failed, NotReached);
        let table = [
            //               absent  Pending InProg. Ready   Succeed Failed Skipped Unknown
            (D::Created,    [wait,   wait,   wait,   wait,   wait,   bad,   wait,   wait]),
            (D::Queued,     [wait,   wait,   wait,   wait,   wait,   bad,   wait,   wait]),
            (D::InProgress, [wait,   wait,   wait,   wait,   wait,   bad,   wait,   wait]),
            (D::Baking,     [wait,   wait,   wait,   wait,   wait,   bad,   wait,   wait]),
            (D::Ready,      [wait,   wait,   wait,   wait,   wait,   bad,   wait,   wait]),
            (D::Succeeded,  [missed, wait,   wait,   missed, good,   bad,   missed, missed]),
            (D::Failed,     [missed, missed, wait,   missed, good,   bad,   missed, missed]),
            (D::Stopped,    [missed, missed, wait,   missed, good,   bad,   missed, missed]),
        ];
        for (overall, row) in table {
            for (target, expected) in TARGETS.into_iter().zip(row) {
                assert_eq!(of_instance(overall, target), expected, "{overall:?} × {target:?}");
            }
        }
    }

    #[test]
    fn of_a_whole_group() {
        use DeploymentStatus as D;
        use TargetStatus as T;
        for (overall, error_code, statuses, gone, expected) in [
            (D::InProgress, None, vec![T::Failed], 0, InProgress),
            (D::InProgress, None, vec![T::Succeeded], 1, InProgress),
            (D::Succeeded, None, vec![T::Succeeded, T::Succeeded], 0, Succeeded),
            (D::Succeeded, None, vec![T::Succeeded, T::Failed], 0, Failed),
            (D::Succeeded, None, vec![T::Skipped], 0, Succeeded),
            (D::Succeeded, None, vec![], 0, Succeeded),
            (D::Failed, Some("NO_INSTANCES"), vec![], 0, Succeeded),
            (D::Failed, Some("HEALTH_CONSTRAINTS"), vec![], 0, Failed),
            (D::Failed, Some("HEALTH_CONSTRAINTS"), vec![], 1, Succeeded),
            (D::Failed, Some("HEALTH_CONSTRAINTS"), vec![T::Succeeded], 1, Succeeded),
            (D::Failed, Some("HEALTH_CONSTRAINTS"), vec![T::Succeeded, T::Skipped], 1, NotReached),
            (D::Failed, Some("HEALTH_CONSTRAINTS"), vec![T::Succeeded, T::Skipped], 0, Failed),
            (D::Failed, Some("HEALTH_CONSTRAINTS"), vec![T::Failed, T::Skipped], 1, Failed),
            (D::Failed, Some("HEALTH_CONSTRAINTS"), vec![T::Failed, T::Succeeded], 1, Failed),
            (D::Failed, Some("HEALTH_CONSTRAINTS"), vec![T::Failed, T::Skipped], 0, Failed),
            (D::Stopped, Some("MANUAL_STOP"), vec![T::Succeeded, T::Skipped], 0, Failed),
            (D::Stopped, Some("MANUAL_STOP"), vec![T::Succeeded], 1, Succeeded),
            (D::Stopped, Some("MANUAL_STOP"), vec![T::InProgress], 1, InProgress),
        ] {
            let targets: Vec<_> = statuses.iter().copied().map(sample::target).collect();
            assert_eq!(of_group(overall, error_code, &targets, gone), expected, "{overall:?} {statuses:?} {gone}");
        }
    }

    #[test]
    fn an_instance_whose_script_failed_was_there() {
        use TargetStatus as T;
        let script_failed = FailedEvent { script_name: Some("start.sh".into()), ..FailedEvent::default() };
        let timed_out = FailedEvent { error_code: Some("ScriptTimedOut".into()), ..FailedEvent::default() };
        for (status, failed_event, expected) in [
            (T::Succeeded, None, false),
            (T::Pending, None, true),
            (T::InProgress, None, true),
            (T::Skipped, None, true),
            (T::Failed, None, true),
            (T::Failed, Some(timed_out), true),
            (T::Failed, Some(script_failed), false),
        ] {
            let target = Target { failed_event, ..sample::target(status) };
            assert_eq!(may_be_gone(&target), expected, "{target:?}");
        }
    }
}
