//! Looks at what a rollout would find, for a dry run. Every call here only reads.

use std::collections::BTreeSet;

use aws::history::History;
use aws::up_to_date;
use turnstile::limits::{MOST_APPLICATIONS_LOOKED_AT, MOST_CALLS_ABOUT_FLEET, MOST_HEARTBEAT_TIMEOUTS};
use turnstile::policy::dry_run::{self, LaunchOwner, Other, Report, Seen, SeenOfAll, Standing, UnderWay};
use turnstile::policy::fleet::Fleet;
use turnstile::policy::gate::Selecting;
use turnstile::policy::owner::{self, Ownership};
use turnstile::policy::turn;
use turnstile::policy::up_to_date::{Found, Freshness, MOST_ASKED_OF_ONE, Search};
use turnstile::words::application::DeploymentGroup;
use turnstile::words::deployment::DeploymentGroupInfo;
use turnstile::words::error::Error;
use turnstile::words::hook::Hook;
use turnstile::words::ids::{ExecutionArn, InstanceId};
use turnstile::words::instance::{Instance, Stage};
use turnstile::words::owner::{Phase, Run};
use turnstile::words::plan::Plan;
use turnstile::words::time::Timestamp;
use turnstile::words::turn::Claim;

use crate::PlanRollout;

impl PlanRollout {
    /// What would come of the plan. `hook` is the group's hook that the plan goes by, `source` where the list of applications was found, and
    /// `infos` what is known of their deployment groups already.
    ///
    /// # Errors
    /// [`Error::UnsuitableDeploymentGroup`], else as every call.
    pub(crate) async fn dry_run(
        &self,
        mut plan: Plan,
        instance: Option<&Instance>,
        hook: Option<&Hook>,
        source: &str,
        infos: Vec<DeploymentGroupInfo>,
        now: Timestamp,
    ) -> Result<Report, Error> {
        let in_service = self.autoscaling.instances_in_service(&plan.auto_scaling_group_name).await?;
        let in_service = in_service.unwrap_or_default();
        let checks = self.checks(&plan, &in_service, hook, source);
        if hook.is_none() && instance.is_none_or(|instance| instance.stage() != Stage::Launching) {
            plan.warnings.push(format!(
                "{} has no launch lifecycle hook {}: its launches start no rollout",
                plan.auto_scaling_group_name, self.own_hook
            ));
        }
        let claims = self.turns.read(&turn::all_claims(&plan)).await?;
        let held = claims.iter().find_map(|claim| claim.held.clone());
        let ended = self.ended(&claims, now).await?;
        let others: Vec<InstanceId> =
            in_service.into_iter().filter(|other| Some(other) != plan.instance_id.as_ref()).collect();
        let calls = MOST_CALLS_ABOUT_FLEET / plan.applications.len().clamp(1, MOST_APPLICATIONS_LOOKED_AT);
        let mut seen = Vec::new();
        for (application, info) in plan.applications.iter().zip(infos).take(MOST_APPLICATIONS_LOOKED_AT) {
            let name = &application.group;
            let (under_way, instance, fleet, history) = self.look(&plan, name, &info, &others, calls, now).await?;
            let needed = turn::claims(&plan, name);
            let held = claims.iter().filter(|claim| needed.contains(&claim.claim));
            let holders: BTreeSet<&ExecutionArn> = held.filter_map(|claim| claim.holder.as_ref()).collect();
            let holders = holders
                .into_iter()
                .map(|holder| Other { execution: holder.clone(), has_ended: ended.contains(holder) });
            seen.push(Seen {
                group: name.clone(),
                selecting: Selecting::of(&plan.gate_key, name, &info.selection),
                current: history.current.revision,
                instance,
                in_service: fleet,
                under_way,
                turn_of: holders.collect(),
            });
        }
        let owner = self.owner(&plan, instance).await?;
        let lifecycle_state = instance.map(|instance| instance.lifecycle_state.clone());
        Ok(dry_run::report(plan, SeenOfAll { lifecycle_state, owner, held, checks }, seen))
    }

