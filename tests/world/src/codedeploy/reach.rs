//! Applications that are out of the functions' reach: deleted, or not permitted to them any more.

use serde_json::Value;

use crate::refusal::Refusal;
use crate::simulation::Simulation;

impl Simulation {
    /// Deletes an application with its deployment groups (API reference, `DeleteApplication`). What was deployed stays on the instances.
    pub(crate) fn delete_application(&mut self, name: &str) -> Result<(), Refusal> {
        for group in self.application_groups(name)? {
            self.groups[group].is_deleted = true;
        }
        Ok(())
    }

    /// Takes the permissions for an application, its deployment groups and their deployments from the functions.
    pub(crate) fn forbid_application(&mut self, name: &str) -> Result<(), Refusal> {
        self.application_groups(name)?;
        self.forbidden_applications.insert(name.to_owned());
        Ok(())
    }

    /// Whether a call of these parameters is permitted. Deployment targets, and stopping, know no narrower resource than all: see
    /// tests/lint/permissions.py.
    pub(super) fn check_permitted(&self, caller: &str, operation: &str, input: &Value) -> Result<(), Refusal> {
        if self.forbidden_applications.is_empty() || operation.contains("Target") || operation == "StopDeployment" {
            return Ok(());
        }
        let of_deployment = |id: &Value| {
            let deployment = self.deployments.iter().find(|deployment| id == deployment.id.as_str())?;
            Some(self.groups[deployment.group].setting.application_name.as_str())
        };
        let ids = input["deploymentIds"].as_array().into_iter().flatten().chain([&input["deploymentId"]]);
        let mut named = ids.filter_map(of_deployment).chain(input["applicationName"].as_str());
        match named.find(|name| self.forbidden_applications.contains(*name)) {
            None => Ok(()),
            Some(name) => {
                let message = format!("{caller} is not authorized to perform: codedeploy:{operation} on {name}");
                Err(Refusal::new("AccessDeniedException", message))
            }
        }
    }
}
