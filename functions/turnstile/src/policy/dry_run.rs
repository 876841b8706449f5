//! What a rollout would do, as a dry run tells it. Nothing here is known for longer than the moment in which it was looked at.

use serde::Serialize;

use crate::limits::MOST_ALSO_DEPLOYED_TO;
use crate::policy::deployment_tag;
use crate::policy::fleet::Fleet;
use crate::policy::gate::Selecting;
use crate::words::application::DeploymentGroup;
use crate::words::deployment::{Deployment, Target, TargetStatus};
use crate::words::hook::HookResult;
use crate::words::ids::{AutoScalingGroupName, DeploymentId, ExecutionArn, HookName, InstanceId};
use crate::words::plan::Plan;
use crate::words::revision::Revision;

/// The output of a dry run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    outcome: Outcome,
    summary: String,
    auto_scaling_group_name: AutoScalingGroupName,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_id: Option<InstanceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifecycle_state: Option<String>,
    /// The hook that would be completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    lifecycle_hook_name: Option<HookName>,
    on_failure: HookResult,
    /// What would happen, a sentence each, in order.
    in_order: Vec<String>,
    applications: Vec<Forecast>,
    /// What was looked at and found in order.
    checks: Vec<String>,
    warnings: Vec<String>,
}

/// By which the state machine knows a report from a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Outcome {
    #[serde(rename = "DRY_RUN")]
    DryRun,
}

/// What would come of an application.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Forecast {
    #[serde(flatten)]
    group: DeploymentGroup,
    would: Would,
    selects: Selecting,
    current_revision: String,
    /// Whether the rollout's own instance is up to date.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'static str>,
    in_service: InService,
    #[serde(skip_serializing_if = "Option::is_none")]
    under_way: Option<UnderWay>,
    /// The executions that have the turn now.
    turn_of: Vec<ExecutionArn>,
}

/// How many of the other instances in service are up to date, and which are not.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct InService {
    up_to_date: usize,
    outdated: usize,
    not_known: usize,
    /// The first of those that are outdated.
    which: Vec<InstanceId>,
}

/// What a rollout would do with an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Would {
    Deploy,
    /// Wait for a deployment that contains the instance.
    Join,
    /// Wait for something that is in the way, and look again.
    Wait,
    Nothing,
}

/// A deployment that is under way.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnderWay {
    deployment_id: DeploymentId,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    /// Whether a rollout has made it.
    of_a_rollout: bool,
    /// Whether it still has the rollout's own instance to do, or has done it: then it is as good as an own one.
    contains_the_instance: bool,
}

impl UnderWay {
    /// `target` is the part that the rollout's own instance has in it.
    pub fn of(deployment: &Deployment, target: Option<&Target>) -> Self {
        use TargetStatus::{InProgress, Pending, Succeeded};
        let serves = target.is_some_and(|target| matches!(target.status, Pending | InProgress | Succeeded));
        Self {
            deployment_id: deployment.deployment_id.clone(),
            status: format!("{:?}", deployment.status),
            revision: deployment.revision.as_ref().map(ToString::to_string),
            of_a_rollout: deployment_tag::is_a_rollouts(&deployment.description),
            contains_the_instance: serves && !deployment.installs_nothing,
        }
    }
}

/// How the rollout's own instance stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    UpToDate,
    /// An agent is still busy with a deployment that is over.
    AtWork(DeploymentId),
    Outdated,
}

/// Another execution, and whether it has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Other {
    pub execution: ExecutionArn,
    pub has_ended: bool,
}

/// The rollout that owns the launch.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchOwner {
    pub rollout: Other,
    /// It has failed, and keeps the instance for a while.
    pub backs_off: bool,
}

/// What was seen of an application.
#[derive(Debug, Clone)]
pub struct Seen {
    pub group: DeploymentGroup,
    pub selecting: Selecting,
    pub current: Revision,
    /// Absent in a rollout of a whole group.
    pub instance: Option<Standing>,
    /// The other instances of the group that are in service.
    pub in_service: Fleet,
    pub under_way: Option<UnderWay>,
    /// Whoever has a part of the turn that the deployment needs.
    pub turn_of: Vec<Other>,
}

/// What was seen of the rollout as a whole.
#[derive(Debug, Clone)]
pub struct SeenOfAll {
    pub lifecycle_state: Option<String>,
    pub owner: Option<LaunchOwner>,
    /// Why a person holds the group.
    pub held: Option<String>,
    pub checks: Vec<String>,
}

