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
    let group = group.as_str();
    let suffix = id.map_or_else(|| instance.to_string(), |id| format!("{instance}-{}", hash(id)));
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
}
