//! What a rollout that waits for its turn learns about its own instance from the deployments of others.
//!
//! One deployment reaches every outdated instance of its group, so the turns of others may bring the instance up to date. Whoever has
//! the turn publishes in the table of turns which deployment of an application has finished. A rollout that waits asks CodeDeploy
//! about each of those once: did it succeed on my own instance? It keeps the answers as observations, which the state machine carries.

use serde::{Deserialize, Serialize};

use crate::policy::up_to_date::Trace;
use crate::words::application::{Application, DeploymentGroup};
use crate::words::deployment::Target;
use crate::words::ids::DeploymentId;
use crate::words::time::Timestamp;
use crate::words::turn::{DeployedApplication, FinishedDeployment};

/// What a rollout has observed of one application on its instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    #[serde(flatten)]
    group: DeploymentGroup,
    /// The newest finished deployment about which it has asked.
    looked_at: DeploymentId,
    /// The deployment that brought the instance up to date, if one has.
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<FinishedDeployment>,
}

/// Whether a finished deployment can say anything new about the instance of a rollout that started at `started_at`. One that ended
/// before is not asked about: should it have contained the instance, start-deployment will find that out.
pub fn is_news(
    observations: &[Observation],
    group: &DeploymentGroup,
    finished: &FinishedDeployment,
    started_at: Timestamp,
) -> bool {
    let is_old = finished.ended_at.is_some_and(|ended| ended.seconds() < started_at.seconds());
    let has_looked = |seen: &Observation| seen.group == *group && seen.looked_at == finished.deployment_id;
    !is_old && !observations.iter().any(has_looked)
}

/// Records how a finished deployment went on the instance. `target` is the instance's own; `None` when the deployment did not contain
/// the instance.
pub fn record(
    observations: &mut Vec<Observation>,
    group: &DeploymentGroup,
    finished: &FinishedDeployment,
    target: Option<&Target>,
) {
    let earlier = observations.iter().position(|seen| seen.group == *group).map(|i| observations.swap_remove(i));
    let earlier = earlier.and_then(|seen| seen.success);
    let success = match Trace::of(target) {
        Trace::Success => Some(finished.clone()),
        // It left the instance as it was: up to date still, if it brought nothing new.
        Trace::None => earlier.filter(|success| match (&success.revision, &finished.revision) {
            (Some(before), Some(now)) => before.is_same_build(now),
            _ => false,
        }),
        Trace::AtWork | Trace::Change => None,
    };
    observations.push(Observation { group: group.clone(), looked_at: finished.deployment_id.clone(), success });
}

/// Every application with the deployment that brought it to the instance, in the order of the list, once all of them are up to date
/// there.
pub fn all_deployed(observations: &[Observation], applications: &[Application]) -> Option<Vec<DeployedApplication>> {
    let deployed = |application: &Application| {
        let success = observations.iter().find(|seen| seen.group == application.group)?.success.clone()?;
        let deployment = FinishedDeployment { ended_at: None, ..success };
        let group = application.group.clone();
        Some(DeployedApplication {
            group,
            deployment,
            attempts: 0,
            also_deployed_to: Vec::new(),
            created_at: None,
            seconds: None,
            looked_at: None,
        })
    };
    applications.iter().map(deployed).collect()
}