    /// What is under way in a deployment group, and whose instances are up to date.
    async fn look(
        &self,
        plan: &Plan,
        name: &DeploymentGroup,
        info: &DeploymentGroupInfo,
        others: &[InstanceId],
        calls: usize,
        now: Timestamp,
    ) -> Result<(Option<UnderWay>, Option<Standing>, Fleet, History), Error> {
        let history = History::read(&self.codedeploy, name, info, now).await?;
        let under_way = match history.active().next() {
            Some(active) => {
                let target = match &plan.instance_id {
                    Some(instance_id) => self.codedeploy.target(&active.deployment_id, instance_id).await?,
                    None => None,
                };
                Some(UnderWay::of(active, target.as_ref()))
            }
            None => None,
        };
        let instance = match &plan.instance_id {
            Some(instance_id) => Some(match up_to_date::by_history(&self.codedeploy, &history, instance_id).await? {
                Freshness::UpToDate(_) => Standing::UpToDate,
                Freshness::AtWork(deployment) => Standing::AtWork(deployment.deployment_id),
                Freshness::Outdated if plan.hook.is_some() => Standing::Outdated,
                // A deployment from long ago may have brought what is current.
                Freshness::Outdated => {
                    let own = Search::of(vec![instance_id.clone()]);
                    let current = &history.current;
                    match up_to_date::search_within(&self.codedeploy, name, current, own, MOST_ASKED_OF_ONE).await? {
                        Found::UpToDate(_) => Standing::UpToDate,
                        _ => Standing::Outdated,
                    }
                }
            }),
            None => None,
        };
        let fleet = Fleet::of(others.to_vec());
        let fleet = up_to_date::fleet(&self.codedeploy, name, &history.current, fleet, calls).await?;
        Ok((under_way, instance, fleet.sorted(), history))
    }

    /// The holders of these claims that have ended.
    async fn ended(&self, claims: &[Claim], now: Timestamp) -> Result<BTreeSet<ExecutionArn>, Error> {
        let holders: BTreeSet<&ExecutionArn> = claims.iter().filter_map(|claim| claim.holder.as_ref()).collect();
        let mut ended = BTreeSet::new();
        for holder in holders {
            let runs = self.ask.executions.run(holder).await? == Run::Running;
            if !runs && turn::has_ended(holder, claims, now) {
                ended.insert(holder.clone());
            }
        }
        Ok(ended)
    }

    /// The rollout that owns the launch at the plan's hook.
    async fn owner(&self, plan: &Plan, instance: Option<&Instance>) -> Result<Option<LaunchOwner>, Error> {
        let Some((pending, instance)) = plan.pending_hook().zip(instance) else { return Ok(None) };
        let Some(found) = self.ask.owners.read(&pending.action).await? else { return Ok(None) };
        let nobody: ExecutionArn = "".into();
        let is_its_launch = match owner::ownership(Some(&found), None, &nobody, Some(instance.destination())) {
            Ownership::Owned(_) => true,
            Ownership::Free { keeps_opening } => keeps_opening,
            Ownership::Mine | Ownership::GoneOn => false,
        };
        if !is_its_launch {
            return Ok(None);
        }
        let has_ended = self.ask.executions.run(&found.owned_by).await? == Run::Ended;
        let backs_off = found.phase == Phase::BacksOff;
        Ok(Some(LaunchOwner { rollout: Other { execution: found.owned_by, has_ended }, backs_off }))
    }

    /// What was found in order. Whatever is not ends the dry run, or is warned of.
    fn checks(&self, plan: &Plan, in_service: &[InstanceId], hook: Option<&Hook>, source: &str) -> Vec<String> {
        let group = &plan.auto_scaling_group_name;
        let mut checks =
            vec![format!("{group} is an Auto Scaling group with {} instances in service", in_service.len())];
        checks.extend(hook.map(|hook| {
            format!(
                "its launch hook {} stays open for {} s without a heartbeat, and for {} times that with them, 48 hours at the most",
                hook.lifecycle_hook_name, hook.heartbeat_timeout_seconds, MOST_HEARTBEAT_TIMEOUTS
            )
        }));
        checks.push(format!("the list of applications was found in {source}: {}", listed(plan)));
        checks.push("every deployment group is there, deploys in place to EC2 instances, and has a revision".into());
        checks.push(match plan.turn_per_deployment {
            true => "every deployment group is gated: each deployment has a turn of its own".into(),
            false => "not every deployment group is gated: one turn is for the whole list".into(),
        });
        checks
    }
}

fn listed(plan: &Plan) -> String {
    plan.applications.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
