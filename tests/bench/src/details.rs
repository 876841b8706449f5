//! Which calls and states a case's numbers are made of.

use std::collections::BTreeMap;

use comfy_table::Table;

use crate::row::is_throttled;
use crate::run::Run;
use crate::table::{right_aligned, with_header};

/// The calls by function and operation, the most frequent first.
pub fn calls(run: &Run) -> Table {
    let mut counts: BTreeMap<(&str, &str, &str), (usize, usize)> = BTreeMap::new();
    for call in &run.report.calls {
        let (made, throttled) = counts.entry((call.service, &call.caller, &call.operation)).or_default();
        *made += 1;
        *throttled += usize::from(is_throttled(call));
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, (made, _))| std::cmp::Reverse(*made));
    let mut table = with_header(["function and call", "an instance", "in all", "throttled"]);
    for ((service, caller, operation), (made, throttled)) in counts {
        let name = format!("{caller}: {service}:{operation}");
        table.add_row([name, each(run, made), made.to_string(), throttled.to_string()]);
    }
    right_aligned(table)
}

/// The states by how often they were entered, the most frequent first.
pub fn states(run: &Run) -> Table {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (state, entered) in run.rollouts.iter().flat_map(|rollout| &rollout.states) {
        *counts.entry(state).or_default() += entered;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, entered)| std::cmp::Reverse(*entered));
    let mut table = with_header(["state", "an instance", "in all"]);
    for (state, entered) in counts {
        table.add_row([state.to_owned(), each(run, entered), entered.to_string()]);
    }
    right_aligned(table)
}

fn each(run: &Run, count: usize) -> String {
    format!("{:.1}", count as f64 / run.instance_ids.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::two_instances;

    #[test]
    fn the_most_frequent_comes_first_with_its_number_an_instance() {
        let run = two_instances();
        let text = calls(&run).to_string();
        let rows: Vec<&str> = text.lines().filter(|line| line.contains("check-status:")).collect();
        let [looks, heartbeats] = rows.as_slice() else { panic!("{text}") };
        let cells = |row: &str| row.trim_matches('│').split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cells(looks), ["check-status:", "codedeploy:GetDeployment", "1.5", "3", "1"]);
        assert_eq!(cells(heartbeats)[1..], ["autoscaling:RecordLifecycleActionHeartbeat", "0.5", "1", "0"]);

        let text = states(&run).to_string();
        let waits = text.find("WaitForDeployment").unwrap();
        assert!(waits < text.find("PlanRollout").unwrap(), "{text}");
        assert!(text.contains("2.0"), "{text}");
    }
}
