//! Stopping a deployment, with the turn in hand.

use serde_json::json;
use tracing::warn;
use turnstile::policy::turn;
use turnstile::words::deployment::DeploymentStatus;
use turnstile::words::error::Error;
use turnstile::words::turn::Stop;

use crate::CheckStatus;
use crate::looked::Looked;
use crate::request::{Answer, Request};

impl CheckStatus {
    /// Stops the deployment, if the rollout has the turn. `answer` is what comes of it, if the rollout does not go on as before: a call that
    /// is repeated because its answer was lost gives the same one. `false`: CodeDeploy refuses, and the deployment goes on.
    pub(crate) async fn stop(&self, look: &Looked<'_>, answer: Option<&Answer>) -> Result<bool, Error> {
        let Request { execution, round, plan, application, .. } = look.request;
        self.turns.require(&turn::claims(plan, &application.group), execution, *round).await?;
        let stop = Stop {
            deployment_id: look.deployment.deployment_id.clone(),
            by: execution.clone(),
            round: *round,
            answer: answer.map(|answer| json!(answer).to_string()),
        };
        self.turns.record_stop(&application.group, &stop).await?;
        self.codedeploy.stop(&stop.deployment_id).await
    }

    /// Stops the deployment for the sake of others, as [`CheckStatus::stop`] does. What comes of the rollout does not depend on it.
    pub(crate) async fn stop_for_others(&self, look: &Looked<'_>, answer: Option<&Answer>) -> Result<(), Error> {
        match self.stop(look, answer).await {
            Ok(_) => Ok(()),
            Err(error @ Error::TurnLost(_)) => Err(error),
            Err(error) => {
                warn!(error = error.name(), reason = %error, "the deployment is not stopped");
                Ok(())
            }
        }
    }

    /// What an earlier call has answered that stopped the deployment.
    pub(crate) async fn answer_before(&self, look: &Looked<'_>) -> Result<Option<Answer>, Error> {
        let Request { execution, round, application, .. } = look.request;
        if look.deployment.status != DeploymentStatus::Stopped {
            return Ok(None);
        }
        let stop = self.turns.stop_of(&application.group, &look.deployment.deployment_id).await?;
        let own = stop.filter(|stop| stop.by == *execution && stop.round == *round);
        let answer = own.and_then(|own| serde_json::from_str(&own.answer?).ok());
        Ok(answer.map(Answer::AsBefore))
    }
}
