//! Which deployments have begun on an instance, and in which order.

use world::DeploymentReport;

use super::Unmet;
use crate::format::{Application, Expect};
use crate::observed::Observed;

/// The expectations of what reached instances that were not met.
pub fn unmet(expect: &Expect, observed: &Observed) -> Vec<Unmet> {
    let unmet = expect.reached.iter().filter_map(|(launch, names)| {
        let id = launch.checked_sub(1).and_then(|index| observed.launched.get(index));
        let found = id.map(|id| reached(id, &observed.report.deployments)).unwrap_or_default();
        let expected: Vec<String> = names.iter().map(|name| Application::named(name).short_form()).collect();
        let problem = || format!("expected {}, got {}", listed(&expected), listed(&found));
        (expected != found).then(|| Unmet::new(format!("reached.{launch}"), problem()))
    });
    unmet.collect()
}

/// The deployments that have begun on an instance, in the order in which they did, by application and deployment group.
fn reached(instance: &str, deployments: &[DeploymentReport]) -> Vec<String> {
    let mut begun: Vec<(f64, String)> = deployments
        .iter()
        .filter_map(|deployment| {
            let target = deployment.targets.iter().find(|target| target.instance_id == instance)?;
            let began_at = target.lifecycle_events.iter().find_map(|event| event.started_at)?;
            Some((began_at, format!("{}/{}", deployment.application_name, deployment.deployment_group_name)))
        })
        .collect();
    begun.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    begun.into_iter().map(|(_, name)| name).collect()
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::sample;
    use serde_json::json;

    #[test]
    fn what_reached_an_instance_is_told_in_its_order() {
        let mut observed = sample::observed();
        let expected = |names: &[&str]| sample::scenario(json!({"reached": {"1": names}})).expect;
        let sentences = |names: &[&str], observed: &Observed| {
            unmet(&expected(names), observed).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(sentences(&["Orders", "Search"], &observed), [] as [&str; 0], "the third has not begun");
        let other = "reached.1: expected Search/Production, got Orders/Production, Search/Production";
        assert_eq!(sentences(&["Search"], &observed), [other]);
        let began_at = observed.report.deployments[0].targets[0].lifecycle_events[0].started_at;
        for target in &mut observed.report.deployments[1].targets {
            target.lifecycle_events[0].started_at = began_at.map(|at| at - 10.0);
        }
        assert_eq!(sentences(&["Search", "Orders"], &observed), [] as [&str; 0], "by their beginnings");
        observed.launched.clear();
        assert_eq!(sentences(&["Orders"], &observed), ["reached.1: expected Orders/Production, got none"]);
    }
}
