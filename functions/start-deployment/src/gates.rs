//! Moves the gates of the instances that a deployment is to serve, and sees that nothing else reaches them.

use std::collections::BTreeSet;

use aws::history::History;
use aws::up_to_date;
use tracing::{info, warn};
use turnstile::policy::gate::{self, Selecting};
use turnstile::policy::up_to_date::{Found, Search};
use turnstile::policy::{cohort, deployment_tag, stall, turn};
use turnstile::words::application::DeploymentGroup;
use turnstile::words::deployment::{Deployment, Target, TargetStatus};
use turnstile::words::error::Error;
use turnstile::words::gate::{Gate, GateKey};
use turnstile::words::ids::{Account, ClaimKey, DeploymentId, InstanceId, TargetId};
use turnstile::words::turn::Claim;

use crate::request::{Request, Way};
use crate::{MOST_CLAIMS_READ, StartDeployment};

/// How many of the attempts since a group's last success are asked what became of the instances in service. An older one is hidden by these as a
/// rule.
const MOST_ATTEMPTS_ASKED: usize = 5;

/// What the table has on record of the deployment groups to which rollouts of the Auto Scaling group have deployed.
pub(crate) struct Others {
    /// All but the application's own, with those of the list's other applications: their deployments may come to the same instances.
    groups: Vec<DeploymentGroup>,
    /// Whether the application's own is among them.
    has_own: bool,
}

impl StartDeployment {
    /// How long to wait for other instances that launch at the same time, in seconds; `None`: deploy.
    pub(crate) async fn gather(&self, request: &Request) -> Result<Option<u32>, Error> {
        let Some(own) = request.plan.gated_instance() else { return Ok(None) };
        if let Some(before) = request.before.as_ref().filter(|_| request.may_regather()) {
            let cohort = match request.cohort.as_slice() {
                [] | [_] => self.served_by(request, before).await?,
                cohort => cohort.iter().cloned().collect(),
            };
            let found = self.turns.read(&[request.main_claim()]).await?;
            return Ok(cohort::regathering(found.first(), own, &cohort, request.waited()));
        }
        if !request.begins_the_turn() {
            return Ok(None);
        }
        let launching = self.autoscaling.launching_instances(&request.plan.auto_scaling_group_name).await?;
        let found = self.turns.read(&[request.main_claim()]).await?;
        Ok(cohort::gathering(found.first(), own, launching, request.age()))
    }

    /// The launching instances to which a deployment brought the application before. Whoever made it knows them; the rollouts of the others have
    /// to ask.
    async fn served_by(&self, request: &Request, before: &DeploymentId) -> Result<BTreeSet<InstanceId>, Error> {
        let targets = self.codedeploy.targets(before).await?;
        let served = targets.iter().filter(|target| target.status == TargetStatus::Succeeded);
        let served = served.filter_map(|target| target.target_id.instance_id()).collect();
        self.autoscaling.still_waiting(&request.plan.auto_scaling_group_name, &served).await
    }

