//! What has happened to an instance, a line for each event, in the order of time.

use world::{DeploymentReport, HookActionReport, HookResult, InstanceReport, Report};

/// Something that happened to the instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When, in world seconds.
    pub at: f64,
    /// What happened, in a line.
    pub text: String,
}

/// The events of one instance so far. Of two reports of one world, the later one's events begin with the earlier one's.
pub fn of(instance_id: &str, report: &Report) -> Vec<Event> {
    let launch = report.instances.iter().find(|instance| instance.instance_id == instance_id);
    let actions = report.hook_actions.iter().filter(|action| action.instance_id == instance_id);
    let deployments = report.deployments.iter().filter(|d| d.instance_ids.iter().any(|id| id == instance_id));
    let mut events: Vec<Event> = deployments
        .flat_map(deployment)
        .chain(actions.flat_map(hook))
        .chain(launch.into_iter().flat_map(self::instance))
        .collect();
    events.sort_by(|a, b| a.at.total_cmp(&b.at));
    events
}

fn instance(instance: &InstanceReport) -> Vec<Event> {
    let id = &instance.instance_id;
    [
        (Some(instance.launched_at), format!("{id} is launched")),
        (instance.in_service_at, format!("{id} is InService")),
        (instance.terminated_at, format!("{id} is terminated")),
    ]
    .into_iter()
    .filter_map(event)
    .collect()
}

fn hook(action: &HookActionReport) -> Vec<Event> {
    let HookActionReport { instance_id: id, hook, .. } = action;
    let end = match action.result {
        Some(HookResult::Continue) => format!("hook {hook} is completed with CONTINUE"),
        Some(HookResult::Abandon) => format!("hook {hook} is completed with ABANDON"),
        None => format!("hook {hook} is over"),
    };
    [(Some(action.opened_at), format!("{id} waits at hook {hook}")), (action.closed_at, end)]
        .into_iter()
        .filter_map(event)
        .collect()
}

fn deployment(deployment: &DeploymentReport) -> Vec<Event> {
    let name = &deployment.application_name;
    let error = deployment.error_code.map(|code| format!(" ({code})")).unwrap_or_default();
    [
        (deployment.started_at, format!("{name}: deployment {} is InProgress", deployment.deployment_id)),
        (deployment.ended_at, format!("{name}: {}{error}", deployment.status)),
    ]
    .into_iter()
    .filter_map(event)
    .collect()
}

fn event((at, text): (Option<f64>, String)) -> Option<Event> {
    at.map(|at| Event { at, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting;
    use stack::six_applications::GROUP;
    use world::{Clock, World};

    #[test]
    fn events_are_only_added_and_are_in_order() {
        let world = World::new(setting::APPLICATIONS.under_own_hooks(), Clock::Manual).unwrap();
        let id = world.launch(GROUP).unwrap();
        let mut earlier = Vec::new();
        for _ in 0..60 {
            world.advance(10.0);
            let events = of(&id, &world.report());
            assert_eq!(events[..earlier.len()], earlier);
            assert!(events.is_sorted_by(|a, b| a.at <= b.at));
            earlier = events;
        }
        let texts: Vec<&str> = earlier.iter().map(|event| event.text.as_str()).collect();
        assert_eq!(texts[0], format!("{id} is launched"));
        assert_eq!(texts.last(), Some(&format!("{id} is terminated").as_str()));
        assert!(texts.contains(&"Storefront: Succeeded"), "{texts:#?}");
        assert!(texts.contains(&"Orders: Failed (HEALTH_CONSTRAINTS)"), "{texts:#?}");
    }

    #[test]
    fn another_instance_s_events_are_its_own() {
        let report = crate::own_hooks::run().unwrap();
        let [first, second, ..] = report.instances.as_slice() else { panic!("several launches") };
        let events = of(&second.instance_id, &report);
        assert!(events.iter().all(|event| event.at >= second.launched_at));
        assert!(events.iter().all(|event| !event.text.contains(&first.instance_id)));
        assert_eq!(of("i-unknown", &report), []);
    }
}
