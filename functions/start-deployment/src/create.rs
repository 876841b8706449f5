//! Makes the deployment, once the group's one slot and the turn are the rollout's.

use std::collections::BTreeSet;

use aws::history::History;
use aws::up_to_date;
use tracing::{info, warn};
use turnstile::limits::MOST_CALLS_ABOUT_FLEET;
use turnstile::policy::fleet::Fleet;
use turnstile::policy::gate::Selecting;
use turnstile::policy::up_to_date::{CurrentRevision, Found, MOST_ASKED_OF_ONE, Search};
use turnstile::policy::{stall, waits};
use turnstile::words::application::Application;
use turnstile::words::deployment::Creation;
use turnstile::words::error::Error;
use turnstile::words::ids::{DeploymentId, InstanceId};
use turnstile::words::turn::{CreationCall, Made};

use crate::StartDeployment;
use crate::gates::Others;
use crate::request::{Outcome, Request, Way, expected_seconds};

impl StartDeployment {
    /// Deploys the application as it is now, if it is still what the calls up to here have seen: they take their time, in which a release may
    /// have ended or begun.
    ///
    /// `cohort` are the instances that the deployment is to serve. `given_up` is the call that is on record, and has no effect any more.
    ///
    /// # Errors
    /// After [`Error::Unavailable`] the deployment may exist, or be made later. It is waited for, then.
    pub(crate) async fn deploy(
        &self,
        request: &Request,
        selecting: Selecting,
        others: &Others,
        cohort: BTreeSet<InstanceId>,
        earlier: History,
        given_up: Option<CreationCall>,
    ) -> Result<Outcome, Error> {
        let history = self.read_again(&earlier, None).await?;
        if let Some(answer) = self.under_way(request, &history).await? {
            return Ok(answer);
        }
        if history.has_another_build_than(&earlier) {
            return self.busy(request, history.current.last_successful).await;
        }
        let CurrentRevision { revision, last_successful } = &history.current;
        let tag = request.own_attempt().tag(last_successful.as_ref().map(|deployment| &deployment.deployment_id));
        let to_deploy = self.to_deploy(request, &history).await?;
        let call = CreationCall {
            creation_id: format!("{:016x}", fastrand::u64(..)),
            called_at: Some(request.now),
            found_at: None,
        };
        let next = request.next_deployment(expected_seconds(&history.current));
        self.record_group(request, others).await?;
        let recorded = self
            .turns
            .record_creation(&request.main_claim(), &next, &call, given_up.as_ref(), request.holder())
            .await?;
        if !recorded {
            self.turns.require(&request.claims(), &request.execution, request.round).await?;
            return self.busy(request, None).await;
        }
        let way = match self.others(request).await {
            Ok(others) => self.come_into_the_way(request, selecting, &others, &cohort, &history).await,
            Err(error) => Err(error),
        };
        if !matches!(way, Ok(Way::Clear { .. })) {
            self.record_answered(request, Some(&call), None).await;
        }
        if let Way::Blocked(other) = way? {
            return match other {
                Some(other) => self.busy(request, Some(*other)).await,
                None => Ok(Outcome::wait_for_others(waits::to_let_a_call_end(fastrand::f64()))),
            };
        }
        let creation = self.codedeploy.create(&to_deploy, revision, &tag).await;
        match &creation {
            Ok(Creation::Unanswered(_)) => {}
            Ok(Creation::Created(id)) => {
                let made = Made { deployment_id: id.clone(), called_at: Some(request.now) };
                self.record_answered(request, Some(&call), Some(&made)).await;
            }
            Ok(Creation::LimitExceeded { .. } | Creation::Refused { .. }) | Err(_) => {
                self.record_answered(request, Some(&call), None).await;
            }
        }
        match creation? {
            Creation::Unanswered(error) => Err(error),
            Creation::Created(id) => {
                let now = self.read_again(&history, Some(&id)).await?;
                match now.has_another_build_than(&history) {
                    true => Ok(self.withdraw(request, id, &now).await),
                    false => Ok(Outcome::Started(request.started(id, &history).of_gated(request, selecting, cohort))),
                }
            }
            // Somebody took the group's one slot between the look and the call.
            Creation::LimitExceeded { message } => {
                match self.under_way(request, &self.read_again(&history, None).await?).await? {
                    Some(answer) => Ok(answer),
                    None => self.limited(request, &message),
                }
            }
            Creation::Refused { code, message } => {
                self.refused(request, selecting, &history.current, code, message).await
            }
        }
    }