    /// Moves the gates of the cohort to the application, or away from the one before if the application's group does not go by the gate. The
    /// answer is the cohort: the instances that the deployment is to serve, the rollout's own among them.
    pub(crate) async fn move_gates(
        &self,
        request: &Request,
        selecting: Selecting,
    ) -> Result<BTreeSet<InstanceId>, Error> {
        let Request { plan, application, execution, round, now, .. } = request;
        let account = Account::of(execution);
        let Some(own) = plan.gated_instance() else {
            if plan.instance_id.is_none() && plan.has_gates && request.begins_the_turn() {
                self.open_all(request, &account).await?;
            }
            if let Some(instance_id) = plan.instance_id.as_ref().filter(|_| plan.has_gates)
                && let Some(instance) = self.autoscaling.instance(instance_id).await?
            {
                let gate = gate::for_turn(&application.group, selecting, Some(&instance));
                self.turns.require(&request.claims(), execution, *round).await?;
                self.gates.shift_one(&account, &plan.gate_key, instance_id, gate.as_ref()).await?;
            }
            return Ok(plan.instance_id.iter().cloned().collect());
        };
        let found = self.turns.require(&request.claims(), execution, *round).await?;
        let queue = request.main_claim();
        let claim = found.iter().find(|claim| claim.claim == queue);
        let others = match &request.before {
            // Whoever queues for the application has got what comes before it.
            _ if plan.turn_per_deployment => cohort::others(claim, own, None),
            // Nobody has to be asked about others where there are none.
            Some(before) if claim.is_some_and(|claim| !claim.waiting.is_empty()) => {
                cohort::others(claim, own, Some(&self.codedeploy.targets(before).await?))
            }
            before => cohort::others(claim, own, before.as_ref().map(|_| &[][..])),
        };
        let others = match others.is_empty() {
            true => others,
            false => self.autoscaling.still_waiting(&plan.auto_scaling_group_name, &others).await?,
        };
        let others = self.turns.begin_move(&queue, own, &others, (execution, *round), *now).await?;
        let mut cohort = others;
        cohort.insert(own.clone());
        let gate = gate::for_turn(&application.group, selecting, None);
        self.shift((&account, &plan.gate_key), own, &mut cohort, gate.as_ref()).await?;
        self.turns.end_move(&queue, execution, *round).await?;
        if cohort.len() > 1 {
            info!(cohort = ?cohort, "deploys to all that wait for the application");
        }
        Ok(cohort)
    }

    /// Opens the gates of all instances in service, for a rollout of the whole group: those that came before there were gates have none.
    async fn open_all(&self, request: &Request, account: &Account) -> Result<(), Error> {
        let in_service = self.autoscaling.instances_in_service(&request.plan.auto_scaling_group_name).await?;
        for (instance_id, error) in self
            .gates
            .shift(account, &request.plan.gate_key, &in_service.unwrap_or_default(), Some(&Gate::Open))
            .await?
        {
            warn!(instance = %instance_id, error = error.name(), reason = %error, "its gate may be shut");
        }
        Ok(())
    }

    /// Moves the gates. Another instance's gate that cannot be moved leaves that instance out of the cohort.
    async fn shift(
        &self,
        (account, key): (&Account, &GateKey),
        own: &InstanceId,
        cohort: &mut BTreeSet<InstanceId>,
        gate: Option<&Gate>,
    ) -> Result<(), Error> {
        let instances: Vec<InstanceId> = cohort.iter().cloned().collect();
        for (instance_id, error) in self.gates.shift(account, key, &instances, gate).await? {
            if instance_id == *own {
                return Err(error);
            }
            warn!(instance = %instance_id, error = error.name(), reason = %error, "is left out: its gate stays as it is");
            cohort.remove(&instance_id);
        }
        Ok(())
    }

    /// The other deployment groups whose deployments may come to the same instances: those of the list's other applications, and those of every
    /// other list with which rollouts of the Auto Scaling group have deployed, or of another Auto Scaling group that has the deployment group too.
    pub(crate) async fn others(&self, request: &Request) -> Result<Others, Error> {
        let Request { plan, application, .. } = request;
        let own = turn::claim_on(&plan.auto_scaling_group_name);
        let shared = turn::claim_on_deployment_group(&application.group);
        let mut found = self.turns.read(&[own.clone(), shared.clone()]).await?;
        let taken_for = found.iter().filter(|claim| claim.claim == shared).flat_map(|claim| &claim.taken_for);
        let elsewhere: Vec<ClaimKey> = taken_for.map(turn::claim_on).filter(|claim| *claim != own).collect();
        for claims in elsewhere.chunks(MOST_CLAIMS_READ) {
            found.extend(self.turns.read(claims).await?);
        }
        let recorded = |claim: &Claim| claim.deployment_groups.iter().filter_map(|name| name.parse().ok()).collect();
        let of_own = found.iter().filter(|claim| claim.claim == own);
        let has_own = of_own.map(recorded).any(|groups: Vec<DeploymentGroup>| groups.contains(&application.group));
        let mut groups: BTreeSet<DeploymentGroup> =
            found.iter().flat_map(|claim| -> Vec<_> { recorded(claim) }).collect();
        groups.extend(plan.applications.iter().map(|other| other.group.clone()));
        groups.remove(&application.group);
        Ok(Others { groups: groups.into_iter().collect(), has_own })
    }

