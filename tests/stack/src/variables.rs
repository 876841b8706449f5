//! The environment variables that template.yaml gives the functions.

use crate::turns::TABLE;
use crate::{Function, Options, state_machine_arn};

/// The values of the variables.
pub(crate) struct Variables {
    applications: Option<String>,
    auto_scaling_group: String,
    hook: String,
}

impl Variables {
    pub(crate) fn new(options: &Options) -> Self {
        let first = options.setting.auto_scaling_groups.first().map(|group| group.name.clone());
        Self {
            applications: options.applications.clone(),
            auto_scaling_group: options.auto_scaling_group_name.clone().or(first).unwrap_or_default(),
            hook: options.lifecycle_hook_name.clone(),
        }
    }

    /// The function with its variables.
    pub(crate) fn complete(&self, mut function: Function) -> Function {
        let hook = ("LIFECYCLE_HOOK_NAME", self.hook.clone());
        let turns = ("TURNS_TABLE", TABLE.to_owned());
        let variables = match function.name.as_str() {
            "start-rollout" => vec![
                ("STATE_MACHINE_ARN", state_machine_arn()),
                ("AUTO_SCALING_GROUP_NAME", self.auto_scaling_group.clone()),
                hook,
            ],
            "plan-rollout" => {
                self.applications.iter().map(|list| ("APPLICATIONS", list.clone())).chain([hook]).collect()
            }
            "take-turn" | "start-deployment" | "check-status" => vec![turns],
            "return-turn" => vec![turns, hook],
            "complete-lifecycle-hook" => vec![hook],
            _ => Vec::new(),
        };
        // A variable that the function already has comes later, and takes precedence.
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value));
        function.environment.splice(..0, variables);
        function
    }
}
