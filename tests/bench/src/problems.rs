//! What went wrong in a run, whatever it measured.

use stack::Execution;

use crate::run::Run;

/// What went wrong in a burst of launches, a sentence each.
pub fn of(run: &Run) -> Vec<String> {
    let violations = run.report.violations.iter().map(ToString::to_string);
    let instances = run.instances().filter_map(|(id, instance)| {
        let state = instance.map_or("not launched", |instance| instance.lifecycle_state);
        (state != "InService").then(|| format!("{id} is {state}"))
    });
    let executions = run.rollouts.iter().map(|rollout| &rollout.execution);
    let executions = executions.filter(|execution| execution.status != "SUCCEEDED").map(end);
    let turns = run.turns.iter().filter_map(|turn| {
        let holder = turn.holder.as_ref()?;
        Some(format!("{} is still held by {holder}", turn.claim))
    });
    violations.chain(instances).chain(executions).chain(turns).collect()
}

/// How an execution ended, with its error and cause.
fn end(execution: &Execution) -> String {
    let reason = [&execution.error, &execution.cause].into_iter().flatten().map(String::as_str);
    [execution.name.as_str(), execution.status.as_str()].into_iter().chain(reason).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::{two_instances, violation};

    #[test]
    fn a_good_run_has_no_problem() {
        assert_eq!(of(&two_instances()), [] as [&str; 0]);
    }

    #[test]
    fn every_problem_is_reported() {
        let mut run = two_instances();
        run.report.violations.push(violation());
        run.report.instances[0].lifecycle_state = "Terminated";
        run.instance_ids.push("i-3".to_owned());
        let execution = &mut run.rollouts[1].execution;
        execution.status = "FAILED".to_owned();
        execution.error = Some("Turnstile.Throttled".to_owned());
        execution.cause = Some("{}".to_owned());
        let failed = execution.name.clone();
        run.turns[0].holder = Some("arn:1".to_owned());
        let gone = run.instance_ids[0].clone();
        assert_eq!(
            of(&run),
            [
                "at 5.0 s: hook turnstile of i-1 was left open".to_owned(),
                format!("{gone} is Terminated"),
                "i-3 is not launched".to_owned(),
                format!("{failed} FAILED Turnstile.Throttled {{}}"),
                "autoScalingGroup:web is still held by arn:1".to_owned(),
            ]
        );
    }
}