    /// Puts the deployment group on record, to which a rollout of the Auto Scaling group is about to deploy. Rollouts with other lists look at it
    /// before they deploy.
    pub(crate) async fn record_group(&self, request: &Request, others: &Others) -> Result<(), Error> {
        let Request { plan, application, .. } = request;
        match others.has_own {
            true => Ok(()),
            false => self.turns.record_group(&plan.auto_scaling_group_name, &application.group).await,
        }
    }

    /// A deployment of another group that has to end before this one's: one that is under way on an instance of the cohort,
    /// which it may reach by the gate that the instance has just left, or on one in service to which this deployment would come too.
    ///
    /// A group that does not go by the gate may come to any instance: there every deployment of the list has to end that is under way.
    pub(crate) async fn in_the_way(
        &self,
        request: &Request,
        selecting: Selecting,
        others: &Others,
        cohort: &BTreeSet<InstanceId>,
        history: &History,
    ) -> Result<Option<Deployment>, Error> {
        let groups = others.groups.iter().filter(|group| selecting.is_gated() || request.plan.names(group));
        self.in_the_way_of(groups, request, selecting, cohort, history).await
    }

    /// Whether something has come into the way since that look: another rollout, with another turn, made its deployment at the same time, and
    /// neither could see the other's. Both have put their call of CreateDeployment on record before they look here, so that one of them at least
    /// sees the other's record. CodeDeploy's lists trail; what a holder has made is on record until then.
    pub(crate) async fn come_into_the_way(
        &self,
        request: &Request,
        selecting: Selecting,
        others: &Others,
        cohort: &BTreeSet<InstanceId>,
        history: &History,
    ) -> Result<Way, Error> {
        // A turn for the whole list keeps away whoever shares a deployment group with it.
        let others = others.groups.iter();
        let others = others.filter(|group| request.plan.turn_per_deployment || !request.plan.names(group));
        let others: Vec<&DeploymentGroup> = others.collect();
        // Whoever may deploy at the same time has the turn for one of these.
        if others.is_empty() {
            return Ok(Way::Clear { given_up: None });
        }
        let claims = others.iter().map(|group| turn::claim_on_deployment_group(group));
        let claims: Vec<ClaimKey> = claims.chain([turn::claim_on(&request.plan.auto_scaling_group_name)]).collect();
        let mut held = Vec::new();
        for claims in claims.chunks(MOST_CLAIMS_READ) {
            let found = self.turns.read(claims).await?;
            held.extend(
                found.into_iter().filter(|claim| claim.holder.as_ref().is_some_and(|one| *one != request.execution)),
            );
        }
        for (claim, call) in held.iter().filter_map(|claim| Some((&claim.claim, claim.unanswered.as_ref()?))) {
            let Some(after_look) = turn::unanswered_after_look(call, request.now) else { continue };
            if after_look != *call {
                self.turns.record_unanswered_of_other(claim, &after_look).await?;
            }
            return Ok(Way::Blocked(None));
        }
        let mut active = Vec::new();
        for made in held.iter().filter_map(|claim| claim.made.as_ref()) {
            match self.codedeploy.deployment(&made.deployment_id).await {
                Ok(Some(deployment)) => active.extend(Some(deployment).filter(|one| one.status.is_active())),
                // CodeDeploy does not tell of it yet, or not any more.
                Ok(None) if made.may_not_be_told_of(request.now) => return Ok(Way::Blocked(None)),
                Ok(None) => {}
                Err(error @ Error::AccessDenied { .. }) => {
                    warn!(deployment = %made.deployment_id, reason = %error, "what another rollout has made is not permitted to be looked at");
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(deployment) = self.first_in_the_way(active, request, selecting, cohort, history).await? {
            return Ok(Way::Blocked(Some(Box::new(deployment))));
        }
        let is_held = |group: &&DeploymentGroup| {
            let claim = turn::claim_on_deployment_group(group);
            held.iter().any(|held| held.claim == claim)
        };
        let groups = others.into_iter().filter(is_held);
        Ok(match self.in_the_way_of(groups, request, selecting, cohort, history).await? {
            Some(deployment) => Way::Blocked(Some(Box::new(deployment))),
            None => Way::Clear { given_up: None },
        })
    }

    async fn in_the_way_of(
        &self,
        groups: impl Iterator<Item = &DeploymentGroup>,
        request: &Request,
        selecting: Selecting,
        cohort: &BTreeSet<InstanceId>,
        history: &History,
    ) -> Result<Option<Deployment>, Error> {
        for group in groups {
            let ids = match request.plan.names(group) {
                true => self.codedeploy.active_deployments(group).await?,
                false => self.codedeploy.active_deployments_if_permitted(group).await?,
            };
            let active = self.codedeploy.deployments(&ids).await?;
            if let Some(first) = self.first_in_the_way(active, request, selecting, cohort, history).await? {
                return Ok(Some(first));
            }
        }
        Ok(None)
    }

    async fn first_in_the_way(
        &self,
        active: impl IntoIterator<Item = Deployment>,
        request: &Request,
        selecting: Selecting,
        cohort: &BTreeSet<InstanceId>,
        history: &History,
    ) -> Result<Option<Deployment>, Error> {
        for active in active {
            if !stall::only_bakes(&active)
                && (!selecting.is_gated()
                    || self.may_meet(&active, &request.application.group, cohort, history).await?)
            {
                return Ok(Some(active));
            }
        }
        Ok(None)
    }

    /// Whether a deployment that is under way may meet one of the group, which goes by the gate, on an instance.
    async fn may_meet(
        &self,
        active: &Deployment,
        group: &DeploymentGroup,
        cohort: &BTreeSet<InstanceId>,
        history: &History,
    ) -> Result<bool, Error> {
        let targets = self.codedeploy.targets(&active.deployment_id).await?;
        // Whom it comes to is decided, and not told yet.
        if targets.is_empty() {
            return Ok(true);
        }
        let unfinished: Vec<TargetId> =
            targets.iter().filter(is_unfinished).map(|target| target.target_id.clone()).collect();
        // What a pipeline brings is current only when its deployment is over.
        let is_a_rollouts = deployment_tag::is_a_rollouts(&active.description);
        let contains = |member: &InstanceId| {
            targets.iter().any(|target| target.target_id == *member && (!is_a_rollouts || is_unfinished(&target)))
        };
        if cohort.iter().any(contains) {
            return Ok(true);
        }
        let in_service = self.autoscaling.in_service(&unfinished).await?;
        let instances: Vec<InstanceId> = in_service.iter().filter_map(TargetId::instance_id).collect();
        if instances.len() < in_service.len() {
            return Ok(true);
        }
        if instances.is_empty() {
            return Ok(false);
        }
        if self.may_pass_for_outdated(&instances, history).await? {
            return Ok(true);
        }
        let search = Search::of(instances);
        let found = up_to_date::search(&self.codedeploy, group, &history.current, search).await?;
        Ok(!matches!(found, Found::UpToDate(_)))
    }

    /// Whether CodeDeploy may take one of these instances for outdated although nothing was installed there since its last success: a deployment
    /// failed on it, or left it out, before it began there. What CodeDeploy makes of that is not documented.
    async fn may_pass_for_outdated(&self, instances: &[InstanceId], history: &History) -> Result<bool, Error> {
        let mut undecided: BTreeSet<&InstanceId> = instances.iter().collect();
        let last = history.current.last_successful.as_ref().map(|last| &last.deployment_id);
        let attempted = history.newest_first.iter().take_while(|deployment| Some(&deployment.deployment_id) != last);
        let attempted = attempted.filter(|deployment| !deployment.status.is_active());
        for deployment in attempted.take(MOST_ATTEMPTS_ASKED) {
            if undecided.is_empty() {
                break;
            }
            for target in self.codedeploy.targets(&deployment.deployment_id).await? {
                let Some(id) = undecided.iter().find(|id| target.target_id == ***id).copied() else { continue };
                if target.status != TargetStatus::Succeeded {
                    return Ok(true);
                }
                undecided.remove(id);
            }
        }
        Ok(false)
    }
}

fn is_unfinished(target: &&Target) -> bool {
    !matches!(target.status, TargetStatus::Succeeded | TargetStatus::Failed | TargetStatus::Skipped)
}
