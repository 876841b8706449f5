//! The names of executions.

use sha2::{Digest, Sha256};
use turnstile::words::ids::{AutoScalingGroupName, InstanceId};

/// Execution names have at most 80 characters (Step Functions API reference, StartExecution).
const LONGEST_NAME: usize = 80;
/// The length of the hash that stands for what cannot be in a name, in hexadecimal digits.
const HASH_DIGITS: usize = 8;

/// The name of a launch's execution. It is the same for every delivery of the launch, so that Step Functions itself refuses a second
/// rollout. `id` tells the launch from others of the same instance, as out of a warm pool; only its hash is in the name.
pub fn execution_name(group: &AutoScalingGroupName, instance: &InstanceId, id: Option<&str>) -> String {
    named(group, &id.map_or_else(|| instance.to_string(), |id| format!("{instance}-{}", hash(id))))
}

/// Whether an execution of this name is the rollout of a launch of the instance. An execution whose name merely contains the instance's
/// id is a person's, or another instance's.
pub fn is_of_launch(name: &str, group: &AutoScalingGroupName, instance: &InstanceId) -> bool {
    let is_hash = |text: &str| text.len() == HASH_DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit());
    match name.rsplit_once('-').filter(|(_, last)| is_hash(last)) {
        Some((_, hash)) if name == named(group, &format!("{instance}-{hash}")) => true,
        _ => name == named(group, instance.as_str()),
    }
}

/// Whether an execution of this name may be at work on the instance although it is not the rollout of a launch: it is one if its name does not
/// end like that of another instance's launch.
pub fn may_serve(name: &str, instance: &InstanceId) -> bool {
    let is_hash = |text: &str| text.len() == HASH_DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit());
    let without_hash = name.rsplit_once('-').filter(|(_, last)| is_hash(last)).map_or(name, |(rest, _)| rest);
    let of_launch = |name: &str| name.rfind("-i-").and_then(|start| InstanceId::try_from(&name[start + 1..]).ok());
    of_launch(without_hash).or_else(|| of_launch(name)).is_none_or(|of| of == *instance)
}

fn named(group: &AutoScalingGroupName, suffix: &str) -> String {
    let group = group.as_str();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let clean: String = group.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
    let room = LONGEST_NAME - suffix.len() - 1;
    if clean == group && group.len() <= room {
        return format!("{group}-{suffix}");
    }
    let clean: String = clean.chars().take(room - HASH_DIGITS - 1).collect();
    format!("{clean}-{}-{suffix}", hash(group))
}

fn hash(text: &str) -> String {
    let digits: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    digits[..HASH_DIGITS].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: &str = "i-0123456789abcdef0";

    fn name(group: &str, id: Option<&str>) -> String {
        let instance = InstanceId::try_from(INSTANCE).unwrap();
        execution_name(&AutoScalingGroupName::try_from(group).unwrap(), &instance, id)
    }

    #[test]
    fn an_execution_is_named_after_group_instance_and_launch() {
        assert_eq!(name("web-Blue_1.2", None), "web-Blue_1.2-i-0123456789abcdef0");
        let first = name("web", Some("token 1"));
        assert!(first.starts_with("web-i-0123456789abcdef0-") && !first.contains("token"), "{first}");
        assert_eq!(name("web", Some("token 1")), first);
        assert_ne!(name("web", Some("token 2")), first);
    }

    #[test]
    fn groups_whose_names_do_not_fit_are_still_told_apart() {
        let long = "g".repeat(255);
        for id in [None, Some("token")] {
            let names = [
                name("web blue", id),
                name("web/blue", id),
                name("web-blue", id),
                name(&long, id),
                name(&long[1..], id),
            ];
            for (i, name) in names.iter().enumerate() {
                assert!(name.len() <= LONGEST_NAME && name.contains(INSTANCE), "{name}");
                assert!(!names[..i].contains(name), "{name}");
            }
        }
    }

    #[test]
    fn a_launch_is_known_by_its_execution_s_name() {
        let group = |name: &str| AutoScalingGroupName::try_from(name).unwrap();
        let id = |id: &str| InstanceId::try_from(id).unwrap();
        for name in ["web", "web blue", &"g".repeat(255)] {
            for launch in [None, Some("token")] {
                let execution = execution_name(&group(name), &id(INSTANCE), launch);
                assert!(is_of_launch(&execution, &group(name), &id(INSTANCE)), "{execution}");
                assert!(!is_of_launch(&execution, &group("other"), &id(INSTANCE)), "{execution}");
                assert!(!is_of_launch(&execution, &group(name), &id("i-01234567")), "{execution}");
            }
        }
        for other in ["look-at-i-0123456789abcdef0", "web-i-0123456789abcdef0-again", "web-i-0123456789abcdef0-0123456"]
        {
            assert!(!is_of_launch(other, &group("web"), &id(INSTANCE)), "{other}");
        }
        for name in ["look-at-it", "i-0123456789abcdef0", &name("web", None), &name("web", Some("token"))] {
            assert!(may_serve(name, &id(INSTANCE)), "{name}");
        }
        let others = [execution_name(&group("web"), &id("i-01234567"), None), name("web", Some("token"))];
        assert!(!may_serve(&others[0], &id(INSTANCE)) && !may_serve(&others[1], &id("i-01234567")), "{others:?}");
        let of_longer_id = execution_name(&group("web"), &id("i-01234567abcdef012"), None);
        assert!(!is_of_launch(&of_longer_id, &group("web"), &id("i-01234567")), "{of_longer_id}");
    }
}