/// What a rollout has observed that goes through its applications again because `outdated` is not up to date any more.
pub fn for_next_round(deployed: &[DeployedApplication], outdated: &DeploymentGroup) -> Vec<Observation> {
    let observed = |deployed: &DeployedApplication| Observation {
        group: deployed.group.clone(),
        looked_at: deployed.deployment.deployment_id.clone(),
        success: (deployed.group != *outdated).then(|| deployed.deployment.clone()),
    };
    deployed.iter().map(observed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::deployment::{TargetStatus, sample};
    use TargetStatus::*;
    use serde_json::json;

    fn finished(deployment_id: &str, build: &str, ended_at: i64) -> FinishedDeployment {
        let revision = serde_json::from_value(json!({"s3": {"bucket": "builds", "key": build}})).unwrap();
        let ended_at = Some(Timestamp::from_seconds(ended_at));
        FinishedDeployment { deployment_id: deployment_id.into(), revision: Some(revision), ended_at }
    }

    fn group(name: &str) -> DeploymentGroup {
        format!("{name}/Production").parse().unwrap()
    }

    fn search() -> DeploymentGroup {
        group("Search")
    }

    fn start() -> Timestamp {
        Timestamp::from_seconds(0)
    }

    /// The deployment that counts after looks at these finished deployments of one application.
    fn after(looks: &[(FinishedDeployment, Option<Target>)]) -> Option<DeploymentId> {
        let mut observations = Vec::new();
        for (finished, target) in looks {
            assert!(is_news(&observations, &search(), finished, start()), "{finished:?}");
            record(&mut observations, &search(), finished, target.as_ref());
            assert!(!is_news(&observations, &search(), finished, start()), "{finished:?} is asked about once");
        }
        Some(all_deployed(&observations, &[search().into()])?.remove(0).deployment.deployment_id)
    }

    #[test]
    fn a_success_counts_until_something_else_happens_there() {
        let first = |status: Option<_>| (finished("d-1", "1.zip", 10), status.map(sample::target));
        let again = |status: Option<_>| (finished("d-2", "1.zip", 20), status.map(sample::target));
        let newer = |status: Option<_>| (finished("d-3", "2.zip", 30), status.map(sample::target));
        let never_began = |again: (_, _)| (again.0, Some(sample::failed_before_it_began()));
        let by = |id: &str| Some(DeploymentId::from(id));
        for (looks, expected) in [
            (vec![first(Some(Succeeded))], by("d-1")),
            (vec![first(None)], None),
            (vec![first(Some(Skipped))], None),
            (vec![first(Some(Failed))], None),
            (vec![first(Some(Failed)), again(Some(Succeeded))], by("d-2")),
            (vec![first(Some(Succeeded)), again(None)], by("d-1")),
            (vec![first(Some(Succeeded)), again(Some(Skipped))], by("d-1")),
            (vec![first(Some(Succeeded)), again(Some(Failed))], None),
            (vec![first(Some(Succeeded)), never_began(again(None))], by("d-1")),
            (vec![first(Some(Succeeded)), never_began(newer(None))], None),
            (vec![first(Some(Succeeded)), again(Some(InProgress))], None),
            (vec![first(Some(Succeeded)), newer(None)], None),
            (vec![first(Some(Succeeded)), newer(Some(Succeeded))], by("d-3")),
            (vec![first(None), newer(Some(Succeeded)), (finished("d-4", "2.zip", 40), None)], by("d-3")),
        ] {
            assert_eq!(after(&looks), expected, "{looks:#?}");
        }
    }

    #[test]
    fn an_unknown_revision_proves_nothing_later() {
        let unknown = FinishedDeployment { revision: None, ..finished("d-2", "1.zip", 20) };
        assert_eq!(after(&[(finished("d-1", "1.zip", 10), Some(sample::target(Succeeded))), (unknown, None)]), None);
    }

    #[test]
    fn what_ended_before_the_rollout_began_is_not_asked_about() {
        let started_at = Timestamp::from_seconds(100);
        assert!(!is_news(&[], &search(), &finished("d-1", "1.zip", 99), started_at));
        assert!(is_news(&[], &search(), &finished("d-1", "1.zip", 100), started_at));
        let unknown = FinishedDeployment { ended_at: None, ..finished("d-1", "1.zip", 0) };
        assert!(is_news(&[], &search(), &unknown, started_at));
    }

    #[test]
    fn every_application_has_to_be_deployed() {
        let orders = group("Orders");
        let list = [search().into(), orders.clone().into()];
        let mut observations = Vec::new();
        record(&mut observations, &orders, &finished("d-1", "1.zip", 10), Some(&sample::target(Succeeded)));
        assert_eq!(all_deployed(&observations, &list), None);
        record(&mut observations, &search(), &finished("d-2", "1.zip", 20), Some(&sample::target(Succeeded)));
        let deployed = all_deployed(&observations, &list).unwrap();
        let ids: Vec<&str> = deployed.iter().map(|one| one.deployment.deployment_id.as_str()).collect();
        assert_eq!(ids, ["d-2", "d-1"]);
        assert!(deployed.iter().all(|deployed| deployed.attempts == 0));
    }

    #[test]
    fn an_outdated_application_does_not_rely_on_its_deployment_again() {
        let mut observations = Vec::new();
        let deployment = finished("d-1", "1.zip", 10);
        record(&mut observations, &search(), &deployment, Some(&sample::target(Succeeded)));
        let deployed = all_deployed(&observations, &[search().into()]).unwrap();
        let others = for_next_round(&deployed, &group("Orders"));
        assert_eq!(all_deployed(&others, &[search().into()]), Some(deployed.clone()));
        let outdated = for_next_round(&deployed, &search());
        assert_eq!(all_deployed(&outdated, &[search().into()]), None);
        assert!(!is_news(&outdated, &search(), &deployment, start()), "it is not asked about again");
    }

    #[test]
    fn observations_are_carried_as_json() {
        let mut observations = Vec::new();
        record(&mut observations, &search(), &finished("d-1", "1.zip", 10), Some(&sample::target(Succeeded)));
        let json = json!(observations);
        assert_eq!(json[0]["applicationName"], "Search");
        assert_eq!(json[0]["success"]["endedAt"], 10);
        assert_eq!(serde_json::from_value::<Vec<Observation>>(json).unwrap(), observations);
    }
}
