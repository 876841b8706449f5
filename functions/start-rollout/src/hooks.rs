//! Finds out which groups have the stack's hook, and tells of those that have lost it.

use std::collections::BTreeMap;

use aws::autoscaling::AutoScaling;
use aws::enrolments::EnrolmentRecord;
use tracing::{info, warn};
use turnstile::policy::enrolment;
use turnstile::words::enrolment::{Enrolment, Enrolments};
use turnstile::words::group::Group;
use turnstile::words::ids::{AutoScalingGroupName, HookName};
use turnstile::words::time::Timestamp;

use crate::span::about;

/// Finds it out.
pub(crate) struct Hooks {
    pub(crate) autoscaling: AutoScaling,
    pub(crate) record: EnrolmentRecord,
    /// The stack's hook.
    pub(crate) hook: HookName,
}

impl Hooks {
    /// What is known of these groups, after some of them were asked. `have_hook` are those that were asked already.
    pub(crate) async fn look(
        &self,
        groups: &[Group],
        mut have_hook: BTreeMap<AutoScalingGroupName, bool>,
        now: Timestamp,
    ) -> Enrolments {
        let before = self.record.read().await;
        if let Err(error) = &before {
            warn!(error = error.name(), reason = %error, "which groups had the hook is not known: a hook that vanishes is not noticed");
        }
        let known = before.as_ref().ok();
        for name in enrolment::to_ask(groups, known.unwrap_or(&Enrolments::new()), now) {
            if have_hook.contains_key(name) {
                continue;
            }
            match self.autoscaling.launch_hooks(name).await {
                Ok(hooks) => {
                    let has_hook = hooks.iter().any(|hook| hook.lifecycle_hook_name == self.hook);
                    have_hook.insert(name.clone(), has_hook);
                }
                // Its turn comes again.
                Err(error) => {
                    about(name, None).in_scope(|| {
                        warn!(error = error.name(), reason = %error, "whether the group has the hook is not known");
                    });
                    if error.is_temporary() {
                        break;
                    }
                }
            }
        }
        let after = groups.iter().filter_map(|group| {
            let before = known.and_then(|known| known.get(&group.name)).copied();
            let after = have_hook.get(&group.name).map(|has_hook| enrolment::seen(before, *has_hook));
            if let Some(after) = after {
                self.tell(group, before, after);
            }
            Some((group.name.clone(), after.or(before)?))
        });
        let after: Enrolments = after.collect();
        // Without what was known before, a hook that has vanished would be taken for one that never was.
        if let Some(known) = known.filter(|known| **known != after) {
            match self.record.replace(known, &after).await {
                Ok(true) => {}
                Ok(false) => {
                    info!("the record of the groups has changed meanwhile: the next call of the schedule goes by it");
                    return known.clone();
                }
                Err(error) => {
                    warn!(error = error.name(), reason = %error, "which groups have the hook is not on record");
                }
            }
        }
        after
    }

    /// Tells of a change.
    fn tell(&self, group: &Group, before: Option<Enrolment>, after: Enrolment) {
        let (hook, in_service) = (&self.hook, group.in_service());
        about(&group.name, None).in_scope(|| match (before, after) {
            (Some(Enrolment::Vanished), Enrolment::Enrolled) => info!(%hook, in_service, "the launch hook is back"),
            (None | Some(Enrolment::NotEnrolled), Enrolment::Enrolled) => {
                info!(%hook, in_service, "the group has the launch hook: its launches are served");
            }
            _ => {}
        });
    }
}