    /// The last call of CreateDeployment, or this one, has no effect any more. A record that stays behind costs time, to the next deployment or
    /// to the next rollout.
    pub(crate) async fn record_answered(&self, request: &Request, call: Option<&CreationCall>, made: Option<&Made>) {
        if let Err(error) = self.turns.record_answered(&request.main_claim(), call, made, request.holder()).await {
            warn!(error = error.name(), reason = %error, "CreateDeployment counts as not answered");
        }
    }

    /// A release has ended between the last look and this rollout's own deployment, which would bring the build before it. Another
    /// deployment follows, under another tag. CodeDeploy may refuse the stop: then this one is waited for.
    pub(crate) async fn withdraw(&self, request: &Request, own: DeploymentId, now: &History) -> Outcome {
        warn!(deployment = %own, current = %now.current.revision, "stops its own deployment: another build is current meanwhile");
        if let Err(error) = self.stop_own(request, &own).await {
            warn!(error = error.name(), reason = %error, "the deployment of the build before goes on");
        }
        let wait_seconds = waits::for_other_deployment(request.waited(), request.age(), request.plan.hook.as_ref());
        Outcome::Busy { deployment_id: Some(own), wait_seconds, stall: None, search: None, missed: false, why: None }
    }

    /// CodeDeploy refused the deployment for a limit, although the group has none under way: a deployment of it is not listed yet, or the
    /// account has as many under way as it may. Either passes.
    fn limited(&self, request: &Request, message: &str) -> Result<Outcome, Error> {
        let Request { plan, application, .. } = request;
        let waited = request.waited();
        let why =
            format!("CodeDeploy refuses for a limit, although no deployment of the group is under way: {message}");
        if waited >= waits::longest_for_other_deployments(request.attempt, application.timeout_seconds) {
            return Err(Error::GroupBusy(format!("{application}: waited {waited} s: {why}")));
        }
        warn!(waited, message, "refused for a limit, although no deployment of the group is under way");
        let wait_seconds = waits::for_other_deployment(waited, request.age(), plan.hook.as_ref());
        Ok(Outcome::Busy {
            deployment_id: None,
            wait_seconds,
            stall: None,
            search: None,
            missed: false,
            why: Some(why),
        })
    }

    /// Stops the attempt's own deployment. Whoever has joined it learns that it was no person who stopped it.
    async fn stop_own(&self, request: &Request, own: &DeploymentId) -> Result<(), Error> {
        self.turns.record_stop(&request.application.group, &request.stop_of(own)).await?;
        self.codedeploy.stop(own).await.map(drop)
    }

    /// The application as it is deployed now. It goes to all instances at once if the group's last deployment stalled, perhaps at a dead
    /// instance that comes first.
    async fn to_deploy(&self, request: &Request, history: &History) -> Result<Application, Error> {
        let application = request.application.clone();
        let has_yielded = request.silence.as_ref().is_some_and(|silence| silence.group == application.group);
        let Some(last) = history.newest_first.first().filter(|_| has_yielded) else { return Ok(application) };
        let targets = self.codedeploy.targets(&last.deployment_id).await?;
        let others = stall::others_not_begun(last, &targets, request.plan.instance_id.as_ref());
        let outdated = stall::others_outdated(&targets, request.plan.instance_id.as_ref());
        let in_service = self.autoscaling.in_service(&outdated).await?;
        if !stall::may_go_all_at_once(others.len(), in_service.len()) {
            return Ok(application);
        }
        info!(not_begun = ?others, "deploys to all at once: the last deployment did not get past these instances");
        Ok(Application { deployment_config_name: Some(stall::ALL_AT_ONCE.into()), ..application })
    }

