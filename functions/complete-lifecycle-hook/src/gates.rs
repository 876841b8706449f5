//! Where a rollout that ends leaves the gate of its instance.

use tracing::warn;
use turnstile::policy::gate;
use turnstile::words::error::Error;
use turnstile::words::hook::PendingHook;
use turnstile::words::ids::Account;
use turnstile::words::instance::Stage;
use turnstile::words::plan::Plan;

use crate::{CompleteLifecycleHook, Request};

impl CompleteLifecycleHook {
    /// Opens the gate of the instance, or shuts it for the warm pool. An instance that is gone needs none, and the gate of one that launches is
    /// left to the rollout that completes its hook.
    pub(crate) async fn rest_gate(&self, request: &Request) -> Result<(), Error> {
        let Some(plan) = request.plan.as_ref().filter(|plan| plan.has_gates) else { return Ok(()) };
        let Some(instance_id) = &plan.instance_id else { return Ok(()) };
        let Some(instance) = self.launches.autoscaling.instance(instance_id).await? else { return Ok(()) };
        let stage = instance.stage();
        if stage == Stage::Gone || (stage.is_before_service() && plan.hook.is_none()) {
            return Ok(());
        }
        let gate = gate::at_rest(&instance);
        self.gates.shift_one(&Account::of(&request.execution), &plan.gate_key, instance_id, Some(&gate)).await
    }

    /// Opens the gate of an instance that somebody else has let in. Nothing depends on it: the schedule opens a gate that stays shut here.
    pub(crate) async fn rest_gate_in_service(&self, request: &Request, plan: &Plan) {
        let Some(instance_id) = plan.gated_instance() else { return };
        match self.is_in_service(instance_id).await {
            Ok(true) => {
                if let Err(error) = self.rest_gate(request).await {
                    warn!(error = error.name(), reason = %error, "the gate stays as it is");
                }
            }
            Ok(false) => {}
            Err(error) => warn!(error = error.name(), reason = %error, "where the instance stands is not known"),
        }
    }

    /// The same for an instance that is let in although its rollout has failed. Nothing but another owner of the launch keeps the hook from its
    /// completion: the schedule opens a gate that stays shut here.
    pub(crate) async fn rest_gate_of_failed(&self, request: &Request, pending: &PendingHook) -> Result<(), Error> {
        match self.launches.keep_failed_open(pending, &request.execution).await {
            Err(error @ Error::LaunchTakenOver(_)) => return Err(error),
            Err(error) => warn!(error = error.name(), reason = %error, "the hook may be without a heartbeat"),
            Ok(_) => {}
        }
        if let Err(error) = self.rest_gate(request).await {
            warn!(error = error.name(), reason = %error, "is let in with a gate that stays shut until the schedule opens it");
        }
        Ok(())
    }
}
