//! Served together: one deployment reaches every outdated instance of its group, so a rollout that waits for its turn may find
//! its instance brought up to date by the turns of others.
//!
//! Who has the turn tells in the table of turns which deployment is finished. A rollout that waits asks CodeDeploy once about
//! each of those, whether it succeeded on its own instance, and remembers the answer.

use serde::{Deserialize, Serialize};

use crate::application::Application;
use crate::codedeploy::{Deployment, TargetStatus};
use crate::revision::Revision;
use crate::time::Timestamp;

/// A finished deployment of an application, as the table of turns has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finished {
    pub deployment_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// When it ended, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
}

impl From<&Deployment> for Finished {
    fn from(deployment: &Deployment) -> Self {
        Self {
            deployment_id: deployment.deployment_id.clone(),
            revision: deployment.revision.clone(),
            ended_at: deployment.ended.map(|ended| ended.seconds()),
        }
    }
}

/// An application that is deployed on the rollout's instance: the deployment that did it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployed {
    pub application_name: String,
    pub deployment_group_name: String,
    pub deployment_id: String,
    pub revision: Option<Revision>,
    /// How many deployments the rollout has tried; 0 when the turn of another rollout served its instance.
    pub attempts: u32,
}

impl Deployed {
    pub fn application(&self) -> Application {
        Application::new(&self.application_name, &self.deployment_group_name)
    }

    /// What a rollout that goes round again knows of the application.
    pub fn known(&self, is_up_to_date: bool) -> Known {
        Known {
            application_name: self.application_name.clone(),
            deployment_group_name: self.deployment_group_name.clone(),
            looked_at: self.deployment_id.clone(),
            success: is_up_to_date
                .then(|| Success { deployment_id: self.deployment_id.clone(), revision: self.revision.clone() }),
        }
    }
}

/// What a rollout that waits knows of one application on its instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    application_name: String,
    deployment_group_name: String,
    /// The newest finished deployment that it has looked at.
    looked_at: String,
    /// The deployment that brought the instance up to date, if one has.
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<Success>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Success {
    deployment_id: String,
    revision: Option<Revision>,
}

impl Known {
    fn is_of(&self, application: &Application) -> bool {
        self.application_name == application.application_name
            && self.deployment_group_name == application.deployment_group_name
    }
}

/// Whether a finished deployment can say anything new about the instance of a rollout that started at `since`. One that ended
/// before is not asked about: should it have contained the instance, start-deployment will find that out.
pub fn is_news(known: &[Known], application: &Application, finished: &Finished, since: Timestamp) -> bool {
    let is_old = finished.ended_at.is_some_and(|ended| ended < since.seconds());
    let has_looked = |known: &Known| known.is_of(application) && known.looked_at == finished.deployment_id;
    !is_old && !known.iter().any(has_looked)
}

/// Takes down how a finished deployment went on the instance; `target` is `None` when it did not contain it.
pub fn take_down(known: &mut Vec<Known>, application: &Application, finished: &Finished, target: Option<TargetStatus>) {
    let earlier = known.iter().position(|known| known.is_of(application)).map(|i| known.swap_remove(i));
    let earlier = earlier.and_then(|known| known.success);
    let success = match target {
        Some(TargetStatus::Succeeded) => {
            Some(Success { deployment_id: finished.deployment_id.clone(), revision: finished.revision.clone() })
        }
        // It left the instance as it was: up to date still, if it brought nothing new.
        None | Some(TargetStatus::Skipped | TargetStatus::Pending) => {
            earlier.filter(|success| match (&success.revision, &finished.revision) {
                (Some(before), Some(now)) => before.is_same_build(now),
                _ => false,
            })
        }
        Some(TargetStatus::InProgress | TargetStatus::Failed | TargetStatus::Ready | TargetStatus::Unknown) => None,
    };
    known.push(Known {
        application_name: application.application_name.clone(),
        deployment_group_name: application.deployment_group_name.clone(),
        looked_at: finished.deployment_id.clone(),
        success,
    });
}