/// What would happen.
pub fn report(plan: Plan, of_all: SeenOfAll, seen: Vec<Seen>) -> Report {
    let mut in_order: Vec<String> = of_all.owner.as_ref().map(of_owner).into_iter().collect();
    in_order.extend(
        of_all
            .held
            .as_ref()
            .map(|why| format!("waits until a person releases {}, which is held: {why}", plan.auto_scaling_group_name)),
    );
    if !plan.turn_per_deployment {
        in_order.push(match seen.first().map(|first| of_turn(&first.turn_of)).as_deref() {
            Some("") | None => "takes the turn of the whole list, which is free".to_owned(),
            Some(of_turn) => format!("{of_turn} of the whole list"),
        });
    }
    in_order.extend(seen.iter().map(|one| sentence(&plan, one, &seen)));
    if let Some(next) = plan.applications.get(seen.len()) {
        let left = plan.applications.len() - seen.len();
        in_order
            .push(format!("{next} and what follows: {left} applications, which a dry run checks but does not look at"));
    }
    in_order.push(of_hook(&plan));
    let to_do: Vec<&str> =
        seen.iter().filter(|one| would(one) != Would::Nothing).map(|one| one.group.application_name.as_str()).collect();
    let on = plan
        .instance_id
        .as_ref()
        .map_or_else(|| format!("the instances in service of {}", plan.auto_scaling_group_name), ToString::to_string);
    let deployments = match to_do.as_slice() {
        [] => format!("{on}: every application is up to date"),
        some => format!("{on}: {} of {} applications to deploy ({})", some.len(), seen.len(), some.join(", ")),
    };
    Report {
        outcome: Outcome::DryRun,
        summary: format!("{deployments}. {}. Nothing was changed", warned(plan.warnings.len())),
        auto_scaling_group_name: plan.auto_scaling_group_name,
        instance_id: plan.instance_id,
        lifecycle_state: of_all.lifecycle_state,
        lifecycle_hook_name: plan.hook.map(|hook| hook.lifecycle_hook_name),
        on_failure: plan.on_failure,
        in_order,
        applications: seen.into_iter().map(forecast).collect(),
        checks: of_all.checks,
        warnings: plan.warnings,
    }
}

fn warned(warnings: usize) -> String {
    match warnings {
        0 => "No warnings".to_owned(),
        1 => "1 warning".to_owned(),
        more => format!("{more} warnings"),
    }
}

fn forecast(seen: Seen) -> Forecast {
    let would = would(&seen);
    let Fleet { up_to_date, mut outdated, undecided } = seen.in_service;
    let mut in_service =
        InService { up_to_date: up_to_date.len(), outdated: outdated.len(), not_known: undecided.len(), which: vec![] };
    outdated.truncate(MOST_ALSO_DEPLOYED_TO);
    in_service.which = outdated;
    Forecast {
        group: seen.group,
        would,
        selects: seen.selecting,
        current_revision: seen.current.to_string(),
        instance: seen.instance.map(|standing| match standing {
            Standing::UpToDate => "UP_TO_DATE",
            Standing::AtWork(_) => "AT_WORK",
            Standing::Outdated => "OUTDATED",
        }),
        in_service,
        under_way: seen.under_way,
        turn_of: seen.turn_of.into_iter().map(|other| other.execution).collect(),
    }
}

/// What is under way comes first, as in start-deployment.
fn would(seen: &Seen) -> Would {
    match (&seen.under_way, &seen.instance) {
        (Some(under_way), _) if under_way.contains_the_instance => Would::Join,
        (Some(_), _) | (None, Some(Standing::AtWork(_))) => Would::Wait,
        (None, Some(Standing::UpToDate)) => Would::Nothing,
        (None, Some(Standing::Outdated)) => Would::Deploy,
        (None, None) => match seen.in_service.outdated.is_empty() && seen.in_service.undecided.is_empty() {
            true => Would::Nothing,
            false => Would::Deploy,
        },
    }
}

