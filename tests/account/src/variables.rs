use crate::{Served, TURNS_TABLE, state_machine_arn, topic_arn};

/// The values of the environment variables that template.yaml gives the functions.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    /// The applications of rollouts whose input and hook name none: plan-rollout's `APPLICATIONS`.
    pub applications: Option<String>,
    /// The Auto Scaling groups that the stack may serve: `AUTO_SCALING_GROUP_NAME` and `SERVED_AUTO_SCALING_GROUPS`.
    pub served: Served,
    /// The key of the tag that is the gate: `GATE_TAG_KEY`.
    pub gate_tag_key: String,
    /// The launch hook whose events start rollouts, and which the rollouts complete.
    pub lifecycle_hook_name: String,
    /// Whether failures quote the logs of scripts: check-status's `SCRIPT_OUTPUT`.
    pub script_output: String,
}

impl Variables {
    fn served(&self) -> [(&'static str, String); 2] {
        [
            ("AUTO_SCALING_GROUP_NAME", self.served.auto_scaling_group_name.clone()),
            ("SERVED_AUTO_SCALING_GROUPS", self.served.served_auto_scaling_groups.clone()),
        ]
    }

    /// The variables of a function.
    pub fn of(&self, function: &str) -> Vec<(&'static str, String)> {
        let hook = ("LIFECYCLE_HOOK_NAME", self.lifecycle_hook_name.clone());
        let gate = ("GATE_TAG_KEY", self.gate_tag_key.clone());
        let turns = ("TURNS_TABLE", TURNS_TABLE.to_owned());
        match function {
            "start-rollout" => vec![("STATE_MACHINE_ARN", state_machine_arn()), gate, hook, turns]
                .into_iter()
                .chain(self.served())
                .collect(),
            "plan-rollout" => {
                let list = self.applications.iter().map(|list| ("APPLICATIONS", list.clone()));
                list.chain(self.served()).chain([gate, hook, turns]).collect()
            }
            "start-deployment" => vec![turns],
            "check-status" => vec![("SCRIPT_OUTPUT", self.script_output.clone()), turns],
            "report-outcome" => {
                vec![("STATE_MACHINE_ARN", state_machine_arn()), ("NOTIFICATION_TOPIC_ARN", topic_arn()), turns]
            }
            "back-off" | "complete-lifecycle-hook" => vec![turns, hook],
            _ => Vec::new(),
        }
    }
}
