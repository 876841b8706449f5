//! Puts the gates of instances right that no rollout serves: open in service, shut in the warm pool.

use std::collections::BTreeMap;

use aws::executions::Executions;
use aws::gates::Gates;
use tracing::{Instrument, warn};
use turnstile::policy::gate;
use turnstile::words::error::Error;
use turnstile::words::gate::{Gate, GateKey};
use turnstile::words::group::Group;
use turnstile::words::ids::{Account, AutoScalingGroupName, InstanceId, StateMachineArn};

use crate::name::may_serve;
use crate::span::about;

/// Puts them right.
pub(crate) struct GatesAtRest {
    pub(crate) executions: Executions,
    pub(crate) gates: Gates,
    pub(crate) account: Account,
    pub(crate) key: GateKey,
    pub(crate) state_machine_arn: StateMachineArn,
}

impl GatesAtRest {
    /// Puts the gates of these groups' instances right. One was attached by hand, launched while nothing was there to handle its event, or let in
    /// by a person amid its rollout; or it came back into the warm pool.
    pub(crate) async fn of_groups(&self, groups: &[&Group]) {
        let groups: Vec<&&Group> = groups.iter().filter(|group| !group.instances.is_empty()).collect();
        if groups.is_empty() {
            return;
        }
        let names: Vec<&AutoScalingGroupName> = groups.iter().map(|group| &group.name).collect();
        let gates = match self.gates.of_groups(&names, &self.key).await {
            Ok(gates) => gates,
            Err(error) => return tell(&error),
        };
        let mut running = None;
        for group in groups {
            let span = about(&group.name, None);
            let put_right = async {
                if let Err(error) = self.of_group(group, &gates, &mut running).await {
                    tell(&error);
                }
            };
            put_right.instrument(span).await;
        }
    }

    /// Puts the gates of a group's instances right. `running` are the executions that run, once somebody has asked.
    async fn of_group(
        &self,
        group: &Group,
        gates: &BTreeMap<InstanceId, String>,
        running: &mut Option<Vec<String>>,
    ) -> Result<(), Error> {
        let by_schedule = |may_be_served: &dyn Fn(&InstanceId) -> bool| {
            let mut moves = BTreeMap::<Gate, Vec<InstanceId>>::new();
            for (id, instance) in &group.instances {
                let gate = gates.get(id).map(String::as_str);
                if let Some(gate) = gate::by_schedule(instance, gate, may_be_served(id)) {
                    moves.entry(gate).or_default().push(id.clone());
                }
            }
            moves
        };
        let (certain, if_unserved) = (by_schedule(&|_| true), by_schedule(&|_| false));
        let moves = match certain == if_unserved {
            true => certain,
            // What runs is asked only where it matters.
            false => {
                if running.is_none() {
                    *running = Some(self.executions.running(self.state_machine_arn.as_str()).await?);
                }
                by_schedule(&|id| running.iter().flatten().any(|name| may_serve(name, id)))
            }
        };
        for (gate, instances) in moves {
            self.shift(&group.name, &gate, &instances, gates).await?;
        }
        Ok(())
    }

    async fn shift(
        &self,
        group: &AutoScalingGroupName,
        gate: &Gate,
        instances: &[InstanceId],
        before: &BTreeMap<InstanceId, String>,
    ) -> Result<(), Error> {
        let not_moved = self.gates.shift(&self.account, &self.key, instances, Some(gate)).await?;
        for instance_id in instances {
            let before = before.get(instance_id).map_or("none", String::as_str);
            about(group, Some(instance_id)).in_scope(|| match not_moved.get(instance_id) {
                None => warn!(before, %gate, "moved a gate that no rollout had left so"),
                Some(error) => {
                    warn!(before, %gate, error = error.name(), reason = %error, "the gate stays as it is");
                }
            });
        }
        Ok(())
    }
}

fn tell(error: &Error) {
    warn!(error = error.name(), reason = %error, "gates may be shut in service, or open in the warm pool");
}