fn sentence(plan: &Plan, seen: &Seen, all: &[Seen]) -> String {
    let Seen { group, current, in_service, .. } = seen;
    let first = match plan.turn_per_deployment {
        true => Some(of_turn(&seen.turn_of)).filter(|of_turn| !of_turn.is_empty()),
        false => None,
    };
    let first = first.map_or_else(String::new, |of_turn| format!("{of_turn}, then "));
    let which = which(&in_service.outdated);
    let what = match (would(seen), &seen.under_way, &seen.instance) {
        (Would::Join, Some(UnderWay { deployment_id, .. }), _) => {
            format!("waits for {deployment_id}, which is under way and contains the instance")
        }
        (Would::Wait, Some(UnderWay { deployment_id, .. }), _) => {
            format!("waits for {deployment_id}, which is under way, to end, and looks again")
        }
        (Would::Wait, None, Some(Standing::AtWork(deployment_id))) => {
            format!("waits until the agent is done with {deployment_id}, and looks again")
        }
        (Would::Nothing, ..) => match &plan.instance_id {
            Some(instance_id) => format!("nothing to do: {instance_id} has {current}"),
            None => format!("nothing to do: every instance in service has {current}"),
        },
        (Would::Deploy | Would::Join | Would::Wait, ..) => {
            let in_the_way = in_the_way(seen, all);
            let to = match (&plan.instance_id, in_service.outdated.is_empty()) {
                (Some(instance_id), true) => instance_id.to_string(),
                (Some(instance_id), false) => format!("{instance_id}, and to what is outdated in service ({which})"),
                (None, false) => format!("what is outdated in service ({which})"),
                (None, true) => "what is outdated in service".to_owned(),
            };
            format!("{in_the_way}deploys {current} to {to}")
        }
    };
    let not_known = match in_service.undecided.len() {
        0 => String::new(),
        some => format!(
            ". Whether {some} instances in service are up to date was not found in the group's last deployments"
        ),
    };
    format!("{group}: {first}{what}{not_known}")
}

/// A shared group's deployment also waits for those of the list's other groups.
fn in_the_way(seen: &Seen, all: &[Seen]) -> String {
    if seen.selecting.is_gated() {
        return String::new();
    }
    let others = all.iter().filter(|other| other.group != seen.group);
    let ids: Vec<String> = others
        .filter_map(|other| other.under_way.as_ref())
        .map(|under_way| under_way.deployment_id.to_string())
        .collect();
    if ids.is_empty() { String::new() } else { format!("waits for {} to end, then ", ids.join(" and ")) }
}