    /// What comes of it when the instance is known to be up to date, or in a rollout of a whole group every one in service, and nothing was attempted
    /// since. CodeDeploy may answer a deployment for nobody with one that fails.
    pub(crate) async fn nothing_is_outdated(
        &self,
        request: &Request,
        history: &History,
    ) -> Result<Option<Outcome>, Error> {
        let (codedeploy, group, current) = (&self.codedeploy, &request.application.group, &history.current);
        // What was attempted since the last success, be it a restart alone, may have left an instance in any state.
        if history.since_last_successful().len() > 1 {
            return Ok(None);
        }
        let brought_by = match (&request.plan.instance_id, &current.last_successful) {
            (Some(instance_id), _) => {
                let search = Search::of(vec![instance_id.clone()]);
                match up_to_date::search_within(codedeploy, group, current, search, MOST_ASKED_OF_ONE).await? {
                    Found::UpToDate(deployment) => Some(deployment),
                    Found::AtWork(_) | Found::Outdated(_) | Found::SearchOn(_) => None,
                }
            }
            (None, Some(last)) => {
                let in_service = self.autoscaling.instances_in_service(&request.plan.auto_scaling_group_name).await?;
                let fleet = Fleet::of(in_service.unwrap_or_default());
                let fleet = up_to_date::fleet(codedeploy, group, current, fleet, MOST_CALLS_ABOUT_FLEET).await?;
                (fleet.outdated.is_empty() && fleet.undecided.is_empty()).then(|| last.clone())
            }
            (None, None) => None,
        };
        let Some(deployment) = brought_by else { return Ok(None) };
        self.turns.require(&request.claims(), &request.execution, request.round).await?;
        Ok(Some(self.up_to_date(request, deployment).await))
    }

    /// CodeDeploy refused the deployment. That is an error, unless it is CodeDeploy's way to say that nothing is outdated: the instance is
    /// known to be up to date; in a rollout of a whole group, every instance is.
    async fn refused(
        &self,
        request: &Request,
        selecting: Selecting,
        current: &CurrentRevision,
        code: String,
        message: String,
    ) -> Result<Outcome, Error> {
        let Request { plan, application, .. } = request;
        let instances = match &plan.instance_id {
            Some(instance_id) => vec![instance_id.clone()],
            None => self.autoscaling.instances_in_service(&plan.auto_scaling_group_name).await?.unwrap_or_default(),
        };
        let found = match (instances.is_empty(), &current.last_successful) {
            (true, Some(last)) => Found::UpToDate(last.clone()),
            _ => {
                let search = request.search.clone().unwrap_or_else(|| Search::of(instances));
                up_to_date::search(&self.codedeploy, &application.group, current, search).await?
            }
        };
        match found {
            Found::UpToDate(deployment) => {
                info!(code, message, "refused: nothing is outdated");
                Ok(self.up_to_date(request, deployment).await)
            }
            Found::AtWork(deployment) => self.busy(request, Some(deployment)).await,
            Found::SearchOn(search) => Ok(Outcome::Busy {
                deployment_id: None,
                wait_seconds: waits::TO_SEARCH_ON,
                stall: None,
                search: Some(search),
                missed: false,
                why: None,
            }),
            Found::Outdated(_) => {
                // Terminated meanwhile, it is no instance of the group any more.
                self.autoscaling.heartbeat(plan).await?.require_open()?;
                // CodeDeploy may not have seen the gate yet, and knows of no instance then.
                if selecting.is_gated() && plan.instance_id.is_some() && request.may_not_see_the_gate() {
                    warn!(code, message, "refused: CodeDeploy may not have seen the gate yet");
                    return Ok(Outcome::missed());
                }
                Err(Error::DeploymentRejected { application: application.to_string(), code, message })
            }
        }
    }
}
