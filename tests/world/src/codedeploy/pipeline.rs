//! Pipelines that deploy again and again.

use std::collections::VecDeque;

use crate::refusal::Refusal;
use crate::setting::Revision;
use crate::simulation::{Happening, Simulation};

/// A pipeline whose deployment group is busy looks so often.
const RETRY_SECONDS: f64 = 5.0;

/// A pipeline's deployments that are still to come.
#[derive(Debug)]
pub(crate) struct Pipeline {
    application_name: String,
    deployment_group_name: String,
    /// The builds, the next one first.
    revisions: VecDeque<Revision>,
    every_seconds: f64,
}

impl Simulation {
    /// Plans a pipeline's deployments: of these builds one after the other, the first now, and each so long after the one before or as soon as
    /// the group is free from then on.
    pub(crate) fn start_pipeline(
        &mut self,
        application_name: &str,
        deployment_group_name: &str,
        revisions: Vec<Revision>,
        every_seconds: f64,
    ) -> Result<(), Refusal> {
        self.group_of(Some(application_name), Some(deployment_group_name))?;
        if !(every_seconds.is_finite() && every_seconds >= 0.0) {
            return Err(Refusal::new("ValidationError", "every must be 0 or more"));
        }
        self.pipelines.push(Pipeline {
            application_name: application_name.to_owned(),
            deployment_group_name: deployment_group_name.to_owned(),
            revisions: revisions.into(),
            every_seconds,
        });
        self.pipeline_due(self.pipelines.len() - 1);
        Ok(())
    }

    pub(crate) fn pipeline_due(&mut self, pipeline: usize) {
        let due = &self.pipelines[pipeline];
        let Some(revision) = due.revisions.front().cloned() else { return };
        let (application, group) = (due.application_name.clone(), due.deployment_group_name.clone());
        let pause = match self.deploy_by_hand(&application, &group, Some(revision)) {
            Ok(_) => {
                let due = &mut self.pipelines[pipeline];
                due.revisions.pop_front();
                due.every_seconds
            }
            // Whatever is in the way ends one day.
            Err(_) => RETRY_SECONDS,
        };
        self.schedule(pause, Happening::PipelineDue { pipeline });
    }
}