/// The first few.
fn which(instances: &[InstanceId]) -> String {
    const NAMED: usize = 3;
    let named: Vec<&str> = instances.iter().take(NAMED).map(InstanceId::as_str).collect();
    match instances.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn of_owner(LaunchOwner { rollout: Other { execution, has_ended }, backs_off }: &LaunchOwner) -> String {
    let name = name(execution);
    match (has_ended, backs_off) {
        (true, _) => format!("takes the launch over from {name}, which has ended"),
        (false, true) => format!("takes the launch over from {name}, which has failed and backs off"),
        (false, false) => format!("waits until {name}, which owns the launch, is done"),
    }
}

/// Empty when nobody has the turn.
fn of_turn(holders: &[Other]) -> String {
    let (ended, running): (Vec<&Other>, Vec<&Other>) = holders.iter().partition(|other| other.has_ended);
    let names = |others: &[&Other]| others.iter().map(|other| name(&other.execution)).collect::<Vec<_>>().join(" and ");
    match (running.as_slice(), ended.as_slice()) {
        ([], []) => String::new(),
        ([], ended) => format!("takes over the turn that {} has left behind", names(ended)),
        (running, _) => format!("waits until {} has given back the turn", names(running)),
    }
}

fn of_hook(plan: &Plan) -> String {
    match (&plan.hook, &plan.instance_id) {
        (Some(hook), Some(instance_id)) => {
            let gate = if plan.has_gates { format!("opens the gate of {instance_id}, and ") } else { String::new() };
            format!(
                "{gate}completes {} with CONTINUE; after a failure with {}",
                hook.lifecycle_hook_name, plan.on_failure
            )
        }
        _ => "completes no hook".to_owned(),
    }
}

/// An execution as a person knows it.
fn name(execution: &ExecutionArn) -> &str {
    execution.as_str().rsplit(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::deployment::{DeploymentStatus, Overview, sample};
    use serde_json::json;

    fn id(id: &str) -> InstanceId {
        InstanceId::try_from(id).unwrap()
    }

    fn plan(instance: bool, more: serde_json::Value) -> Plan {
        let mut plan = json!({
            "autoScalingGroupName": "web", "applications": ["A/S", "B/S"], "onFailure": "ABANDON", "warnings": [],
        });
        if instance {
            plan["instanceId"] = json!("i-00000001");
        }
        for (field, value) in more.as_object().unwrap() {
            plan[field] = value.clone();
        }
        serde_json::from_value(plan).unwrap()
    }

    fn seen(group: &str, instance: Option<Standing>) -> Seen {
        Seen {
            group: group.parse().unwrap(),
            selecting: Selecting::SharedByTags,
            current: Revision::GitHub { repository: "me/app".into(), commit_id: "abc".into() },
            instance,
            in_service: Fleet::default(),
            under_way: None,
            turn_of: Vec::new(),
        }
    }

    fn of_all() -> SeenOfAll {
        SeenOfAll { lifecycle_state: None, owner: None, held: None, checks: vec!["web is there".into()] }
    }

    fn other(name: &str, has_ended: bool) -> Other {
        Other { execution: format!("arn:aws:states:us-east-1:1:execution:turnstile:{name}").as_str().into(), has_ended }
    }

    fn under_way(target: Option<TargetStatus>) -> Option<UnderWay> {
        let deployment = sample::deployment(DeploymentStatus::InProgress, Overview::default());
        Some(UnderWay::of(&deployment, target.map(sample::target).as_ref()))
    }

    #[test]
    fn what_would_happen_to_an_application_follows_from_what_was_seen() {
        use TargetStatus::{Failed, InProgress, Pending, Skipped, Succeeded};
        let fleet = |outdated: &[&str], undecided: &[&str]| Fleet {
            up_to_date: vec![],
            outdated: outdated.iter().map(|one| id(one)).collect(),
            undecided: undecided.iter().map(|one| id(one)).collect(),
        };
        let named = |standing| seen("A/S", Some(standing));
        let all = |in_service| Seen { in_service, ..seen("A/S", None) };
        for (seen, expected, says) in [
            (named(Standing::Outdated), Would::Deploy, "A/S: deploys github.com/me/app@abc to i-00000001"),
            (named(Standing::UpToDate), Would::Nothing, "A/S: nothing to do: i-00000001 has github.com/me/app@abc"),
            (
                named(Standing::AtWork("d-7".into())),
                Would::Wait,
                "A/S: waits until the agent is done with d-7, and looks again",
            ),
            (
                Seen { in_service: fleet(&["i-00000002", "i-00000003"], &[]), ..named(Standing::Outdated) },
                Would::Deploy,
                "A/S: deploys github.com/me/app@abc to i-00000001, and to what is outdated in service (i-00000002, i-00000003)",
            ),
            (
                all(fleet(&[], &[])),
                Would::Nothing,
                "A/S: nothing to do: every instance in service has github.com/me/app@abc",
            ),
            (
                all(fleet(&["i-00000002", "i-00000003", "i-00000004", "i-00000005"], &[])),
                Would::Deploy,
                "A/S: deploys github.com/me/app@abc to what is outdated in service (i-00000002, i-00000003, i-00000004 and 1 more)",
            ),
            (
                all(fleet(&[], &["i-00000002"])),
                Would::Deploy,
                "A/S: deploys github.com/me/app@abc to what is outdated in service. Whether 1 instances in service are up to date was not \
                 found in the group's last deployments",
            ),
        ] {
            assert_eq!(would(&seen), expected, "{seen:?}");
            let sentence = sentence(&plan(seen.instance.is_some(), json!({})), &seen, std::slice::from_ref(&seen));
            assert_eq!(sentence, says);
        }
        for (target, standing, expected) in [
            (Some(Pending), Standing::Outdated, Would::Join),
            (Some(InProgress), Standing::UpToDate, Would::Join),
            (Some(Succeeded), Standing::Outdated, Would::Join),
            (Some(Failed), Standing::Outdated, Would::Wait),
            (Some(Skipped), Standing::Outdated, Would::Wait),
            (None, Standing::Outdated, Would::Wait),
            (None, Standing::UpToDate, Would::Wait),
        ] {
            let seen = Seen { under_way: under_way(target), ..named(standing) };
            assert_eq!(would(&seen), expected, "{target:?}");
        }
        let restart = Deployment {
            installs_nothing: true,
            ..sample::deployment(DeploymentStatus::InProgress, Overview::default())
        };
        assert!(!UnderWay::of(&restart, Some(&sample::target(Pending))).contains_the_instance, "it brings no build");
    }

    #[test]
    fn a_report_tells_it_in_order() {
        let hook = json!({"lifecycleHookName": "turnstile", "heartbeatTimeoutSeconds": 600});
        let of_all = SeenOfAll {
            lifecycle_state: Some("Pending:Wait".into()),
            owner: Some(LaunchOwner { rollout: other("first", false), backs_off: true }),
            held: Some("the database moves".into()),
            ..of_all()
        };
        let apps = vec![
            Seen { turn_of: vec![other("gone", true), other("busy", false)], ..seen("A/S", Some(Standing::Outdated)) },
            Seen { under_way: under_way(None), ..seen("B/S", Some(Standing::Outdated)) },
        ];
        let told = report(plan(true, json!({"hook": hook, "warnings": ["mind"]})), of_all.clone(), apps.clone());
        assert_eq!(told.summary, "i-00000001: 2 of 2 applications to deploy (A, B). 1 warning. Nothing was changed");
        let deployment = sample::deployment(DeploymentStatus::InProgress, Overview::default()).deployment_id;
        assert_eq!(
            told.in_order,
            [
                "takes the launch over from first, which has failed and backs off".to_owned(),
                "waits until a person releases web, which is held: the database moves".to_owned(),
                "waits until busy has given back the turn of the whole list".to_owned(),
                format!("A/S: waits for {deployment} to end, then deploys github.com/me/app@abc to i-00000001"),
                format!("B/S: waits for {deployment}, which is under way, to end, and looks again"),
                "completes turnstile with CONTINUE; after a failure with ABANDON".to_owned(),
            ]
        );
        let gated: Vec<Seen> = apps.into_iter().map(|seen| Seen { selecting: Selecting::Gated, ..seen }).collect();
        let each = json!({"hook": hook, "turnPerDeployment": true, "hasGates": true});
        let told = report(plan(true, each), SeenOfAll { owner: None, held: None, ..of_all }, gated);
        assert_eq!(
            told.in_order,
            [
                "A/S: waits until busy has given back the turn, then deploys github.com/me/app@abc to i-00000001"
                    .to_owned(),
                format!("B/S: waits for {deployment}, which is under way, to end, and looks again"),
                "opens the gate of i-00000001, and completes turnstile with CONTINUE; after a failure with ABANDON"
                    .to_owned(),
            ]
        );
    }

    #[test]
    fn a_report_without_anything_to_do_says_so() {
        let apps = ["A/S", "B/S"].map(|group| seen(group, None)).into();
        let told = json!(report(plan(false, json!({})), of_all(), apps));
        assert_eq!(
            told["summary"],
            "the instances in service of web: every application is up to date. No warnings. Nothing was changed"
        );
        assert_eq!(told["outcome"], "DRY_RUN");
        assert_eq!(told["inOrder"][0], "takes the turn of the whole list, which is free");
        assert_eq!(told["inOrder"][3], "completes no hook");
        let expected = json!({
            "applicationName": "A", "deploymentGroupName": "S", "would": "NOTHING", "selects": "SHARED_BY_TAGS",
            "currentRevision": "github.com/me/app@abc", "turnOf": [],
            "inService": {"upToDate": 0, "outdated": 0, "notKnown": 0, "which": []},
        });
        assert_eq!(told["applications"][0], expected);
    }

    #[test]
    fn a_report_fits_into_what_the_state_machine_carries() {
        let long = "x".repeat(100);
        let group = |i| format!("{}{i:02}/{long}", &long[2..]);
        let fleet = Fleet::of((0..5_000).map(|i| id(&format!("i-{i:017}"))).collect());
        let fleet = Fleet { outdated: fleet.undecided.clone(), ..fleet };
        let one = |i| Seen {
            in_service: fleet.clone(),
            under_way: under_way(None),
            turn_of: vec![other(&"x".repeat(80), false)],
            ..seen(&group(i), Some(Standing::Outdated))
        };
        let told = report(plan(true, json!({})), of_all(), (0..99).map(one).collect());
        let size = json!(told).to_string().len();
        assert!(size < 200 * 1024, "{size}");
    }
}