/// Every application's deployment, in the order of the list, once all of them have succeeded on the instance.
pub fn all_deployed(known: &[Known], applications: &[Application]) -> Option<Vec<Deployed>> {
    let deployed = |application: &Application| {
        let known = known.iter().find(|known| known.is_of(application))?;
        let success = known.success.clone()?;
        Some(Deployed {
            application_name: application.application_name.clone(),
            deployment_group_name: application.deployment_group_name.clone(),
            deployment_id: success.deployment_id,
            revision: success.revision,
            attempts: 0,
        })
    };
    applications.iter().map(deployed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use TargetStatus::*;
    use serde_json::json;

    fn finished(deployment_id: &str, build: &str, ended_at: i64) -> Finished {
        let revision = serde_json::from_value(json!({"s3": {"bucket": "builds", "key": build}})).unwrap();
        Finished { deployment_id: deployment_id.into(), revision: Some(revision), ended_at: Some(ended_at) }
    }

    fn search() -> Application {
        Application::new("Search", "Production")
    }

    /// The evidence after the instance's looks at these finished deployments of one application.
    fn after(looks: &[(Finished, Option<TargetStatus>)]) -> Option<String> {
        let mut known = Vec::new();
        for (finished, target) in looks {
            assert!(is_news(&known, &search(), finished, Timestamp::from_seconds(0)), "{finished:?}");
            take_down(&mut known, &search(), finished, *target);
            assert!(
                !is_news(&known, &search(), finished, Timestamp::from_seconds(0)),
                "{finished:?} is asked about once"
            );
        }
        Some(all_deployed(&known, &[search()])?.remove(0).deployment_id)
    }

    #[test]
    fn a_success_is_evidence_until_something_else_happens_to_the_instance() {
        let first = |status| (finished("d-1", "1.zip", 10), status);
        let again = |status| (finished("d-2", "1.zip", 20), status);
        let newer = |status| (finished("d-3", "2.zip", 30), status);
        let by = |id: &str| Some(id.to_owned());
        for (looks, expected) in [
            (vec![first(Some(Succeeded))], by("d-1")),
            (vec![first(None)], None),
            (vec![first(Some(Skipped))], None),
            (vec![first(Some(Failed))], None),
            (vec![first(Some(Failed)), again(Some(Succeeded))], by("d-2")),
            (vec![first(Some(Succeeded)), again(None)], by("d-1")),
            (vec![first(Some(Succeeded)), again(Some(Skipped))], by("d-1")),
            (vec![first(Some(Succeeded)), again(Some(Failed))], None),
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
        let unknown = Finished { revision: None, ..finished("d-2", "1.zip", 20) };
        assert_eq!(after(&[(finished("d-1", "1.zip", 10), Some(Succeeded)), (unknown, None)]), None);
    }

    #[test]
    fn what_ended_before_the_rollout_began_is_not_asked_about() {
        let since = Timestamp::from_seconds(100);
        assert!(!is_news(&[], &search(), &finished("d-1", "1.zip", 99), since));
        assert!(is_news(&[], &search(), &finished("d-1", "1.zip", 100), since));
        assert!(is_news(&[], &search(), &Finished { ended_at: None, ..finished("d-1", "1.zip", 0) }, since));
    }

    #[test]
    fn every_application_has_to_be_deployed() {
        let orders = Application::new("Orders", "Production");
        let mut known = Vec::new();
        take_down(&mut known, &orders, &finished("d-1", "1.zip", 10), Some(Succeeded));
        assert_eq!(all_deployed(&known, &[search(), orders.clone()]), None);
        take_down(&mut known, &search(), &finished("d-2", "1.zip", 20), Some(Succeeded));
        let deployed = all_deployed(&known, &[search(), orders]).unwrap();
        assert_eq!(deployed.iter().map(|d| d.deployment_id.as_str()).collect::<Vec<_>>(), ["d-2", "d-1"]);
        assert!(deployed.iter().all(|deployed| deployed.attempts == 0));
    }

    #[test]
    fn a_round_that_found_an_application_outdated_does_not_rely_on_the_same_deployment_again() {
        let mut known = Vec::new();
        take_down(&mut known, &search(), &finished("d-1", "1.zip", 10), Some(Succeeded));
        let deployed = all_deployed(&known, &[search()]).unwrap().remove(0);
        assert_eq!(all_deployed(&[deployed.known(true)], &[search()]), Some(vec![deployed.clone()]));
        let known = vec![deployed.known(false)];
        assert_eq!(all_deployed(&known, &[search()]), None);
        assert!(!is_news(&known, &search(), &finished("d-1", "1.zip", 10), Timestamp::from_seconds(0)));
    }
}
